"""Inboxes of people who stayed away, and those that are cut: nothing of the feed is lost, doubled or empty."""

from unittest.mock import patch

import pytest
from psycopg2 import sql

from feeds import inboxes
from feeds.fan_out import on_each_server
from feeds.inboxes import last_visit, note_visit, rebuild, tidy
from feeds.models import Inbox
from feeds.pull import newest_photos
from feeds.queries import home_feed
from feeds.tasks import _erase_inbox as erase_inbox
from feeds.tasks import begin_tidying, fan_out, tidy_inboxes
from jobs.outbox import rows_of
from jobs.testing import run_until_idle
from sharding import physical_servers, shard_of
from sharding.ids import MAX_ID
from tests.support.people import Person, a_person
from tests.support.round_trips import counted

FEED = "/v1/users/self/feed"


def photo_by(author: Person) -> int:
    return int(author.upload()["id"].split("_")[0])


def feed_of(person: Person) -> list[int]:
    return [int(media["id"].split("_")[0]) for media in person.get(FEED)["data"]]


def inbox_of(person: Person) -> list[int]:
    rows = shard_of(person.id).model(Inbox).objects.filter(user_id=person.id)
    return sorted(rows.values_list("photo_id", flat=True), reverse=True)


def reader(person: Person, columns: str = "asleep, complete_above") -> tuple:
    shard = shard_of(person.id)
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL(f"SELECT {columns} FROM {{}} WHERE user_id = %s").format(shard.table("feeds_reader")), [person.id]
        )
        return cursor.fetchone()


def stay_away(person: Person, days: int = 31) -> None:
    """Let a person's last visit be long ago, and the walk over inboxes find that."""
    shard = shard_of(person.id)
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL("UPDATE {} SET seen_at = now() - %s * interval '1 day' WHERE user_id = %s").format(
                shard.table("feeds_reader")
            ),
            [days, person.id],
        )
    tidy(shard.number, 0)


@pytest.fixture
def ben_and_anna() -> tuple[Person, Person]:
    """Ben follows Anna and saw her first photo."""
    ben, anna = a_person(), a_person()
    ben.follow(anna)
    photo_by(anna)
    run_until_idle()
    assert len(feed_of(ben)) == 1
    return ben, anna


def pages(person: Person, count: int) -> list[int]:
    seen, below = [], None
    for _ in range(50):
        page = home_feed(person.id, max_id=below, count=count)
        seen += [photo for photo, _ in page.photos]
        below = page.next_max_id
        if below is None:
            return seen
    raise AssertionError("the feed has no end")


# --- Sleep -----------------------------------------------------------------------------------------------------------


def test_who_stays_away_is_left_out_by_fan_outs_and_finds_a_whole_page_on_coming_back(ben_and_anna):
    ben, anna = ben_and_anna
    stay_away(ben)
    missed = [photo_by(anna) for _ in range(3)]
    run_until_idle()
    assert inbox_of(ben) == []
    assert reader(ben) == (True, MAX_ID)

    first_page = feed_of(ben)

    assert first_page[:3] == missed[::-1]
    assert len(first_page) == 4
    run_until_idle()
    assert inbox_of(ben) == first_page
    assert reader(ben) == (False, 0)
    assert feed_of(ben) == first_page


def test_who_was_here_lately_stays_awake(ben_and_anna):
    ben, anna = ben_and_anna
    stay_away(ben, days=29)
    photo = photo_by(anna)
    run_until_idle()

    assert reader(ben) == (False, 0)
    assert photo in inbox_of(ben)


def test_a_photo_that_is_fanned_out_while_its_reader_wakes_up_is_not_lost(ben_and_anna):
    ben, anna = ben_and_anna
    stay_away(ben)
    photo = photo_by(anna)

    def wake_up_after_being_left_out(*args):
        answer = on_each_server(*args)
        assert answer[1] == 1
        note_visit(ben.id, rebuild=True)
        return answer

    with patch("feeds.fan_out.on_each_server", wake_up_after_being_left_out):
        fan_out(photo_id=photo, author_id=anna.id)
    assert photo in feed_of(ben)
    run_until_idle()

    assert photo in inbox_of(ben)


def test_a_photo_posted_while_an_inbox_is_rebuilt_is_not_lost(ben_and_anna):
    ben, anna = ben_and_anna
    stay_away(ben)
    note_visit(ben.id, rebuild=True)
    posted = []

    def post_after_reading(*args, **options):
        found = newest_photos(*args, **options)
        posted.append(photo_by(anna))
        fan_out(photo_id=posted[0], author_id=anna.id)
        return found

    with patch("feeds.inboxes.newest_photos", post_after_reading):
        assert rebuild(ben.id)

    assert reader(ben) == (False, 0)
    assert posted[0] in inbox_of(ben)


def test_a_rebuild_begins_again_when_the_inbox_lost_something_meanwhile(ben_and_anna):
    ben, _ = ben_and_anna
    stay_away(ben)
    note_visit(ben.id)

    def fall_asleep_after_reading(*args, **options):
        found = newest_photos(*args, **options)
        stay_away(ben)
        return found

    with patch("feeds.inboxes.newest_photos", fall_asleep_after_reading):
        assert not rebuild(ben.id)

    assert reader(ben) == (True, MAX_ID)
    assert inbox_of(ben) == []


