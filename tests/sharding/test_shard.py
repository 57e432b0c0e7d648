"""Shards and the models bound to them, on the real shards of the test databases."""

import pytest
from django.db import connections, models

from photos.models import Photo
from sharding import (
    ShardBusy,
    ShardKeyRequired,
    ShardMoved,
    ShardUnavailable,
    by_server,
    physical_servers,
    placement,
    retry_if_moved,
    shard_numbered,
    shard_of,
    shard_of_object,
    shards_on,
)
from sharding.binding import table_of
from sharding.deadlines import deadline
from sharding.ids import compose
from sharding.models import Placement
from sharding.servers import Server
from sharding.shard import Shard
from tests.support.waiting import wait_until


def make_photo(author_id: int, **fields):
    return shard_of(author_id).model(Photo).objects.create(author_id=author_id, image_stem="0" * 32, **fields)


@pytest.mark.parametrize("use", [lambda: Photo.objects, Photo, lambda: Photo(author_id=5)])
def test_a_sharded_model_without_a_shard_says_what_is_missing(use):
    with pytest.raises(ShardKeyRequired, match=r"photos\.Photo is sharded .* use shard_of\(user_id\)\.model\(Photo\)"):
        use()


def test_django_knows_no_table_of_a_sharded_model():
    from django.apps import apps  # noqa: PLC0415  # the registry is ready only now

    assert issubclass(Photo, models.Model)
    assert Photo not in apps.get_models()


def test_a_row_written_through_a_bound_class_gets_an_id_of_its_shard():
    photo = make_photo(author_id=10_005)

    assert shard_of_object(photo.id) == shard_of(10_005)
    assert shard_of(10_005).model(Photo).objects.get(id=photo.id).author_id == 10_005


def test_a_queryset_built_for_one_shard_reads_that_shard_wherever_it_is_evaluated():
    photo = make_photo(author_id=20_003)
    query = shard_of(20_003).model(Photo).objects.filter(id=photo.id)
    with shard_of(20_004).atomic():
        shard_of(20_004).model(Photo).objects.count()

        assert [found.id for found in query] == [photo.id]


def test_a_bound_class_refuses_another_server():
    with pytest.raises(ShardKeyRequired):
        shard_of(1).model(Photo).objects.using("default")


def test_a_misrouted_write_is_refused_by_the_database():
    wrong = shard_numbered((10_005 + 1) % 64)

    with pytest.raises(Exception, match="photos_photo_shard_key"):
        wrong.model(Photo).objects.create(author_id=10_005, image_stem="0" * 32)


def test_bound_classes_are_made_once():
    assert shard_of(7).model(Photo) is shard_of(7 + 64).model(Photo)


def test_a_table_is_named_after_room_and_class():
    assert table_of(Photo) == "photos_photo"


def test_every_logical_shard_is_on_exactly_one_server(settings):
    on_servers = [shard.number for server in physical_servers() for shard in shards_on(server)]

    assert sorted(on_servers) == list(range(settings.LOGICAL_SHARDS))


def test_users_are_grouped_by_the_server_that_holds_them():
    groups = by_server(range(1, 200))

    assert sorted(user for users in groups.values() for user in users) == list(range(1, 200))
    assert all(shard_of(user).server == server for server, users in groups.items() for user in users)


@pytest.mark.parametrize("number", [-1, 64, 8191])
def test_a_shard_beyond_the_installation_is_refused_by_number(number):
    with pytest.raises(ValueError, match="no logical shard"):
        shard_numbered(number)


def test_an_id_of_another_installation_is_refused():
    with pytest.raises(ValueError, match="no logical shard"):
        shard_of_object(compose(1, 8000, 0))


def test_a_stale_placement_is_noticed_read_anew_and_the_verb_runs_once_more():
    shard = shard_of(30_001)
    photo = make_photo(author_id=30_001)
    (other,) = [server for server in physical_servers() if server != shard.server]
    # The process believes what was true before a move.
    placement.server_names()[shard.number] = other.name
    runs = []

    @retry_if_moved
    def look_up():
        runs.append(shard_of(30_001).server.name)
        return shard_of(30_001).model(Photo).objects.get(id=photo.id).author_id

    assert look_up() == 30_001
    assert runs == [other.name, shard.server.name]


def test_a_query_on_a_shard_that_moved_says_so():
    shard = shard_of(30_002)
    (other,) = [server for server in physical_servers() if server != shard.server]

    with pytest.raises(ShardMoved):
        Shard(shard.number, other).model(Photo).objects.count()


def test_placement_rows_say_what_the_process_believes():
    rows = Placement.objects.order_by("logical_shard").values_list("server", flat=True)

    assert list(rows) == placement.server_names()


def test_a_deadline_gives_up_a_slow_answer_and_the_server_is_soon_believed_well_again():
    server = Server("shard_b")
    with pytest.raises(ShardUnavailable), deadline(0.1), server.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(2)")

    wait_until(lambda: not connections[server.alias].breaker.is_open)
    with server.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


def test_a_statement_that_the_server_cuts_short_is_busy_not_dead():
    server = Server("shard_b")
    with pytest.raises(ShardBusy), server.atomic(), server.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 50")
        cursor.execute("SELECT pg_sleep(2)")

    assert not connections[server.alias].breaker.is_open


def test_a_connection_lost_inside_a_transaction_unwinds_it_and_the_next_one_works():
    server = Server("shard_b")
    with pytest.raises(ShardUnavailable), server.atomic(), server.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    wait_until(lambda: not connections[server.alias].breaker.is_open)
    with server.atomic(), server.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


def test_an_idle_connection_that_was_closed_under_us_is_replaced_without_an_error():
    connection = connections["shard_b"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    connection.connection.close()
    connection.health_check_enabled, connection.health_check_done = True, False

    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
