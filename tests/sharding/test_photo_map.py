"""The photo map on real Redis servers."""

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharding import photo_map
from sharding.ids import compose, parts


@pytest.fixture(autouse=True)
def own_prefix(settings):
    settings.PHOTO_MAP_PREFIX = f"t{secrets.token_hex(3)}"
    settings.LOGICAL_SHARDS = 64


def refuse(photo_ids):
    raise AssertionError(f"healed {photo_ids}")


photos = st.builds(compose, st.integers(0, 2**40 - 1), st.integers(0, 63), st.integers(0, 1023))


@given(st.dictionaries(photos, st.integers(0, 2**50), max_size=20))
def test_whatever_is_remembered_comes_back_exactly(numbers):
    # Users live on their photos' shard: the remainder is the shard's.
    users = {photo: number * 64 + parts(photo).logical_shard for photo, number in numbers.items()}
    photo_map.remember(users)

    assert photo_map.users_of(users, refuse) == users


@given(photos, photos)
def test_no_two_ids_share_a_place(one, other):
    assert (photo_map.place(one) == photo_map.place(other)) == (one == other)


def test_fields_that_look_like_numbers_are_told_apart():
    # 0x303031 is "001", 0x000031 ends in "1": Redis packs what looks like a number, but says the same back.
    milliseconds = [0x303031, 0x203031, 0x000031, 0x313131, 0x2D3131]
    users = {compose(each, 5, sequence): 64 * each + 5 for each in milliseconds for sequence in (0, 1, 0x3031 & 1023)}
    photo_map.remember(users)

    assert photo_map.users_of(users, refuse) == users


def test_a_miss_heals_from_the_reader_and_is_remembered():
    photo, asked = compose(123, 7, 0), []

    def heal(ids):
        asked.append(ids)
        return {photo: 71}

    assert photo_map.users_of([photo, compose(124, 7, 0)], heal) == {photo: 71}
    assert photo_map.users_of([photo], refuse) == {photo: 71}
    assert asked == [[photo, compose(124, 7, 0)]]


def test_what_is_forgotten_is_a_miss():
    photo = compose(5, 5, 5)
    photo_map.remember({photo: 5})
    photo_map.forget([photo])

    assert photo_map.users_of([photo], lambda ids: {}) == {}


def test_a_dead_server_is_a_miss_and_not_an_error(settings):
    settings.PHOTO_MAP_SERVERS = ["127.0.0.1:1"]
    photo = compose(5, 5, 5)
    photo_map.remember({photo: 5})

    assert photo_map.users_of([photo], lambda ids: {photo: 5}) == {photo: 5}
