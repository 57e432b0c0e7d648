"""Index tables of tags, locations and cells: written by tasks from the owners' shards, repeatable, rebuildable."""

import secrets
from io import StringIO
from math import asin, atan2, cos, degrees, radians, sin
from unittest.mock import patch

import pytest
from django.core.management import call_command
from django.db import IntegrityError
from hypothesis import given
from hypothesis import strategies as st
from psycopg2 import sql

from jobs.testing import run_until_idle
from photos import cells
from photos.models import AtLocation, InCell, Tag
from photos.queries import media_count_of, tagged_with, taken_at, taken_near
from photos.queries.indexes import shard_of_cell, shard_of_location, shard_of_tag
from photos.services import find_or_create_location, indexes, tag_totals
from photos.services.indexes import found_by, index_photos
from photos.tasks import index_photo
from sharding import main_server, physical_servers, shard_numbered, shard_of, shard_of_object
from tests.support.people import a_person


def a_tag():
    return f"tag{secrets.token_hex(6)}"


def id_of(media):
    return int(media["id"].split("_")[0])


def photos_under(tag):
    return [each.photo_id for each in tagged_with(tag)]


def copy_totals():
    for server in physical_servers():
        tag_totals.copy_changed(server)


def test_a_photo_is_found_by_its_tags_place_and_position():
    anna, tag = a_person(), a_tag()
    place = find_or_create_location(name=tag, latitude=48.2, longitude=16.37)
    media = anna.upload(caption=f"#{tag.upper()} #fog", location_id=str(place.pk))
    run_until_idle()

    assert photos_under(tag) == [id_of(media)]
    assert taken_at(place.pk) == [(id_of(media), anna.id)]
    near = taken_near(48.2, 16.37, 100.0, count=100)
    assert [each.metres for each in near if each.photo_id == id_of(media)] == [0.0]


def test_indexing_twice_leaves_one_row_and_counts_once():
    anna, tag = a_person(), a_tag()
    media = anna.upload(caption=f"#{tag}", lat="10.5", lng="20.5")
    run_until_idle()
    for _ in range(2):
        index_photo(photo_id=id_of(media))

    assert photos_under(tag) == [id_of(media)]
    assert media_count_of(tag) == 1


def test_photos_tagged_in_the_same_millisecond_get_tag_ids_of_their_own():
    anna, tag = a_person(), a_tag()
    photos = [id_of(anna.upload(caption=f"#{tag}")) for _ in range(3)]
    with patch.object(indexes, "_add_tags", lambda found, object_id, text: found.tags.setdefault(tag, 1_000)):
        index_photos(shard_of(anna.id), photos)

    assert [each.tag_id for each in tagged_with(tag)] == [1_002, 1_001, 1_000]
    index_photos(shard_of(anna.id), photos)  # the owner knows better: each at its own moment
    assert photos_under(tag) == photos[::-1]
    assert media_count_of(tag) == 3
    run_until_idle()


def test_a_photo_shows_the_tags_of_its_owners_comment_however_many_follow_it():
    owner, friend = a_person(), a_person()
    photo = owner.upload(caption="#Fog on the quay")
    path = f"/v1/media/{photo['id']}"
    own = owner.post(f"{path}/comments", text="#harbour #fog")["data"]
    for number in range(9):
        friend.post(f"{path}/comments", text=f"lovely #mine {number}")

    shown = friend.get(path)["data"]
    owner.delete(f"{path}/comments/{own['id']}")

    assert own["id"] not in [comment["id"] for comment in shown["comments"]["data"]]
    assert shown["tags"] == ["fog", "harbour"]
    assert owner.get(path)["data"]["tags"] == ["fog"]


