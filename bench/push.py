"""Pushes a second from one worker, beside the bare aioapns library doing the same sends to the same server.

Ours is a post that rings everybody whose bell is on: the job out of gearmand, and for each batch who follows and has a
bell, whose phones, what they want, a claim on each of their servers, the pushes, a mark. The floor is the library
alone: the payload, tokens and ids are in its memory, and it asks nobody.
"""

import argparse
import asyncio
import json
import os
import secrets
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil
from aioapns import APNs, NotificationRequest, PushType
from aioapns.connection import APNsTLSClientProtocol
from django.conf import settings
from django.test import override_settings
from django.utils import timezone
from psycopg2 import sql

from accounts.models import User
from accounts.queries import profiles
from bench.framework import Result, Row, interleaved, median_ratio
from bench.scratch import data_centre
from jobs import enqueue
from notifications.activity.models import Kind
from notifications.activity.services import Act, note
from notifications.push.alerts import of_post
from notifications.push.models import Device
from photos.models import Photo
from photos.queries import bodies
from sharding import physical_servers, shard_of
from stack import captures
from stack.apns import keys

#: Seconds for one round, at most; and between looks whether it is complete.
PATIENCE_S, LOOK_S = 120.0, 0.05


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sizes."""
    parser.add_argument("--phones", type=int, default=5_000, help="people with a phone and the bell on")
    parser.add_argument("--news", type=int, default=500, help="entries of News, a job each")
    parser.add_argument("--rounds", type=int, default=7)


def run(options: Any) -> Result:
    """Measure both ways."""
    with ExitStack() as stack:
        environment = stack.enter_context(data_centre(shards=64))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        facts = {
            "APNS_SERVER": f"127.0.0.1:{_free_port()}",
            "APNS_CA_FILE": str(folder / "data" / "apns" / keys.CA),
            "APNS_KEY_FILE": str(folder / "data" / "apns" / keys.PROVIDER_KEY),
        }
        stack.enter_context(override_settings(**facts, STATE_DIR=folder))
        stack.enter_context(_push_service(environment | facts, folder))
        people = _load(options.phones)
        # Each round is a post of the same author: none of them is to be held back.
        worker = stack.enter_context(_worker(environment | facts | {"PUSH_POST_EVERY_S": "0"}))
        photo_id = _post(people)  # the worker is warm, and both sides send the same
        _bare(people, photo_id)
        taken_by_server = captures.latest("push", most=2 * len(people.phones))
        payloads = {json.dumps(each["payload"], sort_keys=True) for each in taken_by_server}
        assert len(taken_by_server) == 2 * len(people.phones), len(taken_by_server)
        assert len(payloads) == 1, payloads
        cpu: dict[str, list[float]] = {"ours": [], "bare": []}

        def ours() -> float:
            before = sum(worker.cpu_times()[:2])
            seconds = _timed_post(people)
            cpu["ours"].append(sum(worker.cpu_times()[:2]) - before)
            return seconds

        def bare() -> float:
            before = time.process_time()
            seconds = _bare(people, photo_id)
            cpu["bare"].append(time.process_time() - before)
            return seconds

        taken = interleaved({"ours": ours, "bare": bare}, options.rounds)
        return _told(options, len(people.phones), taken, cpu, _news(people, options.news))


def _told(
    options: Any, phones: int, taken: dict[str, list[float]], cpu: dict[str, list[float]], news_s: float
) -> Result:
    rate = {name: phones / statistics.median(seconds) for name, seconds in taken.items()}
    return Result(
        rows=[
            Row(
                f"a post to {options.phones:,} phones, pushes/s",
                ours=rate["ours"],
                floor=rate["bare"],
                ratio=rate["ours"] / rate["bare"],
            ),
            Row(
                "CPU of the sending process, ms a push",
                ours=1000 * statistics.median(cpu["ours"]) / phones,
                floor=1000 * statistics.median(cpu["bare"]) / phones,
                ratio=median_ratio(cpu, "ours", "bare"),
            ),
            Row(f"{options.news:,} entries of News, a job and a turn each, pushes/s", ours=options.news / news_s),
        ],
        ratios={"of_bare_library": median_ratio(taken, "bare", "ours")},
        floors={"of_bare_library": 0.70},
        how=[
            "Ours: from the commit of the job until the last phone's push is marked as rung, one worker process.",
            f"Batches of {settings.PUSH_BATCH}. Counted: bells, phones with settings, claims and marks; the pushes.",
            f"Floor: aioapns alone, {settings.APNS_CONCURRENCY} under way, the same payload and headers from memory.",
            "Both: the stand-in of stack/apns in a process of its own, a warm connection; it writes down what it gets.",
            "First asserted: it got the same payload as often from both.",
            f"{options.rounds} rounds, interleaved, medians; ratio: median of the ratios within a round.",
            "News is not compared: each entry is a job with its own reads, claim, badge and mark.",
        ],
        figures={"seconds": taken, "cpu_s": cpu, "news_s": news_s},
    )


class _People:
    """An author, and the people whose phones ring for what they post."""

    def __init__(self, author_id: int, user_ids: list[int], phones: list[str]) -> None:
        self.author_id, self.user_ids, self.phones = author_id, user_ids, phones


def _load(count: int) -> _People:
    users = User.objects.bulk_create(
        [User(username=f"p{number}", email=f"p{number}@example.com", password="!") for number in range(count + 1)]
    )
    author_id, ids = users[0].pk, [user.pk for user in users[1:]]
    now = timezone.now()
    devices = Device.objects.bulk_create(
        [Device(user_id=pk, token=secrets.token_hex(32), environment="production", registered_at=now) for pk in ids]
    )
    shard = shard_of(author_id)
    with shard.cursor() as cursor:
        for table, columns in (
            ("accounts_follower", "(followee_id, follower_id, version, status)"),
            ("notifications_bell", "(author_id, follower_id, version)"),
        ):
            status = sql.SQL(", 'follows'" if "status" in columns else "")
            cursor.execute(
                sql.SQL("INSERT INTO {} {} SELECT %s, id, 1{} FROM unnest(%s::bigint[]) AS id").format(
                    shard.table(table), sql.SQL(columns), status
                ),
                [author_id, ids],
            )
            cursor.execute(sql.SQL("ANALYZE {}").format(shard.table(table)))
    return _People(author_id, ids, [device.token for device in devices])


def _timed_post(people: _People) -> float:
    began = time.perf_counter()
    _post(people)
    return time.perf_counter() - began


def _post(people: _People) -> int:
    """Publish a photo and wait until it has rung everybody; return its id."""
    shard = shard_of(people.author_id)
    with shard.atomic():
        photo = shard.model(Photo).objects.create(
            author_id=people.author_id, image_stem="0" * 32, caption="Fog over the harbour"
        )
        enqueue("notifications.push_post", on=shard, photo_id=photo.id, author_id=people.author_id)
    _wait_for("push_post WHERE rung_at IS NOT NULL AND photo_id = %s", photo.id, len(people.phones))
    return int(photo.id)


def _wait_for(what: str, argument: Any, count: int) -> None:
    until = time.perf_counter() + PATIENCE_S
    while True:
        rung = 0
        for server in physical_servers():
            with server.cursor() as cursor:
                cursor.execute(f"SELECT count(*) FROM local.{what}", [argument])
                rung += cursor.fetchone()[0]
        if rung >= count:
            return
        if time.perf_counter() > until:
            raise TimeoutError(f"{rung} of {count} rang within {PATIENCE_S:.0f} s")
        time.sleep(LOOK_S)


def _bare(people: _People, photo_id: int) -> float:
    """Send the same with the library alone; return the seconds, without connecting."""
    payload = of_post(bodies([photo_id])[photo_id], profiles([people.author_id])[people.author_id])
    return asyncio.run(_send_bare(people.phones, payload, f"post:{photo_id}"))


async def _send_bare(phones: list[str], payload: dict[str, Any], collapse_id: str) -> float:
    host, _, port = settings.APNS_SERVER.rpartition(":")
    tls = ssl.create_default_context(cafile=settings.APNS_CA_FILE)
    tls.set_alpn_protocols(["h2"])
    client = APNs(
        key=Path(settings.APNS_KEY_FILE).read_text(),
        key_id=settings.APNS_KEY_ID,
        team_id=settings.APNS_TEAM_ID,
        topic=settings.APNS_TOPIC,
        ssl_context=tls,
    )
    client.pool.protocol_class = type("Local", (APNsTLSClientProtocol,), {"APNS_SERVER": host, "APNS_PORT": int(port)})
    requests = [
        NotificationRequest(
            device_token=phone,
            message=payload,
            notification_id=str(uuid.uuid4()),
            time_to_live=settings.PUSH_EXPIRY_S,
            priority=10,
            collapse_key=collapse_id,
            push_type=PushType.ALERT,
        )
        for phone in phones
    ]
    await client.pool.acquire()
    waiting = iter(requests)

    async def lane() -> None:
        for request in waiting:
            answer = await client.send_notification(request)
            assert answer.is_successful, answer.description

    began = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(settings.APNS_CONCURRENCY)))
    taken = time.perf_counter() - began
    client.pool.close()
    return taken


def _news(people: _People, count: int) -> float:
    """Let one person like a photo of each of many; return the seconds until all their phones rang."""
    owners = people.user_ids[:count]
    photos = {}
    for owner in owners:
        photo = shard_of(owner).model(Photo).objects.create(author_id=owner, image_stem="0" * 32)
        photos[owner] = photo.id
    began = time.perf_counter()
    for owner, photo_id in photos.items():
        note(owner, Act(Kind.LIKE, people.author_id, photo_id), version=photo_id, photo_id=photo_id)
    _wait_for("push_entry WHERE rung AND user_id = ANY(%s)", owners, len(owners))
    return time.perf_counter() - began


@contextmanager
def _push_service(environment: dict[str, str], folder: Path) -> Iterator[None]:
    port = environment["APNS_SERVER"].rpartition(":")[2]
    environment = environment | {"STATE_DIR": str(folder), "APNS_PORT": port}
    with _process([sys.executable, "-m", "stack.apns"], environment):
        until = time.monotonic() + 30
        while not _listens(int(port)):
            if time.monotonic() > until:
                raise TimeoutError("the push service did not start")
            time.sleep(0.05)
        yield


@contextmanager
def _worker(environment: dict[str, str]) -> Iterator[psutil.Process]:
    with (
        _process([sys.executable, "manage.py", "worker", "--queue", "network"], environment) as worker,
        # For jobs that gearmand was not given in time.
        _process([sys.executable, "manage.py", "relay"], environment),
    ):
        yield worker


@contextmanager
def _process(command: list[str], environment: dict[str, str]) -> Iterator[psutil.Process]:
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            command, cwd=Path(__file__).parents[1], env=os.environ | environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            yield psutil.Process(process.pid)
        except (TimeoutError, AssertionError) as error:
            log.seek(0)
            raise type(error)(f"{error}; {command[-1]} said:\n{log.read()[-3000:]}") from error
        finally:
            process.terminate()
            process.wait(timeout=15)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
