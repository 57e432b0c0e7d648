"""The photo -> user map: bytes an entry at four rates of upload, beside plain keys and the hashes of id // 1000."""

import argparse
import math
import random
import socket
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import redis
from django.conf import settings
from django.test import override_settings

from bench.framework import Result, Row, interleaved, median_ratio
from sharding import ids, photo_map

#: The installation that is simulated (design, section 5).
SHARDS, USERS, PHOTOS_A_YEAR = 2048, 14_000_000, 300_000_000
RATES = {"0_3x": 0.3, "1x": 1.0, "3x": 3.0, "10x": 10.0}
DAY_MS = 86_400_000
#: How much busier than the mean the busiest hour is; the quietest is as much below.
DAY_AND_NIGHT = 0.8
BATCH = 2_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare sizes."""
    parser.add_argument("--entries", type=int, default=1_000_000, help="photos at each rate")
    parser.add_argument("--days", type=float, default=30, help="days over which they are uploaded")
    parser.add_argument("--rounds", type=int, default=9, help="rounds of the look-ups")


def run(options: argparse.Namespace) -> Result:
    """Fill an empty Redis at each rate and read its memory; look ids up in each layout."""
    rng = random.Random(2011)
    per_entry: dict[str, float] = {}
    with _redis() as client, override_settings(LOGICAL_SHARDS=SHARDS, PHOTO_MAP_SERVERS=[_address(client)]):
        for name, rate in RATES.items():
            photos = _arrivals(options.entries, options.days, rate, rng)
            per_entry[name] = _bytes_per_entry(client, photos, photo_map.remember)
            sample = dict(rng.sample(sorted(photos.items()), 5_000))
            _assert_answers(sample, lambda wanted: photo_map.users_of(wanted, _refuse))
            if name == "1x":
                others, looks = _others(client, photos, sample, options.rounds)
    ours_us, plain_us = (statistics.median(looks[name]) for name in ("ours", "plain keys"))
    return Result(
        rows=[
            *(
                Row(
                    f"bytes an entry at {rate:g} x 300 M photos a year",
                    per_entry[name],
                    None,
                    others["plain keys"] if name == "1x" else None,
                    per_entry[name] / others["plain keys"] if name == "1x" else None,
                )
                for name, rate in RATES.items()
            ),
            Row("bytes an entry in hashes of id // 1000", None, None, others["id // 1000"]),
            Row("a page of 20 looked up, us", ours_us, None, plain_us, median_ratio(looks, "ours", "plain keys")),
        ],
        ratios={f"bytes_{name}": value for name, value in per_entry.items()}
        | {
            "bytes_plain_keys": others["plain keys"],
            "bytes_id_div_1000": others["id // 1000"],
            "x_plain_keys_bytes": per_entry["1x"] / others["plain keys"],
            "x_plain_keys_look_up": median_ratio(looks, "ours", "plain keys"),
        },
        bars={"bytes_1x": 11.5, "bytes_3x": 11.5, "bytes_0_3x": 16.0, "bytes_10x": 16.0},
        how=[
            f"{options.entries:,} photos of {options.days:g} days a rate; a shard is as dense as one of {SHARDS:,}.",
            f"Arrivals: Poisson, {DAY_AND_NIGHT:.0%} busier by day, quieter by night; {USERS:,} users, few post most.",
            "Ours: through photo_map.remember(), one configuration for all rates (the defaults).",
            "Alternative: plain keys (SET id user) at 1x.",
            "id // 1000: the hashes of 2011, for ids that were counted up; of ids with their time each hash gets one.",
            "Bytes: used_memory of a Redis of its own, over what it used empty, by the number of entries.",
            "Look-ups: 20 ids at a time, ours by users_of(), plain keys by MGET, interleaved, medians.",
            "Asserted at every rate, for 5,000 ids: the layouts give the right user.",
        ],
        figures={"bytes": per_entry | others, "look-ups, us": {name: list(taken) for name, taken in looks.items()}},
    )


def _arrivals(entries: int, days: float, rate: float, rng: random.Random) -> dict[int, int]:
    """Return {photo id: user id}, in order of time."""
    whole = days * DAY_MS
    per_shard_ms = PHOTOS_A_YEAR * rate / SHARDS / (365.25 * DAY_MS)
    shards = rng.sample(range(SHARDS), max(1, min(SHARDS, round(entries / (per_shard_ms * whole)))))
    per_shard_ms = entries / len(shards) / whole
    photos = []
    start = 200 * DAY_MS + rng.randrange(DAY_MS)
    for shard in shards:
        at, last, sequence = 0.0, -1, 0
        while True:
            # Thinning: draw at the busiest rate, keep as many as the hour has.
            at += rng.expovariate(per_shard_ms * (1 + DAY_AND_NIGHT))
            if at >= whole:
                break
            busy = 1 + DAY_AND_NIGHT * math.sin(2 * math.pi * at / DAY_MS)
            if rng.random() * (1 + DAY_AND_NIGHT) > busy:
                continue
            moment = start + int(at)
            sequence = sequence + 1 if moment == last else 0
            last = moment
            user = int(USERS // SHARDS * rng.random() ** 3) * SHARDS + shard
            photos.append((ids.compose(moment, shard, sequence), user))
    photos.sort()
    return dict(photos)


def _others(
    client: "redis.Redis[bytes]", photos: Mapping[int, int], sample: Mapping[int, int], rounds: int
) -> tuple[dict[str, float], dict[str, list[float]]]:
    """Return bytes an entry of the other layouts, and look-ups of 20 ids, microseconds, beside ours."""
    pages = [list(sample)[start : start + 20] for start in range(0, 2_000, 20)]
    per_entry = {}

    def plain(batch: Mapping[int, int]) -> None:
        client.mset(batch)

    def counted_up(batch: Mapping[int, int]) -> None:
        with client.pipeline(transaction=False) as pipe:
            for photo_id, user_id in batch.items():
                pipe.hset(f"u:{photo_id // 1000}", photo_id, user_id)
            pipe.execute()

    def look_up(read: Callable[[list[int]], object]) -> float:
        began = time.perf_counter()
        for page in pages:
            read(page)
        return (time.perf_counter() - began) / len(pages) * 1e6

    per_entry["id // 1000"] = _bytes_per_entry(client, photos, counted_up)
    with client.pipeline(transaction=False) as pipe:
        for photo_id in sample:
            pipe.hget(f"u:{photo_id // 1000}", photo_id)
        _assert_answers(sample, lambda wanted: dict(zip(wanted, map(int, pipe.execute()), strict=True)))
    per_entry["plain keys"] = _bytes_per_entry(client, photos, plain)
    _assert_answers(sample, lambda wanted: dict(zip(wanted, map(int, client.mget(wanted)), strict=True)))
    for start in range(0, len(photos), 100_000):
        photo_map.remember(dict(list(photos.items())[start : start + 100_000]))
    looks = interleaved(
        {
            "ours": lambda: look_up(lambda page: photo_map.users_of(page, _refuse)),
            "plain keys": lambda: look_up(client.mget),
        },
        rounds,
    )
    return per_entry, looks


def _bytes_per_entry(
    client: "redis.Redis[bytes]", photos: Mapping[int, int], store: Callable[[dict[int, int]], None]
) -> float:
    client.flushall()
    client.script_load("return 0")
    empty = client.info("memory")["used_memory"]
    pairs = list(photos.items())
    for start in range(0, len(pairs), BATCH):
        store(dict(pairs[start : start + BATCH]))
    return (client.info("memory")["used_memory"] - empty) / len(photos)


def _assert_answers(sample: Mapping[int, int], look_up: Callable[[list[int]], dict[int, int]]) -> None:
    assert look_up(list(sample)) == dict(sample)


def _refuse(missing: list[int]) -> dict[int, int]:
    raise AssertionError(f"the map has not {missing}")


@contextmanager
def _redis() -> "Iterator[redis.Redis[bytes]]":
    """Start an empty Redis with the map's configuration on a free port; end it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    words += ["--hash-max-listpack-entries", str(settings.PHOTO_MAP_LISTPACK_ENTRIES)]
    words += ["--hash-max-listpack-value", str(settings.PHOTO_MAP_LISTPACK_BYTES)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    client = redis.Redis(port=port)
    try:
        give_up = time.monotonic() + 10
        while True:
            try:
                # Somebody else may have been quicker to take the port, and we flush.
                assert client.info("server")["process_id"] == process.pid
                break
            except redis.ConnectionError:
                assert time.monotonic() < give_up, "Redis does not start"
                time.sleep(0.05)
        yield client
    finally:
        client.close()
        process.terminate()
        process.wait(10)


def _address(client: "redis.Redis[bytes]") -> str:
    return f"127.0.0.1:{client.connection_pool.connection_kwargs['port']}"
