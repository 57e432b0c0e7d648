"""The photo map on real Redis servers."""

import os
import secrets
import threading
import time
from contextlib import ExitStack
from io import StringIO

import pytest
import redis
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from hypothesis import example, given
from hypothesis import strategies as st

from photos.models import Photo
from sharding import photo_map, redis_servers, shard_of
from sharding.ids import compose, parts
from tests.support.own_servers import own_redis
from tests.support.people import a_person
from tests.support.waiting import wait_until

SHARDS = 64


@pytest.fixture(autouse=True)
def own_prefix(settings):
    settings.PHOTO_MAP_PREFIX = f"t{secrets.token_hex(3)}"
    settings.LOGICAL_SHARDS = SHARDS


@pytest.fixture
def server(settings):
    """The map's only server, of the test's own."""
    with own_redis() as own:
        settings.PHOTO_MAP_SERVERS = [own.address]
        yield own


def refuse(photo_ids):
    raise AssertionError(f"healed {photo_ids}")


def nothing(photo_ids):
    return {}


photos = st.builds(
    compose,
    # Nearly all in a few rows, so that entries meet in one; heads whose bytes look like those of other entries.
    st.one_of(st.integers(0, 2**40 - 1), st.integers(0, 300), st.integers(2**22 - 2, 2**22 + 2)),
    st.one_of(st.integers(0, SHARDS - 1), st.just(5)),
    st.one_of(st.just(0), st.integers(0, 5), st.integers(0, 1023)),
)
#: user_id // LOGICAL_SHARDS, up to the last user of 63 bits.
numbers = st.one_of(st.integers(0, 2**57 - 1), st.integers(0, 2**16 + 1))


def users_from(numbers):
    # Users live on their photos' shard: the remainder is the shard's.
    return {photo: number * SHARDS + parts(photo).logical_shard for photo, number in numbers.items()}


@given(st.dictionaries(photos, numbers, max_size=40))
def test_whatever_is_remembered_comes_back_exactly(numbers):
    users = users_from(numbers)
    photo_map.remember(users)

    assert photo_map.users_of(users, refuse) == users


@given(st.lists(st.dictionaries(photos, st.one_of(numbers, st.none()), max_size=10), max_size=5))
def test_storing_again_and_forgetting_leave_what_a_dictionary_would(steps):
    photo_map.forget({photo for step in steps for photo in step})  # an earlier example of this test
    expected = {}
    for step in steps:
        stored = users_from({photo: number for photo, number in step.items() if number is not None})
        forgotten = [photo for photo in step if photo not in stored]
        photo_map.remember(stored)
        photo_map.forget(forgotten)
        expected = {photo: user for photo, user in (expected | stored).items() if photo not in forgotten}

    assert photo_map.users_of({photo for step in steps for photo in step}, nothing) == expected


@given(photos, photos)
@example(compose(2**22 - 1, 5, 0), compose(2**22, 5, 0))
@example(compose(0, 5, 3), compose(0, 5, 4))
def test_no_two_ids_share_a_place(one, other):
    assert (photo_map.place(one) == photo_map.place(other)) == (one == other)