def test_the_owners_comment_tags_a_photo_at_its_time_and_its_deletion_takes_the_tag():
    anna, ben, tag = a_person(), a_person(), a_tag()
    first, second = anna.upload(), ben.upload(caption=f"#{tag}")
    ben.post(f"/v1/media/{first['id']}/comments", text=f"#{tag} but not mine")
    comment = anna.post(f"/v1/media/{first['id']}/comments", text=f"late #{tag}")["data"]
    run_until_idle()
    assert photos_under(tag) == [id_of(first), id_of(second)]

    anna.delete(f"/v1/media/{first['id']}/comments/{comment['id']}")
    run_until_idle()
    assert photos_under(tag) == [id_of(second)]
    assert media_count_of(tag) == 1


def test_a_second_comment_holds_the_tag_when_the_first_is_deleted():
    anna, tag = a_person(), a_tag()
    media = anna.upload()
    path = f"/v1/media/{media['id']}/comments"
    comments = [anna.post(path, text=f"#{tag} {n}")["data"] for n in range(2)]
    run_until_idle()
    (before,) = tagged_with(tag)

    anna.delete(f"{path}/{comments[0]['id']}")
    run_until_idle()
    (after,) = tagged_with(tag)
    assert after.tag_id > before.tag_id
    assert media_count_of(tag) == 1


def test_a_comment_deleted_while_its_tag_is_written_leaves_nothing():
    anna, tag = a_person(), a_tag()
    media = anna.upload()
    comment = anna.post(f"/v1/media/{media['id']}/comments", text=f"#{tag}")["data"]
    real, looks = found_by, []

    def found_late(shard, photo_ids):
        found = real(shard, photo_ids)
        if not looks:  # what was read is no longer true when it is written, and the deletion's task came before
            anna.delete(f"/v1/media/{media['id']}/comments/{comment['id']}")
        looks.append(found)
        return found

    with patch.object(indexes, "found_by", found_late):
        index_photo(photo_id=id_of(media), gone_tags=[])
    run_until_idle()

    assert photos_under(tag) == []
    assert media_count_of(tag) == 0


def test_a_deleted_photo_leaves_every_index():
    anna, tag = a_person(), a_tag()
    place = find_or_create_location(name=tag, latitude=-33.9, longitude=151.2)
    media = anna.upload(caption=f"#{tag}", location_id=str(place.pk))
    run_until_idle()
    anna.delete(f"/v1/media/{media['id']}")
    run_until_idle()

    cell = cells.cell_of(-33.9, 151.2)
    assert photos_under(tag) == []
    assert media_count_of(tag) == 0
    assert not shard_of_location(place.pk).model(AtLocation).objects.filter(location_id=place.pk).exists()
    assert not shard_of_cell(cell).model(InCell).objects.filter(cell=cell, photo_id=id_of(media)).exists()


def test_going_private_and_back_moves_the_numbers_and_keeps_the_rows(monkeypatch):
    monkeypatch.setattr("photos.tasks.RELIST_BATCH", 2)
    anna, tag = a_person(), a_tag()
    photos = [id_of(anna.upload(caption=f"#{tag}")) for _ in range(3)]
    run_until_idle()
    for private, count in (("1", 0), ("0", 3)):
        anna.post("/v1/accounts/self", is_private=private)
        run_until_idle()
        assert media_count_of(tag) == len(photos_under(tag)) == count

    assert photos_under(tag) == photos[::-1]


def test_totals_reach_the_directory_newer_versions_only():
    anna, tag = a_person(), a_tag()
    anna.upload(caption=f"#{tag}")
    run_until_idle()
    copy_totals()
    assert Tag.objects.get(name=tag).media_count == 1

    Tag.objects.filter(name=tag).update(media_count=7, version=2**62)
    anna.upload(caption=f"#{tag}")
    run_until_idle()
    copy_totals()
    assert Tag.objects.get(name=tag).media_count == 7


