"""Whatever ends an upload between the store and the transaction, no object stays that no photo names."""

import pytest

from jobs.testing import run_until_idle
from photos.filters import PLAIN
from photos.services import unpublished
from photos.services.ingest import ingest
from photos.services.originals import original_of
from sharding import shard_of
from tests.support.people import a_person, a_photo
from tests.support.store import let_expire, objects_of, row_of
from tests.support.store import unpublished as written_down


@pytest.fixture
def anna():
    return a_person()


@pytest.fixture
def stored(anna):
    """A picture whose process ended before it was published."""
    image = a_photo()
    return ingest(shard_of(anna.id), author_id=anna.id, image=image, look=PLAIN, original=original_of(image))


def test_what_was_stored_and_never_published_is_thrown_away_when_its_time_is_over(anna, stored):
    unpublished.expire(shard_of(anna.id).server)
    run_until_idle()
    assert len(objects_of(stored.stem)) == 4
    assert len(objects_of(stored.original_stem)) == 1

    let_expire(anna)
    unpublished.expire(shard_of(anna.id).server)
    run_until_idle()

    assert objects_of(stored.stem) | objects_of(stored.original_stem) == set()
    assert written_down(anna) == []


def test_objects_whose_time_is_over_cannot_be_published(anna, stored):
    let_expire(anna)
    unpublished.expire(shard_of(anna.id).server)

    with pytest.raises(unpublished.ExpiredError), shard_of(anna.id).atomic(), shard_of(anna.id).cursor() as cursor:
        unpublished.claim(cursor, [stored.stem])


def test_a_published_photo_is_written_down_no_more(anna):
    media = anna.upload()

    assert written_down(anna) == []
    let_expire(anna)
    unpublished.expire(shard_of(anna.id).server)
    run_until_idle()
    assert len(objects_of(row_of(media).image_stem)) == 4
