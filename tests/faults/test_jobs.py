"""Jobs outlive everybody who hands them on: gearmand, workers, the web. Each photo arrives once with each follower."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.conf import settings

from jobs import gearman
from tests.faults import SERVERS, Person, ask, body_of, photo_ids_in, sign_up
from tests.support.private import ROOT, PrivateStack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.faults

#: What waits for a lease waits 10 s (JOBS_LEASE_S) or, in the middle of a chain, 30 s (the task's own); then the relay.
HEALED_WITHIN_S = 60.0


@pytest.fixture(scope="module")
def people(private_stack: PrivateStack) -> dict[str, list[Person]]:
    """People by the server they live on; each test takes its author away."""
    return sign_up(private_stack, each=5)


def give_followers(author: Person, server: str, number: int) -> list[int]:
    """Let as many people of nothing but an id follow the author, on all logical shards; return their ids."""
    first = author.id * 1_000_000
    ask(
        author.stack,
        server,
        f"INSERT INTO s{author.id % settings.LOGICAL_SHARDS:04d}.accounts_follower"
        " (followee_id, follower_id, status, version)"
        " SELECT %s, follower_id, 'follows', 0 FROM generate_series(%s, %s) AS follower_id",
        author.id,
        first,
        first + number - 1,
    )
    return list(range(first, first + number))


def is_on(stack: PrivateStack, server: str, user_id: int) -> bool:
    """Return whether a person's logical shard is on a server."""
    schema = f"s{user_id % settings.LOGICAL_SHARDS:04d}"
    return bool(ask(stack, server, "SELECT 1 FROM pg_namespace WHERE nspname = %s", schema))


def inboxes(author: Person, *servers: str) -> list[tuple[int, int]]:
    """Return (follower, photo) of everything by the author in any inbox of some servers, or of all."""
    rows = []
    for server in servers or settings.SHARD_SERVERS:
        schemas = ask(author.stack, server, "SELECT nspname FROM pg_namespace WHERE nspname ~ '^s[0-9]{4}$'")
        select = f"SELECT user_id, photo_id FROM {{}}.feeds_inbox WHERE author_id = {author.id}"
        selects = [select.format(name) for (name,) in schemas]
        rows += ask(author.stack, server, " UNION ALL ".join(selects))
    return sorted(rows)


def jobs_left(stack: PrivateStack) -> list[tuple[str, str, int]]:
    """Return (server, task, rows) of the outboxes and of what rests as dead letters.

    But for what waits for its time: the next ring of a phone that rang just now, proofs of what others deleted.
    """
    query = (
        "SELECT task, count(*) FROM (SELECT task FROM local.outbox UNION ALL SELECT task FROM local.dead_letter) AS job"
        " WHERE task NOT IN ('notifications.push_summary', 'notifications.forget_photo', 'photos.purge',"
        " 'photos.erase_photo', 'photos.drop_ended_like') GROUP BY task"
    )
    return [(server, *row) for server in SERVERS for row in ask(stack, server, query)]


def everything_arrives_once(author: Person, followers: list[int], photos: list[int]) -> None:
    wait_until(lambda: not jobs_left(author.stack), seconds=HEALED_WITHIN_S, what="an empty outbox on every server")
    assert inboxes(author) == sorted((follower, photo) for follower in followers for photo in photos)


def waiting_fan_outs(stack: PrivateStack) -> int:
    """Return how many fan-outs gearmand holds for workers."""
    lines = gearman.ask(f"127.0.0.1:{stack.ports['gearmand']}", "status", timeout_s=5.0).splitlines()
    numbers = {name: list(map(int, rest)) for name, *rest in (line.split("\t") for line in lines) if rest}
    total, running, _ = numbers.get("feeds.fan_out", [0, 0, 0])
    return total - running


def test_fan_outs_that_wait_in_gearmand_arrive_although_it_is_killed(
    private_stack: PrivateStack, people: dict[str, list[Person]]
) -> None:
    author = people["shard_a"].pop()
    followers = give_followers(author, "shard_a", 300)
    with private_stack.dead("worker_feed_1"):
        photos = [author.upload() for _ in range(3)]
        wait_until(lambda: waiting_fan_outs(private_stack) == 3, what="three fan-outs wait in gearmand")

        killed = private_stack.kill("gearmand")
        private_stack.wait_ready("gearmand", unlike=killed)
        assert inboxes(author) == []

    everything_arrives_once(author, followers, photos)