def test_a_visit_is_noted_once_a_day(ben_and_anna):
    ben, _ = ben_and_anna
    before = reader(ben, "seen_at")
    feed_of(ben)
    assert reader(ben, "seen_at") == before

    stay_away(ben, days=2)
    feed_of(ben)

    assert reader(ben, "seen_at") > before


# --- Trimming and what is past the end -------------------------------------------------------------------------------


@pytest.fixture
def ben_with_a_short_inbox(settings) -> tuple[Person, list[int]]:
    """Ben follows three people; his inbox is cut to five of their photos. Returns everything he should see."""
    settings.INBOX_LENGTH = 5
    ben, authors = a_person(), [a_person() for _ in range(3)]
    for author in authors:
        ben.follow(author)
    run_until_idle()
    # One of them posts much more than the others, and Ben himself does, too.
    photos = [photo_by(person) for person in [*authors, authors[0], ben, authors[0], *authors, authors[0], authors[1]]]
    run_until_idle()
    tidy(shard_of(ben.id).number, 0)
    assert len(inbox_of(ben)) == 5
    return ben, photos[::-1]


@pytest.mark.parametrize("count", [1, 2, 3, 5, 20])
def test_paging_goes_on_past_the_end_of_the_inbox_without_gap_or_double(ben_with_a_short_inbox, count):
    ben, everything = ben_with_a_short_inbox

    assert pages(ben, count) == everything


def test_an_inbox_that_is_only_a_little_too_long_is_left_alone(ben_with_a_short_inbox):
    ben, _ = ben_with_a_short_inbox
    author = a_person()
    ben.follow(author)
    photo_by(author)
    run_until_idle()

    tidy(shard_of(ben.id).number, 0)

    assert len(inbox_of(ben)) == 6  # a fifth more is allowed


def test_a_photo_that_comes_late_below_the_cut_is_shown_once(ben_with_a_short_inbox):
    ben, everything = ben_with_a_short_inbox
    shard = shard_of(ben.id)
    author = next(author for photo, author in home_feed(ben.id, count=20).photos if photo == everything[-1])
    shard.model(Inbox).objects.create(user_id=ben.id, photo_id=everything[-1], author_id=author)

    assert pages(ben, 3) == everything


def test_older_photos_of_a_newly_followed_person_are_there_past_the_backfill(settings):
    settings.BACKFILL_PHOTOS = 2
    ben, anna, carl = a_person(), a_person(), a_person()
    ben.follow(carl)
    run_until_idle()
    photos = [photo_by(person) for person in (carl, anna, anna, carl, anna, anna)]
    ben.follow(anna)
    run_until_idle()

    assert pages(ben, 2) == photos[::-1]


def test_a_page_past_the_end_costs_two_queries_per_server_at_most(ben_with_a_short_inbox):
    ben, everything = ben_with_a_short_inbox

    with counted() as made:
        home_feed(ben.id, max_id=everything[4], count=3)

    # The inbox, whom they follow; then a first and a second look at each server.
    assert made["sql"] <= 2 + 2 * len(list(physical_servers()))


def test_the_newest_of_many_authors_are_the_newest_whoever_posts_most():
    authors = [a_person() for _ in range(5)]
    photos = [(photo_by(authors[number]), authors[number].id) for number in (0, 1, 2, 3, 4, 0, 0, 0, 0, 1, 0, 2)]
    ids = [author.id for author in authors]

    for count in range(1, 14):
        assert newest_photos(ids, count=count).photos == sorted(photos, reverse=True)[:count]
    middle = photos[6][0]
    assert newest_photos(ids, below=middle, count=3).photos == photos[5:2:-1]
    assert newest_photos(ids, above=middle, count=20).photos == photos[:6:-1]
    assert newest_photos([], count=3).photos == []


def test_a_walk_over_all_inboxes_of_a_server_reaches_everybody(settings, monkeypatch):
    settings.INBOX_LENGTH = 1
    monkeypatch.setattr(inboxes, "LOOKED_AT", 20)
    monkeypatch.setattr(inboxes, "TIDY_S", 0.0)  # every job does one small part
    ben, anna = a_person(), a_person()
    ben.follow(anna)
    run_until_idle()
    photos = [photo_by(anna) for _ in range(3)]
    run_until_idle()
    server = shard_of(ben.id).server

    begin_tidying(server)
    begin_tidying(server)  # another relay: one walk at a time
    (row,) = rows_of(server, task="feeds.tidy_inboxes")
    steps, where = 0, row["args"]
    while (again := tidy_inboxes(**where)) is not None:
        where, steps = where | again.changes, steps + 1
    run_until_idle()

    assert steps > 1
    assert inbox_of(ben) == photos[-1:]


def test_a_deleted_person_is_no_reader_any_more(ben_and_anna):
    ben, _ = ben_and_anna
    stay_away(ben)

    assert len(last_visit(ben.id)) == 1  # what archives tell

    batch = erase_inbox(ben.id)

    assert (batch.erased, batch.next) == (0, None)
    assert reader(ben) is None
    assert last_visit(ben.id) == []
    with shard_of(ben.id).cursor() as cursor:
        cursor.execute("SELECT count(*) FROM local.asleep WHERE user_id = %s", [ben.id])
        assert cursor.fetchone() == (0,)
