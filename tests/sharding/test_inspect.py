"""`manage.py inspect`: what an operator learns from an id."""

import io
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from photos.models import Photo
from sharding import ids, photo_map, shard_of
from sharding.ids import compose, shortcode_of

AUTHOR = 50_000_037


@pytest.fixture
def photo():
    photo = shard_of(AUTHOR).model(Photo).objects.create(author_id=AUTHOR, image_stem="0" * 32)
    yield photo
    shard_of(AUTHOR).model(Photo).objects.filter(id=photo.id).delete()
    photo_map.forget([photo.id])


def told_about(*arguments):
    """Return what inspect prints, as {name: text}: names take the first 14 columns."""
    out = io.StringIO()
    call_command("inspect", *arguments, stdout=out)
    return {line[:14].strip(): line[14:] for line in out.getvalue().splitlines()}


def test_an_id_tells_time_shard_server_sequence_owner_and_row(photo):
    photo_map.remember({photo.id: AUTHOR})

    told = told_about(str(photo.id))

    made = ids.created_at_of(photo.id)
    assert told == {
        "id": str(photo.id),
        "short code": shortcode_of(photo.id),
        "made": f"{made:%Y-%m-%d %H:%M:%S}.{made.microsecond // 1000:03d} UTC",
        "logical shard": f"{AUTHOR % 64} (s{AUTHOR % 64:04d})",
        "server": shard_of(AUTHOR).server.name,
        "sequence": str(ids.parts(photo.id).sequence),
        "row": "photos_photo",
        "owner": f"user {AUTHOR}",
        "photo map": f"user {AUTHOR}",
    }


def test_a_short_code_tells_the_same_as_its_id(photo):
    code = shortcode_of(photo.id)

    assert told_about("--shortcode", "--", code) == told_about(str(photo.id))


def test_an_id_without_a_row_says_so(photo):
    shard_of(AUTHOR).model(Photo).objects.filter(id=photo.id).delete()

    told = told_about(str(photo.id))

    assert told["row"] == "none"
    assert "owner" not in told
    assert told["photo map"] == "no entry"


def test_the_id_of_a_user_and_of_the_future_are_told_apart_from_photos():
    assert "rather the id of a user" in told_about("42")["made"]
    ahead = ids.first_id_at(datetime(2050, 1, 1, tzinfo=UTC))
    assert "in the future" in told_about(str(ahead))["made"]


@pytest.mark.parametrize(
    ("rubbish", "sentence"),
    [
        ("no such thing", "is not a short code"),
        ("AAAB", "no id is written so"),
        (str(1 << 63), "is not an id"),
        (str(compose(5, 8000, 0)), "no logical shard 8000: this installation has 0 to 63"),
        ("9" * 400, "is not an id"),
        ("½", "is not a short code"),
    ],
)
def test_rubbish_gives_exit_code_2_and_a_sentence(rubbish, sentence):
    with pytest.raises(CommandError, match=sentence) as refusal:
        told_about(rubbish)

    assert refusal.value.returncode == 2
