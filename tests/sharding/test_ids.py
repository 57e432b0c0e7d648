"""Ids: Python against SQL, and SQL against concurrency, clocks and cancels, on clocks of the tests' own."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import psycopg2
import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st
from psycopg2 import errors

from sharding import ids, schema, server_named, shard_of
from sharding.ids import MAX_ID, IdParts, compose, id_of_shortcode, parts, shortcode_of
from tests.support.waiting import wait_until

LAST_MS = (1 << 40) - 1
SHARD = 37

milliseconds = st.integers(0, LAST_MS)
logical_shards = st.integers(0, 8191)
sequences = st.integers(0, 1023)
any_id = st.integers(0, MAX_ID)


@contextmanager
def autocommitting():
    with schema.direct(server_named("shard_a")) as connection:
        connection.autocommit = True
        yield connection


class Clock:
    """A sequence of the test's own, for the server's real next_id(): nobody else's ids are pushed about."""

    def __init__(self, connection, name):
        self.connection, self.name = connection, name

    def mint(self, at_ms=None, *, shard=SHARD, count=1, connection=None):
        """Return ids made in one statement; at_ms: milliseconds since the epoch of ids, else the server's clock."""
        with (connection or self.connection).cursor() as cursor:
            cursor.execute(
                "SELECT local.next_id(%s, %s::regclass, %s) FROM generate_series(1, %s)",
                [shard, self.name, None if at_ms is None else at_ms + settings.ID_EPOCH_MS, count],
            )
            return [object_id for (object_id,) in cursor.fetchall()]

    def push(self, past_id, *, shard=SHARD):
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT local.push_clock(%s, %s::regclass, %s)", [shard, self.name, past_id])
            return cursor.fetchone()[0]

    def locks_held(self):
        with self.connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s::regclass::oid", [self.name]
            )
            return cursor.fetchone()[0]


@pytest.fixture
def clock():
    name = f"ids_{uuid.uuid4().hex[:12]}"
    with autocommitting() as connection:
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE SCHEMA {name}; CREATE SEQUENCE {name}.clock AS bigint MINVALUE 0 START 0")
        yield Clock(connection, f"{name}.clock")
        with connection.cursor() as cursor:
            cursor.execute(f"DROP SCHEMA {name} CASCADE")


# --- Python ----------------------------------------------------------------------------------------------------------


@given(milliseconds, logical_shards, sequences)
def test_an_id_gives_back_what_it_was_made_of(at_ms, shard, sequence):
    object_id = compose(at_ms, shard, sequence)

    assert 0 <= object_id <= MAX_ID
    assert parts(object_id) == IdParts(at_ms, shard, sequence)
    assert ids.logical_shard_of(object_id) == shard


@given(any_id)
def test_every_number_of_63_bits_is_an_id_of_exactly_one_triple(object_id):
    assert compose(*parts(object_id)) == object_id


@given(any_id, any_id)
def test_ids_order_by_time_first(one, other):
    if parts(one).milliseconds < parts(other).milliseconds:
        assert one < other


@pytest.mark.parametrize("wrong", [(-1, 0, 0), (LAST_MS + 1, 0, 0), (0, -1, 0), (0, 8192, 0), (0, 0, -1), (0, 0, 1024)])
def test_a_part_that_does_not_fit_its_bits_is_refused(wrong):
    with pytest.raises(ValueError, match="does not fit"):
        compose(*wrong)


@pytest.mark.parametrize("wrong", [-1, MAX_ID + 1])
def test_a_number_that_no_id_can_be_is_refused(wrong):
    with pytest.raises(ValueError, match="is not an id"):
        parts(wrong)
    with pytest.raises(ValueError, match="is not an id"):
        shortcode_of(wrong)


@given(milliseconds, logical_shards, sequences)
def test_an_id_knows_when_it_was_made(at_ms, shard, sequence):
    object_id = compose(at_ms, shard, sequence)
    moment = ids.created_at_of(object_id)

    assert moment.tzinfo is not None
    assert (moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1) == settings.ID_EPOCH_MS + at_ms
    assert ids.created_time_of(object_id) == (settings.ID_EPOCH_MS + at_ms) // 1000