def test_rows_that_look_like_numbers_come_back_as_they_were():
    # Redis packs "12345" as a number; a row of one entry can look so. It says the same back.
    texts = [b"12345", b"00001", b"-1234", b" 1234", b"1e+05", b"+1234", b"99999"]
    for text in texts:
        head, number = int.from_bytes(text[:3], "big"), int.from_bytes(text[3:], "big")
        milliseconds, sequence = divmod(head, 4)
        users = users_from({compose(milliseconds, 5, sequence): number})
        photo_map.forget([compose(int.from_bytes(each[:3], "big") // 4, 5, each[2] % 4) for each in texts])
        photo_map.remember(users)

        assert photo_map.users_of(users, refuse) == users


@pytest.mark.parametrize("bits", [1, 10, 22])
def test_rows_of_any_width_keep_ids_apart(settings, bits):
    settings.PHOTO_MAP_ROW_BITS = bits
    users = users_from({compose(milliseconds, 7, 0): milliseconds for milliseconds in range(0, 10_000, 7)})
    photo_map.remember(users)

    assert photo_map.users_of(users, refuse) == users


def test_rows_wider_than_their_entries_can_say_are_refused(settings):
    settings.PHOTO_MAP_ROW_BITS = 23

    with pytest.raises(ImproperlyConfigured, match="1 to 22"):
        photo_map.place(compose(1, 1, 1))


def test_a_user_of_another_shard_is_refused():
    with pytest.raises(ValueError, match="different logical shards"):
        photo_map.remember({compose(1, 5, 0): 6})


def test_numbers_that_are_no_ids_of_ours_are_left_out_without_asking_anybody():
    assert photo_map.users_of([-1, 2**63, 2**70, compose(1, SHARDS, 0)], refuse) == {}


def test_a_miss_heals_from_the_reader_and_is_remembered():
    photo, other, asked = compose(123, 7, 0), compose(124, 7, 0), []

    def heal(ids):
        asked.append(ids)
        return {photo: 71}

    assert photo_map.users_of([photo, other, photo], heal) == {photo: 71}
    assert photo_map.users_of([photo], refuse) == {photo: 71}
    assert asked == [[photo, other]]


def test_what_is_forgotten_is_a_miss():
    photo, neighbour = compose(5, 5, 5), compose(5, 5, 6)
    photo_map.remember({photo: 5, neighbour: 69})
    photo_map.forget([photo])

    assert photo_map.users_of([photo, neighbour], nothing) == {neighbour: 69}


def test_forgetting_all_photos_leaves_no_key_behind(server):
    users = {compose(milliseconds, 5, milliseconds % 7): 5 for milliseconds in range(0, 2**30, 2**24)}
    photo_map.remember(users)
    photo_map.forget(users)

    assert redis.Redis(port=server.port).dbsize() == 0


def test_writers_of_one_row_at_a_time_lose_nothing():
    parts_of_row = [
        {compose(start + step, 5, 0): 64 * (start + step) + 5 for step in range(0, 400, 4)} for start in range(4)
    ]

    def write(part):
        for photo, user in part.items():
            photo_map.remember({photo: user})

    threads = [threading.Thread(target=write, args=[part]) for part in parts_of_row]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    users = {photo: user for part in parts_of_row for photo, user in part.items()}
    assert photo_map.users_of(users, refuse) == users


def test_each_logical_shard_has_its_server_and_a_look_up_goes_to_each_once(settings):
    with ExitStack() as stack:
        servers = [stack.enter_context(own_redis()) for _ in range(3)]
        settings.PHOTO_MAP_SERVERS = [server.address for server in servers]
        users = users_from({compose(milliseconds, milliseconds % SHARDS, 0): 7 for milliseconds in range(200)})
        photo_map.remember(users)
        clients = [redis.Redis(port=server.port) for server in servers]
        before = [client.info("stats")["total_reads_processed"] for client in clients]

        assert photo_map.users_of(users, refuse) == users

        # One read of the sockets for ours and one for INFO itself: 200 ids came in one go.
        after = [client.info("stats")["total_reads_processed"] for client in clients]
        assert [now - then for now, then in zip(after, before, strict=True)] == [2, 2, 2]
        for number, client in enumerate(clients):
            shards = {int.from_bytes(key[-5:-3], "big") for key in client.keys()}  # noqa: SIM118  # no dictionary
            assert shards == set(range(number, SHARDS, 3)) | (shards & {SHARDS})


def test_buckets_stay_listpacks_at_ten_times_the_expected_rate(settings):
    # 300 million photos a year over 2,048 logical shards are 0.0046 a second each; here 64 rows of 390.
    options = ["--hash-max-listpack-entries", str(settings.PHOTO_MAP_LISTPACK_ENTRIES)]
    with own_redis(*options, "--hash-max-listpack-value", str(settings.PHOTO_MAP_LISTPACK_BYTES)) as own:
        settings.PHOTO_MAP_SERVERS = [own.address]
        photo_map.remember({compose(milliseconds, 5, 0): 5 for milliseconds in range(0, 2**28, 10_760)})
        client = redis.Redis(port=own.port)

        assert [client.object("encoding", key) for key in client.scan_iter()] == [b"listpack"]


def test_a_dead_server_is_a_miss_and_not_an_error(settings):
    settings.PHOTO_MAP_SERVERS = ["127.0.0.1:1"]
    photo = compose(5, 5, 5)
    photo_map.remember({photo: 5})
    photo_map.forget([photo])

    assert photo_map.users_of([photo], lambda ids: {photo: 5}) == {photo: 5}


def test_a_dead_server_does_not_take_the_others_photos_with_it(settings, server):
    settings.PHOTO_MAP_SERVERS = [server.address, "127.0.0.1:1"]
    there, away = compose(5, 4, 0), compose(5, 5, 0)
    photo_map.remember({there: 4, away: 5})
    asked = []

    assert photo_map.users_of([there, away], lambda ids: asked.extend(ids) or {}) == {there: 4}
    assert asked == [away]


def test_a_frozen_server_is_waited_for_once_and_not_by_every_call(settings, server):
    settings.PHOTO_MAP_TIMEOUT_S = 0.2
    photo = compose(5, 5, 5)
    photo_map.remember({photo: 5})
    with server.frozen():
        began = time.monotonic()
        for _ in range(20):
            assert photo_map.users_of([photo], lambda ids: {photo: 5}) == {photo: 5}
        assert time.monotonic() - began < 1.0

    wait_until(lambda: photo_map.users_of([photo], nothing) == {photo: 5}, what="the thawed server is asked again")


def test_only_one_thread_tries_a_server_that_was_away(settings, server):
    settings.PHOTO_MAP_TIMEOUT_S = 0.3
    photo = compose(5, 5, 5)
    photo_map.remember({photo: 5})
    with server.frozen():
        photo_map.users_of([photo], nothing)
        wait_until(
            lambda: redis_servers._servers[server.address]._rests_until < time.monotonic(), what="the end of the rest"
        )
        took = []

        def look_up():
            began = time.monotonic()
            photo_map.users_of([photo], nothing)
            took.append(time.monotonic() - began)

        threads = [threading.Thread(target=look_up) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sum(seconds > 0.25 for seconds in took) == 1


def test_a_restarted_server_is_used_again_and_heals(server):
    users = users_from({compose(milliseconds, 5, 0): milliseconds for milliseconds in range(50)})
    photo_map.remember(users)
    server.kill()
    assert photo_map.users_of(users, nothing) == {}
    server.start()

    def healed():
        return photo_map.users_of(users, lambda ids: {photo: users[photo] for photo in ids}) == users

    assert healed()
    wait_until(lambda: healed() and photo_map.users_of(users, nothing) == users, what="the lost map has healed")


def test_a_forked_child_talks_over_connections_of_its_own():
    users = users_from({compose(milliseconds, 5, 0): milliseconds for milliseconds in range(20)})
    photo_map.remember(users)
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:  # no assertion may leave the child as an exception: pytest would go on twice
            right = all(photo_map.users_of(users, nothing) == users for _ in range(100))
            os._exit(0 if right else 1)
        children.append(child)
    for _ in range(100):
        assert photo_map.users_of(users, refuse) == users

    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4


class TestRebuilding:
    """manage.py rebuild_photo_map, over real photos."""

    @pytest.fixture
    def photos(self):
        author = a_person().id
        model = shard_of(author).model(Photo)
        made = [model.objects.create(author_id=author, image_stem="0" * 32).id for _ in range(30)]
        yield dict.fromkeys(made, author)
        model.objects.filter(id__in=made).delete()

    @staticmethod
    def run(*arguments):
        said = StringIO()
        call_command("rebuild_photo_map", *arguments, stdout=said)
        return said.getvalue()

    def test_a_lost_map_is_rebuilt_from_the_shards(self, server, photos):
        assert photo_map.users_of(photos, nothing) == {}

        assert "photos of 64 logical shards are in the map" in self.run()
        assert photo_map.users_of(photos, refuse) == photos

    def test_one_shard_can_be_rebuilt_alone_and_again(self, server, photos):
        number = parts(next(iter(photos))).logical_shard
        for _ in range(2):
            self.run("--shard", str(number))

        assert photo_map.users_of(photos, refuse) == photos

    def test_the_check_counts_what_is_missing_and_what_is_wrong(self, server, photos):
        number = str(parts(next(iter(photos))).logical_shard)
        self.run("--shard", number)
        assert "0 missing, 0 wrong" in self.run("--check", "--shard", number)

        first, second, third, *_ = photos
        photo_map.forget([first])
        photo_map.remember({second: photos[second] + 64, third: photos[third] + 64 * 2**20})

        with pytest.raises(CommandError, match="Mend the map"):
            self.run("--check", "--shard", number)
        assert photo_map.check(shard_of(photos[first])).missing == 1
        assert photo_map.check(shard_of(photos[first])).wrong == 2
        self.run("--shard", number)
        assert "0 missing, 0 wrong" in self.run("--check", "--shard", number)

    def test_a_redis_that_stays_away_is_named(self, settings, monkeypatch, photos):
        settings.PHOTO_MAP_SERVERS = ["127.0.0.1:1"]
        monkeypatch.setattr(photo_map, "PATIENCE_S", 0.2)
        number = parts(next(iter(photos))).logical_shard

        with pytest.raises(
            CommandError, match=r"logical shard \d+: Redis server 127.0.0.1:1 does not answer"
        ) as failed:
            self.run("--shard", str(number))
        assert failed.value.returncode == 1

    def test_a_shard_that_does_not_exist_is_wrong_use(self):
        with pytest.raises(CommandError, match="no logical shard 64") as failed:
            self.run("--shard", "64")
        assert failed.value.returncode == 2