def test_a_rebuild_brings_back_what_is_missing_and_takes_out_what_is_stale():
    anna, tag = a_person(), a_tag()
    place = find_or_create_location(name=tag, latitude=60.1, longitude=24.9)
    media = anna.upload(caption=f"#{tag} #{tag}x", location_id=str(place.pk))
    run_until_idle()
    shard, stale = shard_of_tag(tag), a_tag()
    with shard.cursor() as cursor:
        cursor.execute(sql.SQL("DELETE FROM {} WHERE tag = %s").format(shard.table("photos_tagged")), [tag])
        cursor.execute(sql.SQL("DELETE FROM {} WHERE tag = %s").format(shard.table("photos_tagtotal")), [tag])
    place_shard = shard_of_location(place.pk)
    place_shard.model(AtLocation).objects.filter(location_id=place.pk).delete()
    Tag.objects.filter(name__startswith=tag).delete()
    stale_shard = shard_of_tag(stale)
    with stale_shard.cursor() as cursor:
        for photo_id in (id_of(media), id_of(media) + (1 << 40)):
            cursor.execute(
                sql.SQL("INSERT INTO {} VALUES (%s, %s, %s, %s, true)").format(stale_shard.table("photos_tagged")),
                [stale, photo_id, photo_id % 1000, anna.id],
            )

    shards = {shard_of(anna.id), shard, stale_shard, place_shard, shard_of_tag(f"{tag}x")}
    said = StringIO()
    call_command("rebuild_indexes", shard=sorted(each.number for each in shards), stdout=said)

    assert "stale rows taken out" in said.getvalue()
    assert photos_under(tag) == [id_of(media)]
    assert photos_under(stale) == []
    assert taken_at(place.pk) == [(id_of(media), anna.id)]
    copy_totals()
    assert dict(Tag.objects.filter(name__startswith=tag).values_list("name", "media_count")) == {tag: 1, f"{tag}x": 1}


def test_a_row_cannot_be_written_to_another_tags_shard():
    tag = a_tag()
    wrong = shard_numbered((shard_of_tag(tag).number + 1) % 64)
    with pytest.raises(IntegrityError), wrong.cursor() as cursor:
        cursor.execute(sql.SQL("INSERT INTO {} VALUES (%s, 1, 1, 1, true)").format(wrong.table("photos_tagged")), [tag])


@given(st.text(min_size=1, max_size=30).filter(lambda text: "\x00" not in text))
def test_python_and_sql_put_a_tag_on_the_same_shard(tag):
    with main_server().cursor() as cursor:
        cursor.execute("SELECT ('x' || left(md5(%s), 7))::bit(28)::int %% 64", [tag])
        assert cursor.fetchone()[0] == shard_of_tag(tag).number


@given(st.floats(-90, 90), st.floats(-180, 180), st.floats(1, 5_000), st.floats(0, 360), st.floats(0, 1))
def test_every_point_of_a_circle_is_in_its_cells(latitude, longitude, distance_m, bearing, share):
    angle = distance_m * share / cells.EARTH_RADIUS_M
    lat1, lng1, way = radians(latitude), radians(longitude), radians(bearing)
    lat2 = asin(max(-1, min(1, sin(lat1) * cos(angle) + cos(lat1) * sin(angle) * cos(way))))
    lng2 = lng1 + atan2(sin(way) * sin(angle) * cos(lat1), cos(angle) - sin(lat1) * sin(lat2))

    found = cells.cells_within(latitude, longitude, distance_m)
    assert cells.cell_of(degrees(lat2), degrees(lng2)) in found
    assert len(found) <= 60


def test_the_photos_shard_and_the_indexes_shards_may_all_differ():
    anna, tag = a_person(), a_tag()
    media = anna.upload(caption=" ".join(f"#{tag}{n}" for n in range(8)))
    run_until_idle()

    assert len({shard_of_tag(f"{tag}{n}") for n in range(8)}) > 1
    assert [photos_under(f"{tag}{n}") for n in range(8)] == [[id_of(media)]] * 8
    assert shard_of_object(id_of(media)) == shard_of(anna.id)
