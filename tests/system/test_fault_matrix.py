"""Every part of the full data centre killed, frozen and slowed in turn while people post, like and read.

For each: nothing acknowledged is lost, nothing is there twice, it heals without a person. What it costs meanwhile is
printed as a table; with FAULTS_PAGE=docs/faults.md it is written there.
"""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from tests.support.private import ROOT, PrivateStack, running_private_stack
from tests.system.load import BACK_S, Load, Town, a_town, damage_of

pytestmark = pytest.mark.faults

#: What is hit, and what it is called in the table.
PARTS = {
    "gunicorn_1": "a Gunicorn",
    "worker_feed_1": "a worker (feed)",
    "gearmand": "gearmand",
    "memcached_1": "memcached",
    "redis_1": "a map Redis",
    "nginx_app_1": "an nginx",
    "pgbouncer": "PgBouncer",
    "seaweedfs": "the object store",
    "postgres_shard_b": "a shard's primary",
}
HOWS = ("killed", "frozen", "slowed")
#: Seconds that a part is frozen or slow.
LASTS_S = 4.0
#: Of each tenth of a second, what a slow part gets.
SLOW_SHARE = 0.25


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    part: str
    how: str
    requests: int
    failed: int
    window_s: float
    affected: str
    lost: int
    duplicates: int
    back_s: float
    healed: bool


@pytest.fixture(scope="module")
def full() -> Iterator[PrivateStack]:
    with running_private_stack("--full") as stack:
        yield stack


@pytest.fixture(scope="module")
def table() -> Iterator[list[Line]]:
    """Collect the lines; print them at the end."""
    lines: list[Line] = []
    yield lines
    text = "\n".join(in_words(lines))
    print(f"\n{text}")
    page = os.environ.get("FAULTS_PAGE")
    if page:
        path = ROOT / page
        head, _, _ = path.read_text().partition("| part |") if path.exists() else ("", "", "")
        path.write_text(f"{head}{text}\n")


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("part", PARTS)
def test_nothing_acknowledged_is_lost_or_doubled_and_all_heals(
    full: PrivateStack, table: list[Line], part: str, how: str
) -> None:
    town = a_town(full)
    with Load(town) as load:
        load.works_on()
        began = time.monotonic()
        with hit(full, part, how):
            pass
        healed = load.settles()
        load.works_on()
    damage = damage_of(load)

    failed = [each for each in load.failures if each.ended >= began]
    last = max((each.ended for each in failed), default=began)
    first = min((each.began for each in failed), default=last)
    line = Line(
        PARTS[part],
        how,
        load.done + len(load.failures),
        len(failed),
        max(0.0, last - max(first, began)),
        affected(town, load),
        len(damage.lost),
        len(damage.duplicates),
        max(0.0, last - began),
        healed,
    )
    table.append(line)
    assert line.healed
    assert damage.lost == []
    assert damage.duplicates == []
    assert line.window_s < BACK_S
    if part == "postgres_shard_b":
        # Likes and pages of people on shard_a that concern shard_b fail too; what is theirs alone does not.
        assert not [each for each in failed if each.verb == "GET" and town.home_of(each.person) == "shard_a"]


@contextmanager
def hit(stack: PrivateStack, part: str, how: str) -> Iterator[None]:
    """Let a fault happen, and end: what is killed is started again by the supervisor alone."""
    if how == "killed":
        killed = stack.kill(part)
        yield
        stack.wait_ready(part, unlike=killed, seconds=BACK_S)
        return
    over = threading.Event()
    beat = threading.Thread(target=_slow, args=(stack, part, over)) if how == "slowed" else None
    if beat:
        beat.start()
    else:
        stack.kill(part, signal.SIGSTOP)
    try:
        over.wait(LASTS_S)
        yield
    finally:
        over.set()
        if beat:
            beat.join()
        stack.kill(part, signal.SIGCONT)
    stack.wait_ready(part, seconds=BACK_S)


def _slow(stack: PrivateStack, part: str, over: threading.Event) -> None:
    while not over.is_set():
        stack.kill(part, signal.SIGSTOP)
        over.wait(0.1 * (1 - SLOW_SHARE))
        stack.kill(part, signal.SIGCONT)
        over.wait(0.1 * SLOW_SHARE)


def affected(town: Town, load: Load) -> str:
    """Say whose requests failed."""
    if not load.failures:
        return "nobody"
    who = {(town.home_of(each.person), each.verb) for each in load.failures}
    homes, verbs = sorted({home for home, _ in who}), sorted({verb for _, verb in who})
    doing = {("GET",): "reading", ("POST",): "writing"}.get(tuple(verbs), "reading and writing")
    where = "everywhere" if len(homes) > 1 else f"on {homes[0]}"
    return f"{doing}, {where}"


def in_words(lines: list[Line]) -> list[str]:
    """Return the table."""
    head = "| part | fault | requests | failed | errors for, s | who | lost | doubled | well after, s | healed alone |"
    rows = [
        f"| {each.part} | {each.how} | {each.requests} | {each.failed} | {each.window_s:.1f} | {each.affected} |"
        f" {each.lost} | {each.duplicates} | {each.back_s:.1f} | {'yes' if each.healed else 'NO'} |"
        for each in lines
    ]
    return [head, "|---|---|---:|---:|---:|---|---:|---:|---:|---|", *rows]
