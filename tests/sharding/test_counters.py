"""Counters: exact however many add, roll up and read at once. On real servers, with keys of the test's own."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from django.db import IntegrityError, connections

from sharding import Shard, counters, physical_servers, shard_numbered, shard_of, shards_on
from sharding.counters import PHOTO_COMMENTS, PHOTO_LIKES, USER_FOLLOWED_BY, USER_MEDIA
from sharding.ids import compose


@pytest.fixture
def shard():
    return shard_numbered(random.randrange(settings.LOGICAL_SHARDS))


def a_photo(shard: Shard) -> int:
    """Return a photo id nobody else counts for."""
    return compose(random.randrange(1 << 39), shard.number, random.randrange(1024))


def a_user(shard: Shard) -> int:
    return random.randrange(1 << 40) * settings.LOGICAL_SHARDS + shard.number


def in_threads(count, work):
    """Run work(number) in so many threads, each with database connections of its own."""

    def run(number):
        try:
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def rows_of(shard, kind, key):
    """Return (value in the counter table, number of delta rows)."""
    with shard.cursor() as cursor:
        cursor.execute(f"SELECT value FROM {shard.schema}.counter WHERE kind = %s AND key_id = %s", [kind, key])
        value = cursor.fetchone()
        cursor.execute("SELECT count(*) FROM local.counter_delta WHERE kind = %s AND key_id = %s", [kind, key])
        return (value and value[0]), cursor.fetchone()[0]


def test_what_nobody_counted_is_zero(shard):
    photo = a_photo(shard)

    assert counters.read(shard, PHOTO_LIKES, [photo]) == {(PHOTO_LIKES, photo): 0}


def test_a_change_counts_at_once_and_after_the_roll_up(shard):
    photo = a_photo(shard)
    counters.add(shard, PHOTO_LIKES, photo, 3)
    counters.add(shard, PHOTO_LIKES, photo, -1)
    counters.add(shard, PHOTO_COMMENTS, photo, 7)
    expected = {(PHOTO_LIKES, photo): 2, (PHOTO_COMMENTS, photo): 7}

    assert counters.read(shard, [PHOTO_LIKES, PHOTO_COMMENTS], [photo]) == expected
    counters.roll_up(shard.server)
    assert rows_of(shard, PHOTO_LIKES, photo) == (2, 0)
    assert counters.read(shard, [PHOTO_LIKES, PHOTO_COMMENTS], [photo]) == expected


def test_a_change_of_a_transaction_that_is_rolled_back_does_not_count(shard):
    photo = a_photo(shard)
    with pytest.raises(ZeroDivisionError), shard.atomic():
        counters.add(shard, PHOTO_LIKES, photo, 1)
        1 / 0  # noqa: B018  # anything that goes wrong after the change

    assert counters.read(shard, PHOTO_LIKES, [photo]) == {(PHOTO_LIKES, photo): 0}


@pytest.mark.parametrize(
    ("kind", "key"), [(PHOTO_LIKES, compose(5, 3, 0)), (USER_MEDIA, 3), (USER_FOLLOWED_BY, 64 + 3)]
)
def test_a_change_sent_to_the_wrong_shard_is_refused_by_the_database(kind, key):
    with pytest.raises(IntegrityError, match="counter_delta_shard_key"):
        counters.add(shard_numbered(4), kind, key, 1)


def test_one_roll_up_writes_the_counters_of_all_shards_of_a_server():
    server = physical_servers()[0]
    users = {shard: a_user(shard) for shard in shards_on(server)}
    for shard, user in users.items():
        counters.add(shard, USER_MEDIA, user, shard.number + 1)

    counters.roll_up(server)

    for shard, user in users.items():
        assert rows_of(shard, USER_MEDIA, user) == (shard.number + 1, 0)


def test_counters_of_many_shards_are_read_together(django_assert_num_queries):
    users = {shard_numbered(number): a_user(shard_numbered(number)) for number in range(0, settings.LOGICAL_SHARDS, 5)}
    for shard, user in users.items():
        counters.add(shard, USER_MEDIA, user, shard.number)
        counters.add(shard, USER_FOLLOWED_BY, user, 1000 + shard.number)
    counters.roll_up(physical_servers()[0])

    found = counters.read_many({shard: [user] for shard, user in users.items()}, [USER_MEDIA, USER_FOLLOWED_BY])

    assert found == {
        (kind, user): base + shard.number
        for shard, user in users.items()
        for kind, base in ((USER_MEDIA, 0), (USER_FOLLOWED_BY, 1000))
    }
    for server in physical_servers():
        with django_assert_num_queries(1, connection=connections[server.alias]):
            counters.read_many({shard: [user] for shard, user in users.items()}, USER_MEDIA)


def test_counts_are_exact_and_only_go_up_while_many_add_and_others_roll_up(shard):
    photo = a_photo(shard)
    adding = threading.Semaphore(0)
    seen = []

    def work(number):
        if number < 6:
            for _ in range(150):
                counters.add(shard, PHOTO_LIKES, photo, 1)
            adding.release()
        elif number < 8:
            while not finished():
                counters.roll_up(shard.server)
        else:
            while not finished():
                seen.append(counters.read(shard, PHOTO_LIKES, [photo])[PHOTO_LIKES, photo])

    def finished():
        return adding._value == 6

    in_threads(9, work)

    assert counters.read(shard, PHOTO_LIKES, [photo]) == {(PHOTO_LIKES, photo): 900}
    # Each change adds one: a reader that saw a change twice or not at all, halfway through a roll-up, would see a dip.
    assert seen == sorted(seen)
    assert len(set(seen)) > 5
    counters.roll_up(shard.server)
    assert rows_of(shard, PHOTO_LIKES, photo) == (900, 0)


def test_changes_of_a_shard_that_is_not_on_the_server_wait_and_hold_nothing_up():
    here, there = physical_servers()
    stray, own = next(shards_on(there)), next(shards_on(here))
    stray_user, own_user = a_user(stray), a_user(own)
    with here.cursor() as cursor:
        cursor.execute(
            "INSERT INTO local.counter_delta (logical_shard, kind, key_id, delta) VALUES (%s, %s, %s, 1)",
            [stray.number, USER_MEDIA, stray_user],
        )
    counters.add(own, USER_MEDIA, own_user, 1)

    counters.roll_up(here)

    assert rows_of(own, USER_MEDIA, own_user) == (1, 0)
    with here.cursor() as cursor:
        cursor.execute("DELETE FROM local.counter_delta WHERE key_id = %s RETURNING delta", [stray_user])
        assert cursor.fetchall() == [(1,)]


def test_a_users_count_is_kept_on_the_users_own_shard():
    user = a_user(shard_numbered(9))
    counters.add(shard_of(user), USER_MEDIA, user, 1)

    assert counters.read(shard_of(user), USER_MEDIA, [user]) == {(USER_MEDIA, user): 1}
