"""Shares outlive the worker that posts them and the service that takes them; feeds notice nothing of either."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from django.conf import settings

from tests.faults import FEED, Person, body_of, photo_ids_in, sign_up
from tests.support.private import ROOT, PrivateStack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.faults

#: What was begun by the dead waits until nobody can be at it any more: ten times this, s.
SHARE_TIMEOUT_S = 4
HEALED_WITHIN_S = 120.0


@pytest.fixture(scope="module")
def people(private_stack: PrivateStack) -> list[Person]:
    """People of both servers, linked to Twitter and Tumblr as the account that the stand-in knows from the start."""
    found = [person for each in sign_up(private_stack, each=3).values() for person in each]
    account, token, secret = settings.SOCIAL_DEMO_LOGIN
    for person in found:
        for service in ("twitter", "tumblr"):
            told = {"account": account, "oauth_token": token, "oauth_secret": secret}
            body_of(person.post(f"/v1/users/self/services/{service}", **told))
    return found


def stand_in(stack: PrivateStack, where: str, **told: Any) -> Any:
    """Ask the stand-in for what it took, or steer it into a fault."""
    url = f"http://127.0.0.1:{stack.ports['social']}/{where}"
    answer = requests.post(url, json=told, timeout=5) if told else requests.get(url, timeout=5)
    assert answer.status_code == 200
    return answer.json()


def posts_of(stack: PrivateStack, photo: int, person: Person) -> list[str]:
    """Return the services that show a photo, one name for each post."""
    link = body_of(person.get(f"/v1/media/{photo}"))["data"]["link"]
    return sorted(
        post["service"] for post in stand_in(stack, "_posts") if link in post.get("links", ())
    )  # alerts have none


def statuses(person: Person, photo: int) -> dict[str, str]:
    shares = body_of(person.get(f"/v1/media/{photo}/shares"))["data"]
    return {each["service"]: each["status"] for each in shares}


def everything_is_posted_once(stack: PrivateStack, person: Person, photos: list[int], *services: str) -> None:
    for photo in photos:
        wait_until(
            lambda each=photo: set(statuses(person, each).values()) == {"sent"},
            seconds=HEALED_WITHIN_S,
            what="every share is sent",
        )
        assert posts_of(stack, photo, person) == sorted(services)


@contextmanager
def hasty_worker(stack: PrivateStack) -> Iterator[None]:
    """Run a worker of the network queue that gives services little time; it is killed at the end."""
    worker = subprocess.Popen(
        [sys.executable, "manage.py", "worker", "--queue", "network"],
        cwd=ROOT,
        env=stack.env | {"SHARE_TIMEOUT_S": str(SHARE_TIMEOUT_S)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        worker.kill()
        worker.wait()


def test_a_worker_killed_after_the_service_took_the_post_leads_to_no_second_one(
    private_stack: PrivateStack, people: list[Person]
) -> None:
    person = people.pop()
    with private_stack.dead("worker_network_1"):
        # It takes the post and keeps its answer back: there the worker dies.
        for service, path in (("twitter", "/2/tweets"), ("tumblr", "/posts")):
            stand_in(private_stack, "_fault", service=service, path=path, hold_after_s=SHARE_TIMEOUT_S - 0.5)
        photo = person.upload(share_to="twitter,tumblr")
        for number in (1, 2):
            with hasty_worker(private_stack):
                wait_until(
                    lambda least=number: len(posts_of(private_stack, photo, person)) >= least,
                    seconds=60,
                    what="the service took it",
                )
        assert set(statuses(person, photo).values()) <= {"queued", "sent"}

    everything_is_posted_once(private_stack, person, [photo], "twitter", "tumblr")


def test_shares_asked_for_while_the_services_are_dead_are_posted_once_they_are_back(
    private_stack: PrivateStack, people: list[Person]
) -> None:
    person = people.pop()
    with private_stack.dead("social"):
        photos = [person.upload(share_to="twitter,tumblr") for _ in range(3)]
        assert all(set(statuses(person, photo).values()) == {"queued"} for photo in photos)

    everything_is_posted_once(private_stack, person, photos, "twitter", "tumblr")


def test_services_killed_in_the_middle_get_every_post_once(private_stack: PrivateStack, people: list[Person]) -> None:
    person = people.pop()
    photos = [person.upload(share_to="twitter,tumblr") for _ in range(4)]

    wait_until(lambda: posts_of(private_stack, photos[0], person), seconds=30, what="the first post")
    killed = private_stack.kill("social")
    private_stack.wait_ready("social", unlike=killed)

    everything_is_posted_once(private_stack, person, photos, "twitter", "tumblr")


def test_slow_services_delay_no_feed(private_stack: PrivateStack, people: list[Person]) -> None:
    author, follower = people.pop(), people.pop()
    follower.follow(author)
    for service in ("twitter", "tumblr"):
        stand_in(private_stack, "_fault", service=service, hold_before_s=6.0, times=3)
    author.upload(share_to="twitter,tumblr")

    began = time.monotonic()
    photo = author.upload(share_to="twitter,tumblr")
    wait_until(lambda: photo in photo_ids_in(body_of(follower.get(FEED))), seconds=5, what="the photo in the feed")

    assert time.monotonic() - began < 5
    assert "queued" in statuses(author, photo).values()
    everything_is_posted_once(private_stack, author, [photo], "twitter", "tumblr")
