"""The circuit breaker, with probes that do as the test says and no server behind them."""

import threading
import time

import pytest

from sharding.breaker import Breaker
from sharding.errors import ShardUnavailable
from tests.support.waiting import wait_until


def test_a_closed_breaker_lets_queries_pass():
    Breaker("shard_a", probe=lambda: None).check()


def test_a_tripped_breaker_refuses_at_once_and_names_the_server():
    gate = threading.Event()
    breaker = Breaker("shard_a", probe=gate.wait)
    breaker.trip("it froze")

    started = time.monotonic()
    with pytest.raises(ShardUnavailable) as refusal:
        breaker.check()

    assert refusal.value.server_name == "shard_a"
    assert time.monotonic() - started < 0.1
    gate.set()


def test_a_breaker_closes_by_itself_once_a_probe_succeeds(settings):
    settings.BREAKER_PROBE_S = 0.01
    outcomes = iter([ConnectionError("down"), ConnectionError("down"), None])

    def probe():
        if (outcome := next(outcomes)) is not None:
            raise outcome

    breaker = Breaker("shard_a", probe=probe)
    breaker.trip("it died")

    wait_until(lambda: not breaker.is_open)
    breaker.check()


def test_tripping_an_open_breaker_again_starts_no_second_probe():
    probes = []
    gate = threading.Event()

    def probe():
        probes.append(1)
        gate.wait()

    breaker = Breaker("shard_a", probe=probe)
    for _ in range(5):
        breaker.trip("it died")
    wait_until(lambda: probes)

    assert len(probes) == 1
    gate.set()
    wait_until(lambda: not breaker.is_open)
