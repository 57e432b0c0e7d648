"""The cache on real memcached servers."""

import itertools
import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

import caching
from caching import cache, counters
from jobs.testing import run_until_idle
from sharding import shard_of
from tests.support.own_servers import own_memcached
from tests.support.waiting import wait_until

_kinds = (f"test{secrets.token_hex(4)}:{number}" for number in itertools.count())


_numbers = itertools.count()


def is_idle():
    """Run what is due; False while a delete is not confirmed yet."""
    with suppress(Exception):
        run_until_idle()
        return True
    return False


@pytest.fixture(scope="module", autouse=True)
def nothing_left_by_others(test_databases):
    """Run the jobs that earlier tests left before a test waits for its own, and see no memcached rest from a fault."""
    wait_until(is_idle, seconds=120)
    wait_until(lambda: all(counters.increment(f"awake:{number}", ttl_s=60) for number in range(20)))


@pytest.fixture
def kind():
    return next(_kinds)


@pytest.fixture
def memcached(settings):
    """A memcached of this test's own, not started; it is gone afterwards."""
    with own_memcached() as server:
        server.kill()
        settings.MEMCACHED_SERVERS, settings.CACHE_DEAD_RETRY_S = [server.address], 0.05
        yield server


def test_what_is_missing_is_loaded_in_one_call_and_cached(kind):
    calls = []

    def load(ids):
        calls.append(ids)
        return {i: {"square": i * i} for i in ids if i != 3}

    first = caching.get_or_load_many(kind, [1, 2, 3, 2], load, ttl_s=60)
    second = caching.get_or_load_many(kind, [1, 2], load, ttl_s=60)

    assert first == {1: {"square": 1}, 2: {"square": 4}}
    assert second == first
    assert calls == [[1, 2, 3]]


def test_of_many_who_miss_at_once_one_loads_and_all_have_the_value(kind):
    calls = []
    begin = threading.Barrier(8)

    def load(ids):
        calls.append(ids)
        # Longer than one look of those who wait.
        threading.Event().wait(3 * cache.LEASE_POLL_S)
        return {1: "value"}

    def read(_):
        begin.wait()
        return caching.get_or_load_many(kind, [1], load, ttl_s=60)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(read, range(8)))

    assert answers == [{1: "value"}] * 8
    assert calls == [[1]]


def test_a_lease_whose_holder_failed_or_found_nothing_keeps_nobody_waiting(kind):
    def broken(ids):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        caching.get_or_load_many(kind, [1], broken, ttl_s=60)
    nothing = caching.get_or_load_many(kind, [2], lambda ids: {}, ttl_s=60)

    assert nothing == {}
    began = time.monotonic()
    found = caching.get_or_load_many(kind, [1, 2], lambda ids: dict.fromkeys(ids, "now"), ttl_s=60)
    assert found == {1: "now", 2: "now"}
    assert time.monotonic() - began < cache.LEASE_WAIT_S


def test_a_delete_is_seen_at_once(kind):
    caching.get_or_load_many(kind, [1], lambda ids: {1: "old"}, ttl_s=60)
    assert caching.delete(kind, [1])

    assert caching.get_or_load_many(kind, [1], lambda ids: {1: "new"}, ttl_s=60) == {1: "new"}


def test_what_was_read_before_a_write_is_not_stored_after_its_delete(kind):
    def load_slowly(ids):
        # Meanwhile somebody writes, commits and deletes.
        caching.delete(kind, ids)
        return {1: "old"}

    caching.get_or_load_many(kind, [1], load_slowly, ttl_s=60)

    assert caching.get_many(kind, [1]) == {}


def test_a_delete_waits_for_the_commit(kind):
    caching.get_or_load_many(kind, [1], lambda ids: {1: "old"}, ttl_s=60)
    shard = shard_of(5)
    with shard.atomic():
        caching.delete_after_commit(shard, kind, [1])
        assert caching.get_many(kind, [1]) == {1: "old"}

    assert caching.get_many(kind, [1]) == {}


def test_a_dead_server_is_a_miss_not_an_error_and_comes_back_empty_handed(kind, memcached):
    memcached.start()
    caching.get_or_load_many(kind, [1], lambda ids: {1: "here"}, ttl_s=60)
    wait_until(lambda: caching.get_many(kind, [1]) == {1: "here"})
    memcached.kill()

    assert caching.get_or_load_many(kind, [1], lambda ids: {1: "loaded"}, ttl_s=60) == {1: "loaded"}

    memcached.start()
    wait_until(lambda: counters.increment(f"{kind}:awake", ttl_s=60))
    assert caching.get_many(kind, [1]) == {}


def test_a_server_that_was_frozen_never_shows_what_was_deleted_meanwhile(kind, settings):
    with own_memcached() as one, own_memcached() as two:
        settings.MEMCACHED_SERVERS, settings.CACHE_DEAD_RETRY_S = [one.address, two.address], 0.05
        numbers = list(range(20))
        caching.get_or_load_many(kind, numbers, lambda ids: dict.fromkeys(ids, "old"), ttl_s=60)
        wait_until(lambda: len(caching.get_many(kind, numbers)) == 20)
        with one.frozen():
            # The other server must not confirm in its place.
            assert not caching.delete(kind, numbers)
            caching.delete_after_commit(shard_of(5), kind, numbers)
            assert caching.get_or_load_many(
                kind, numbers, lambda ids: dict.fromkeys(ids, "new"), ttl_s=60
            ) == dict.fromkeys(numbers, "new")
        wait_until(lambda: counters.increment(f"{kind}:{next(_numbers)}", ttl_s=60) and is_idle())

        assert "old" not in caching.get_many(kind, numbers).values()


def test_a_delete_that_memcached_did_not_confirm_is_repeated_until_it_does(kind, memcached):
    shard = shard_of(5)
    caching.delete_after_commit(shard, kind, [1])
    with pytest.raises(Exception, match="did not confirm"):
        run_until_idle()

    memcached.start()
    wait_until(lambda: counters.increment(f"{kind}:awake", ttl_s=60))
    run_until_idle()


def test_counting_is_right_and_a_missing_count_is_zero(kind):
    assert counters.read(f"{kind}:none") == 0
    assert [counters.increment(f"{kind}:n", ttl_s=60) for _ in range(3)] == [1, 2, 3]
    assert counters.read(f"{kind}:n") == 3
