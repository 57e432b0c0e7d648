"""Pushes outlive the push service and the workers that send them: each rings once in effect, and nothing is lost."""

import secrets
from collections import Counter
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from stack import captures
from tests.faults import SERVERS, Person, ask, body_of, sign_up
from tests.support.private import PrivateStack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.faults

#: A claim of whoever was killed runs out after 30 s, a job's lease after 60 s at most; then the relay, and again.
HEALED_WITHIN_S = 180.0


@pytest.fixture(scope="module")
def people(private_stack: PrivateStack) -> dict[str, list[Person]]:
    """People by the server they live on."""
    return sign_up(private_stack, each=14)


def a_phone(person: Person) -> str:
    token = secrets.token_hex(32)
    body_of(person.post("/v1/devices", token=token))
    return token


def taken(stack: PrivateStack) -> list[dict[str, Any]]:
    """Return what the push service took, in order: it keeps a push before it says so."""
    with override_settings(STATE_DIR=stack.state_dir):
        return [record for record in reversed(captures.latest("push", most=None)) if record["status"] == 200]


def jobs_of_push_left(stack: PrivateStack) -> int:
    query = (
        "SELECT count(*) FROM (SELECT task FROM local.outbox UNION ALL SELECT task FROM local.dead_letter) AS job"
        " WHERE task LIKE 'notifications.push%%' OR task LIKE 'notifications.note%%' OR task = 'feeds.fan_out'"
    )
    return sum(ask(stack, server, query)[0][0] for server in SERVERS)


def test_comments_ring_once_although_the_push_service_and_the_worker_are_killed(
    private_stack: PrivateStack, people: dict[str, list[Person]]
) -> None:
    owners = people["shard_a"][:6] + people["shard_b"][:6]
    phones = {owner.id: a_phone(owner) for owner in owners}
    photos = {owner.id: owner.upload() for owner in owners}
    commenters = [people["shard_a"][12], people["shard_b"][12]]

    def comment_everywhere(word: str) -> None:
        for owner in owners:
            for commenter in commenters:
                body_of(commenter.post(f"/v1/media/{photos[owner.id]}/comments", text=word))

    comment_everywhere("before")
    wait_until(lambda: len(taken(private_stack)) >= 3, seconds=60, what="some pushes went out")
    killed = private_stack.kill("apns")
    comment_everywhere("while it is away")
    private_stack.wait_ready("apns", unlike=killed)
    so_far = len(taken(private_stack))
    wait_until(lambda: len(taken(private_stack)) > so_far, seconds=90, what="pushes go out again")
    worker = private_stack.kill("worker_network_1")
    comment_everywhere("while the worker is away")
    private_stack.wait_ready("worker_network_1", unlike=worker)

    wait_until(lambda: not jobs_of_push_left(private_stack), seconds=HEALED_WITHIN_S, what="every push is done")
    alerts = Counter(
        (record["token"], record["apns_id"], record["payload"]["aps"]["alert"].partition(": ")[2])
        for record in taken(private_stack)
        if record["token"] in phones.values()
    )
    # In effect once: who was killed between the sending and its note sends again with the same ids.
    shown = Counter((token, words) for token, _, words in alerts)
    words = ("before", "while it is away", "while the worker is away")
    assert shown == {(token, word): len(commenters) for token in phones.values() for word in words}
    # One worker was killed once: one push at most was on its way.
    assert sum(alerts.values()) - len(alerts) <= 1


def test_a_post_rings_everybody_once_although_the_push_service_and_the_worker_are_killed(
    private_stack: PrivateStack, people: dict[str, list[Person]]
) -> None:
    author = people["shard_b"][13]
    # Those who have no phone from another test.
    followers = people["shard_a"][6:12] + people["shard_b"][6:12]
    phones = {follower.id: a_phone(follower) for follower in followers}
    for follower in followers:
        follower.follow(author)
        body_of(follower.post(f"/v1/users/{author.id}/bell"))
    # Many more phones of nobody's, so that there is a middle to be killed in.
    crowd = [secrets.token_hex(32) for _ in range(3_000)]
    first = add_crowd(private_stack, author, crowd)
    with private_stack.dead("worker_network_1"):
        photo = author.upload()

    def rung() -> list[dict[str, Any]]:
        return [each for each in taken(private_stack) if each["collapse_id"] == f"post:{photo}"]

    wait_until(lambda: len(rung()) > 100, seconds=60, what="some phones rang")
    service, worker = private_stack.kill("apns"), private_stack.kill("worker_network_1")
    private_stack.wait_ready("apns", unlike=service)
    private_stack.wait_ready("worker_network_1", unlike=worker)

    wait_until(lambda: not jobs_of_push_left(private_stack), seconds=HEALED_WITHIN_S, what="every push is done")
    found = rung()
    assert {each["token"] for each in found} == {*phones.values(), *crowd}
    assert len({(each["token"], each["apns_id"]) for each in found}) == len(phones) + len(crowd)
    # What was on its way with the killed worker went out twice with the same ids: one batch at most.
    assert len(found) - len(phones) - len(crowd) <= settings.PUSH_BATCH
    assert first


def add_crowd(stack: PrivateStack, author: Person, tokens: list[str]) -> int:
    """Let people of nothing but a row, a phone and a bell follow the author; return the first one's id."""
    name = f"crowd{secrets.token_hex(4)}"
    rows = ask(
        stack,
        "main",
        "INSERT INTO accounts_user (username, email, password, full_name, bio, website, phone, picture, is_private,"
        " is_active, is_staff, is_superuser, date_joined) SELECT %s || n, %s || n || '@example.com', '!', '', '', '',"
        " '', '', false, true, false, false, now() FROM generate_series(1, %s) AS n RETURNING id",
        name,
        name,
        len(tokens),
    )
    ids = [row[0] for row in rows]
    ask(
        stack,
        "main",
        "INSERT INTO notifications_device (user_id, token, environment, app_version, locale, registered_at)"
        " SELECT id, token, 'production', '', '', now() FROM unnest(%s::bigint[], %s::text[]) AS given (id, token)",
        ids,
        tokens,
    )
    schema = f"s{author.id % settings.LOGICAL_SHARDS:04d}"
    holds = "SELECT to_regnamespace(%s)"
    server = next(name for name in settings.SHARD_SERVERS if ask(stack, name, holds, schema)[0][0])
    for table, owner in (("accounts_follower", "followee_id"), ("notifications_bell", "author_id")):
        status = ", 'follows'" if table == "accounts_follower" else ""
        ask(
            stack,
            server,
            f"INSERT INTO {schema}.{table} ({owner}, follower_id{', status' if status else ''}, version)"
            f" SELECT %s, id{status}, 0 FROM unnest(%s::bigint[]) AS id",
            author.id,
            ids,
        )
    return int(ids[0])