@contextmanager
def worker_of_small_batches(
    stack: PrivateStack, *, end: signal.Signals = signal.SIGKILL
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a worker of both feed queues that takes 20 followers at a time; at the end it is killed, or told to stop."""
    worker = subprocess.Popen(
        [sys.executable, "manage.py", "worker", "--queue", "feed", "--queue", "feed_large"],
        cwd=ROOT,
        env=stack.env | {"FAN_OUT_BATCH": "20"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield worker
    finally:
        worker.send_signal(end)
        worker.wait()


def test_a_fan_out_whose_workers_are_killed_in_the_middle_reaches_every_follower_once(
    private_stack: PrivateStack, people: dict[str, list[Person]]
) -> None:
    author = people["shard_b"].pop()
    followers = give_followers(author, "shard_b", 4_000)

    def batches_done() -> int:
        query = "SELECT coalesce(max(step), 0) FROM local.outbox WHERE task = 'feeds.fan_out_large'"
        return int(ask(private_stack, "shard_b", query)[0][0])

    with private_stack.dead("worker_feed_1"), private_stack.dead("worker_feed_large_1"):
        photo = author.upload()
        for batches in (10, 40):
            with worker_of_small_batches(private_stack):
                wait_until(lambda least=batches: batches_done() >= least, seconds=30, what="some batches are done")
        assert 0 < len(inboxes(author)) < len(followers)
        # Batches of the same size to the end: one that is done again is then the same batch.
        with worker_of_small_batches(private_stack):
            everything_arrives_once(author, followers, [photo])
    # Each kill cost one batch at most, and the account of it counts nobody twice.
    served = "SELECT sum(followers), sum(retries) FROM local.fan_out_batch WHERE photo_id = %s"
    ((counted, retries),) = ask(private_stack, "shard_b", served, photo)
    assert counted == len(followers)
    assert retries <= 4  # two kills; each may meet a batch that was done and one that was begun


def test_a_shard_server_killed_during_fan_outs_delays_its_own_people_alone(
    private_stack: PrivateStack, people: dict[str, list[Person]]
) -> None:
    author, other = people["shard_a"].pop(), people["shard_a"].pop()
    followers, of_other = give_followers(author, "shard_a", 2_000), give_followers(other, "shard_a", 200)
    here = {person for person in of_other if is_on(private_stack, "shard_a", person)}

    with private_stack.dead("worker_feed_1"), private_stack.dead("worker_feed_large_1"):
        photo = author.upload()
        with worker_of_small_batches(private_stack, end=signal.SIGTERM):
            wait_until(lambda: len(inboxes(author)) > 100, seconds=30, what="some batches are done")
            with private_stack.dead("postgres_shard_b"):
                posted = other.upload()
                wait_until(
                    lambda: {person for person, _ in inboxes(other, "shard_a")} == here,
                    seconds=10,
                    what="another photo is with everybody whose server is there",
                )

    everything_arrives_once(author, followers, [photo])
    everything_arrives_once(other, of_other, [posted])


@pytest.mark.parametrize("fault", ["dead", "frozen"])
def test_a_photo_whose_web_process_is_killed_before_the_submit_arrives_once(
    private_stack: PrivateStack, people: dict[str, list[Person]], fault: str
) -> None:
    author = people["shard_a"].pop()
    followers = give_followers(author, "shard_a", 50)

    def is_committed() -> bool:
        return bool(ask(private_stack, "shard_a", "SELECT 1 FROM local.outbox WHERE task = 'feeds.fan_out'"))

    wait_until(lambda: not jobs_left(private_stack), seconds=HEALED_WITHIN_S, what="nothing else is under way")
    # Dead, gearmand can be given no job; frozen, it holds up the submit, and the kill comes in the middle of that.
    without_gearmand = private_stack.dead if fault == "dead" else private_stack.frozen
    with ThreadPoolExecutor(1) as client, without_gearmand("gearmand"):
        client.submit(author.try_to_upload, upload_id="one tap on Share")
        wait_until(is_committed, what="the photo is committed")
        killed = private_stack.kill("gunicorn", signal.SIGKILL)
        private_stack.wait_ready("gunicorn", unlike=killed)

    # As the device does that got no answer.
    photo = author.upload(upload_id="one tap on Share")
    everything_arrives_once(author, followers, [photo])
    assert photo_ids_in(body_of(author.get(f"/v1/users/{author.id}/media/recent"))) == [photo]
