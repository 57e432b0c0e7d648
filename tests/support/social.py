"""The other services, played by the stand-in on a port of the test's own, and people linked to them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from jobs.outbox import finish, jobs_of
from notifications.sharing.models import Share
from sharding import shard_of
from stack.social.server import Fault, Social
from stack.social.state import State
from tests.support.people import Person, a_person

SERVICES = ("twitter", "facebook", "tumblr", "flickr", "foursquare")
SHARING_TASKS = ("notifications.send_share", "notifications.share_upload")


class Elsewhere:
    """The stand-in and what it holds."""

    def __init__(self, social: Social) -> None:
        self.social, self.state = social, social.state
        self.captured: list[dict[str, Any]] = []
        self._people: list[Person] = []

    @property
    def url(self) -> str:
        return self.social.base

    def posts(self, person: Person, service: str = "") -> list[dict[str, Any]]:
        """Return what is posted as a person's account, newest first."""
        return self.state.posts(service, person.username)

    def post(self, person: Person, service: str) -> dict[str, Any]:
        """Return the one post of a person's account at a service."""
        (post,) = self.posts(person, service)
        return post

    def goes_wrong(self, service: str, **how: Any) -> None:
        """Steer a service into a fault: see stack.social.server.Fault."""
        self.social.faults.append(Fault(service, **how))

    def revoke(self, person: Person, service: str) -> None:
        """The person takes our permission back, there."""
        self.state.revoke(service, person.username)

    def asked(self, part: str) -> int:
        """Return how many requests came to paths with `part` in them."""
        return sum(part in each for each in self.social.asked)

    def somebody(self, *services: str, **facts: Any) -> Person:
        """Sign somebody up who has an account of the same name at services, linked."""
        person = a_person(**facts)
        self._people.append(person)
        for service in services:
            self.link(person, service)
        return person

    def link(self, person: Person, service: str) -> None:
        """Link an account as a phone does that got the token itself."""
        token = self.state.new_token(service, "access", account=person.username)
        secret = token.secret if service in ("twitter", "tumblr", "flickr") else ""
        person.post(
            f"/v1/users/self/services/{service}", oauth_token=token.token, oauth_secret=secret, account=person.username
        )

    def clean_up(self) -> None:
        """Take away what no other test shall wait for or send."""
        for person in self._people:
            shard = shard_of(person.id)
            shard.model(Share).objects.filter(user_id=person.id).delete()
            ours = [
                job
                for job in jobs_of(shard.server, tasks=SHARING_TASKS, most=1_000)
                if job.args["user_id"] == person.id
            ]
            finish(shard.server, [(job.row_id, job.step) for job in ours])


@contextmanager
def running(folder: Path) -> Iterator[Elsewhere]:
    """Yield the stand-in, running in a thread."""
    captured: list[dict[str, Any]] = []
    social = Social(State(folder / "social.db"), port=0, capture=captured.append)
    threading.Thread(target=social.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    elsewhere = Elsewhere(social)
    elsewhere.captured = captured
    try:
        yield elsewhere
    finally:
        social.shutdown()
        social.server_close()


@pytest.fixture
def elsewhere(tmp_path: Path, settings: Any) -> Iterator[Elsewhere]:
    """The services, and this test's requests going there."""
    with running(tmp_path) as found:
        settings.SOCIAL_STAND_IN = found.url
        settings.SHARE_RETRY_BASE_S, settings.SHARE_GIVE_UP_S = 0.05, 20.0
        yield found
        found.clean_up()


def say(decision: str, address: str, *, account: str = "marlow") -> tuple[str, dict[str, str]]:
    """Click on the page that asks a person; return where the browser is sent, and its query."""
    page = requests.get(address, timeout=5)
    assert page.status_code == 200, page.text
    assert "would like to post as you" in page.text
    form = {"decision": decision, "account": account}
    back = requests.post(address, data=form, timeout=5, allow_redirects=False)
    assert back.status_code == 302, back.text
    parts = urlsplit(back.headers["Location"])
    return f"{parts.scheme}://{parts.netloc}{parts.path}", dict(parse_qsl(parts.query))


def shares(person: Person, media_id: str) -> dict[str, dict[str, str]]:
    """Return the statuses of a person's shares of a photo by service."""
    return {each["service"]: each for each in person.get(f"/v1/media/{media_id}/shares")["data"]}