@given(milliseconds, logical_shards, sequences)
def test_the_first_id_of_a_moment_is_the_smallest_of_that_millisecond(at_ms, shard, sequence):
    object_id = compose(at_ms, shard, sequence)

    assert ids.first_id_at(ids.created_at_of(object_id)) == compose(at_ms, 0, 0) <= object_id


@given(st.integers(0, LAST_MS // 1000))
def test_the_first_id_of_a_second_is_the_same_from_a_number_and_from_a_datetime(second):
    since_1970 = settings.ID_EPOCH_MS // 1000 + second

    assert (
        ids.first_id_at(since_1970)
        == ids.first_id_at(float(since_1970))
        == ids.first_id_at(datetime.fromtimestamp(since_1970, tz=UTC))
    )
    assert ids.created_time_of(ids.first_id_at(since_1970)) == since_1970


def test_moments_out_of_reach_give_the_ends_of_the_range():
    assert ids.first_id_at(0) == ids.first_id_at(datetime(1960, 1, 1, tzinfo=UTC)) == 0
    assert ids.first_id_at(datetime(2100, 1, 1, tzinfo=UTC)) == ids.first_id_at(10**12) == MAX_ID


def test_a_moment_without_time_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        ids.first_id_at(datetime(2026, 1, 1))  # noqa: DTZ001  # the point of the test


@pytest.mark.parametrize(
    ("object_id", "code"),
    [(0, "A"), (3, "D"), (63, "_"), (64, "BA"), (5382, "BUG"), (18600493, "BG9It"), (83974910, "FAVr-"),
     (48213377, "C362B"), (MAX_ID, "H__________")],
)  # fmt: skip
def test_short_codes_are_those_of_the_original(object_id, code):
    assert shortcode_of(object_id) == code
    assert id_of_shortcode(code) == object_id


@given(any_id)
def test_a_short_code_gives_its_id_back(object_id):
    assert id_of_shortcode(shortcode_of(object_id)) == object_id


@given(st.text(max_size=14))
def test_a_text_is_refused_or_it_is_how_an_id_is_written(text):
    try:
        object_id = id_of_shortcode(text)
    except ValueError as error:
        assert "is not a short code" in str(error)  # either way is right, and both are looked at
    else:
        assert shortcode_of(object_id) == text


@pytest.mark.parametrize("wrong", ["", "AD", "I__________", "BG9It/", "B G", "ü", "A" * 12, "B" * 5000])
def test_what_is_no_short_code_is_refused(wrong):
    with pytest.raises(ValueError, match="is not a short code"):
        id_of_shortcode(wrong)


# --- SQL against Python ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shard", [0, 1, 63, 4096, 8191])
def test_sql_and_python_mean_the_same_by_an_id(clock, shard):
    for at_ms in (0, 1, 1234, 10**9, LAST_MS):
        assert clock.mint(at_ms, shard=shard, count=3) == [compose(at_ms, shard, sequence) for sequence in range(3)]


def test_an_id_is_made_at_the_time_of_the_server(clock):
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    (object_id,) = clock.mint()

    assert before <= ids.created_at_of(object_id) <= datetime.now(UTC)


def test_a_logical_shards_own_clock_gives_ids_of_that_shard():
    shard = shard_of(SHARD)
    with shard.cursor() as cursor:
        cursor.execute("SELECT local.next_id(%s, %s::regclass)", [shard.number, f"{shard.schema}.clock"])
        (object_id,) = cursor.fetchone()

    assert ids.logical_shard_of(object_id) == shard.number
    assert abs(ids.created_at_of(object_id) - datetime.now(UTC)) < timedelta(seconds=5)


# --- One shard, many ids ---------------------------------------------------------------------------------------------


def test_more_than_1024_ids_of_one_millisecond_run_on_into_the_next(clock):
    made = clock.mint(5000, count=5000)

    assert made == [compose(5000 + number // 1024, SHARD, number % 1024) for number in range(5000)]


def test_ids_go_up_when_the_clock_steps_back(clock):
    at = [10_000, 9_000, 9_999, 9_998, 40_000, 1, 39_999, 40_000, 40_001, 0]
    made = [object_id for at_ms in at for object_id in clock.mint(at_ms, count=3)]

    assert all(earlier < later for earlier, later in pairwise(made))


def test_ids_of_many_connections_are_distinct_and_each_goes_up_far_beyond_1024_a_millisecond(clock):
    def work(_):
        with autocommitting() as connection:
            return [object_id for _ in range(10) for object_id in clock.mint(777, count=400, connection=connection)]

    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(work, range(6)))

    assert all(earlier < later for own in made for earlier, later in pairwise(own))
    # Frozen clock: 24,000 ids of one millisecond, without a gap.
    assert sorted(object_id for own in made for object_id in own) == [
        compose(777 + number // 1024, SHARD, number % 1024) for number in range(6 * 10 * 400)
    ]


def test_ids_are_distinct_when_every_connection_has_a_clock_of_its_own_that_jumps(clock):
    def work(number):
        with autocommitting() as connection:
            return [
                object_id
                for turn in range(100)
                for object_id in clock.mint((turn * 7919 + number * 104_729) % 50_000, count=20, connection=connection)
            ]

    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(work, range(6)))

    assert all(earlier < later for own in made for earlier, later in pairwise(own))
    assert len({object_id for own in made for object_id in own}) == 6 * 100 * 20


def test_an_id_asked_for_later_is_larger_whichever_connection_asks(clock):
    with autocommitting() as one, autocommitting() as two:
        made = [clock.mint(connection=connection)[0] for _ in range(500) for connection in (one, two)]

    assert all(earlier < later for earlier, later in pairwise(made))


def test_an_id_of_a_transaction_that_is_rolled_back_is_never_made_again(clock):
    with schema.direct(server_named("shard_a")) as connection:
        lost = clock.mint(100, count=10, connection=connection)
        connection.rollback()

    assert not set(lost) & set(clock.mint(100, count=2000))


def test_a_long_transaction_that_made_an_id_keeps_nobody_waiting(clock):
    with schema.direct(server_named("shard_a")) as connection:
        (first,) = clock.mint(connection=connection)

        assert clock.locks_held() == 0
        assert clock.mint()[0] > first
        connection.rollback()


# --- Refusals --------------------------------------------------------------------------------------------------------


def test_no_id_is_made_more_than_the_limit_ahead_of_the_clock(clock, settings):
    limit = settings.ID_MAX_AHEAD_MS
    clock.mint(1_000_000)

    assert parts(clock.mint(1_000_000 - limit)[0]).milliseconds == 1_000_000
    with pytest.raises(psycopg2.Error, match="ahead of the clock") as refusal:
        clock.mint(1_000_000 - limit - 1)
    assert refusal.value.pgcode == "ID002"
    assert clock.locks_held() == 0


def test_a_shard_mints_on_once_the_clock_has_caught_up(clock, settings):
    (before,) = clock.mint(1_000_000)
    for _ in range(3):
        with pytest.raises(psycopg2.Error):
            clock.mint(1_000_000 - settings.ID_MAX_AHEAD_MS - 1000)

    assert clock.mint(1_000_000 - settings.ID_MAX_AHEAD_MS)[0] > before


def test_ids_stay_positive_up_to_the_last_millisecond(clock):
    made = clock.mint(LAST_MS, shard=8191, count=1024)

    assert made[0] == compose(LAST_MS, 8191, 0)
    assert made[-1] == compose(LAST_MS, 8191, 1023) == MAX_ID


@pytest.mark.parametrize("at_ms", [LAST_MS + 1, LAST_MS + 2, 1 << 41, 1 << 45])
def test_no_id_is_made_past_the_last_millisecond(clock, at_ms):
    with pytest.raises(psycopg2.Error, match="run out of time") as refusal:
        clock.mint(at_ms)

    assert refusal.value.pgcode == "ID003"
    assert clock.locks_held() == 0


def test_a_clock_that_claims_to_be_past_the_end_does_not_spoil_the_sequence(clock):
    with pytest.raises(psycopg2.Error, match="run out of time"):
        clock.mint(LAST_MS + 1)

    assert parts(clock.mint(5000)[0]).milliseconds == 5000


def test_the_id_after_the_very_last_is_refused_not_negative(clock):
    clock.mint(LAST_MS, count=1024)

    for at_ms in (LAST_MS, LAST_MS - 5):
        with pytest.raises(psycopg2.Error, match="run out of time"):
            clock.mint(at_ms)


# --- Cancels ---------------------------------------------------------------------------------------------------------


def test_thousands_of_cancelled_statements_leave_no_lock_and_no_id_made_twice(clock):
    wanted = 3000
    cancelled, kept = [0, 0, 0], [[], [], []]
    running: dict[int, int] = {}
    enough = threading.Event()

    def victim(number):
        with autocommitting() as connection:
            running[number] = connection.get_backend_pid()
            while not enough.is_set():
                try:
                    kept[number] += clock.mint(count=20, connection=connection)
                    clock.mint(count=100_000, connection=connection)
                except errors.QueryCanceled:
                    cancelled[number] += 1

    def canceller():
        with autocommitting() as connection, connection.cursor() as cursor:
            while sum(cancelled) < wanted:
                cursor.execute("SELECT pg_cancel_backend(pid) FROM unnest(%s) AS pid", [list(running.values())])
            enough.set()
            # The victims' last statements are long, too.
            while any(not thread.done() for thread in victims):
                cursor.execute("SELECT pg_cancel_backend(pid) FROM unnest(%s) AS pid", [list(running.values())])

    with ThreadPoolExecutor(4) as pool:
        victims = [pool.submit(victim, number) for number in range(3)]
        wait_until(lambda: len(running) == 3)
        pool.submit(canceller).result(timeout=120)
        for thread in victims:
            thread.result(timeout=10)

    assert sum(cancelled) >= wanted
    assert clock.locks_held() == 0
    made = [object_id for own in kept for object_id in own]
    assert len(set(made)) == len(made) > 0
    assert clock.mint()[0] > max(made)


def test_statements_that_time_out_in_an_open_transaction_leave_no_lock(clock):
    with schema.direct(server_named("shard_a")) as connection, connection.cursor() as cursor:
        for turn in range(500):
            # Cut short at ever other moments of minting, as the server's own time-out does it.
            cursor.execute("SAVEPOINT before; SET LOCAL statement_timeout = %s", [1 + turn % 3])
            with pytest.raises(errors.QueryCanceled):
                clock.mint(count=1_000_000, connection=connection)
            cursor.execute("ROLLBACK TO SAVEPOINT before")

            assert clock.locks_held() == 0
        connection.rollback()

    assert clock.mint()


# --- After promote, restore or a move --------------------------------------------------------------------------------


def test_a_clock_set_past_an_id_makes_only_larger_ones(clock):
    past = compose(40_000, SHARD, 1023)

    assert clock.push(past) == compose(40_001, SHARD, 0)
    assert clock.mint(1) == [compose(40_001, SHARD, 0)]


def test_setting_a_clock_past_an_old_id_never_takes_it_back(clock):
    (latest,) = clock.mint(50_000)

    assert clock.push(compose(3, SHARD, 3)) > latest
    assert clock.mint(50_000)[0] > latest


def test_a_clock_is_not_set_past_an_id_of_another_shard(clock):
    with pytest.raises(psycopg2.Error, match="not of logical shard"):
        clock.push(compose(40_000, SHARD + 1, 0))


def test_pushing_a_shards_clock_takes_it_past_its_largest_row(clock):
    # The tables' own ids are the default: a table of the scratch schema counts as one of the shard's.
    space = clock.name.split(".")[0]
    with clock.connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE {space}.one (id bigint DEFAULT local.next_id({SHARD}, '{space}.clock'), user_id bigint);"
            f"CREATE TABLE {space}.two (version bigint); COMMENT ON COLUMN {space}.two.version IS 'clock of the shard'"
        )
        assert ids.largest_id(cursor, space) is None
        cursor.execute(f"INSERT INTO {space}.one (user_id) VALUES (5) RETURNING id")
        (first,) = cursor.fetchone()
        assert ids.largest_id(cursor, space) == first
        cursor.execute(f"INSERT INTO {space}.two VALUES (%s)", [first + (90 << 23)])

        assert ids.largest_id(cursor, space) == first + (90 << 23)


def test_push_clock_reads_the_shards_tables_and_leaves_a_clock_that_is_right_alone():
    shard = shard_of(SHARD)
    smallest = ids.push_clock(shard)
    with shard.cursor() as cursor:
        cursor.execute("SELECT local.next_id(%s, %s::regclass)", [shard.number, f"{shard.schema}.clock"])
        (made,) = cursor.fetchone()

        assert made >= smallest
        assert ids.tick_of(made) > (ids.tick_of(ids.largest_id(cursor, shard.schema) or 0))
