"""Loads a large plan by bulk inserts where a service for each thing would take hours.

Not the same as real use, and said so: photos share the renditions of at most PICTURES pictures (deleting one, or its
author going private, takes the image from the others), people other than those to log in as have no password, no job
is enqueued since what the jobs would write is written here, and an interrupted load cannot be taken up again. Rows,
counters, inboxes, photo map and what people did lately are as the services and their jobs leave them; News is empty.
"""

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from django.contrib.auth.hashers import make_password
from psycopg2 import sql

from accounts.models import User
from notifications.activity.models import Kind
from photos import images, storage
from photos.services import index_photos
from sharding import Shard, counters, photo_map, shard_of, shard_of_object

from . import errands
from .load import Plan, Report
from .photos import PlannedPhoto, prepared, rendered

T = TypeVar("T")

#: Pictures that are rendered and stored; more photos than that share them.
PICTURES = 300
#: Rows of one round; each round is one statement per logical shard and table.
ROWS = 5_000
#: Photos of one round: their order in time is kept from round to round only, and feeds should mix authors.
PHOTO_ROWS = 200

_FOLLOWER = """
INSERT INTO {table} (followee_id, follower_id, status, version)
SELECT followee, follower, 'follows', local.next_id({number}, {clock})
FROM unnest(%s::bigint[], %s::bigint[]) AS rows (followee, follower)
ON CONFLICT DO NOTHING RETURNING followee_id, follower_id, version
"""
_FOLLOWING = """
INSERT INTO {table} (followee_id, follower_id, status, version)
SELECT followee, follower, 'follows', version
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS rows (followee, follower, version)
ON CONFLICT DO NOTHING
"""
_PHOTO = """
INSERT INTO {table} (id, author_id, image_stem, caption, caption_id, location_id, location_name, latitude, longitude)
SELECT local.next_id({number}, {clock}), author, stem, caption,
  CASE WHEN caption <> '' THEN local.next_id({number}, {clock}) END, place_id, place, latitude, longitude
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::float8[], %s::float8[])
  WITH ORDINALITY AS rows (author, stem, caption, place_id, place, latitude, longitude, place_in_line)
ORDER BY place_in_line RETURNING id
"""
_NEWEST = """
INSERT INTO local.newest_photo (logical_shard, photo_id, author_id)
SELECT %s, * FROM unnest(%s::bigint[], %s::bigint[])
"""
_INBOX = """
INSERT INTO {table} (user_id, photo_id, author_id) SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[])
ON CONFLICT DO NOTHING
"""
_LIKE = """
INSERT INTO {table} (photo_id, user_id, owner_id) SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[])
ON CONFLICT DO NOTHING RETURNING photo_id, user_id, id
"""
_LIKED = """
INSERT INTO {table} (photo_id, user_id, like_id, active)
SELECT *, true FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[])
ON CONFLICT DO NOTHING
"""
_COMMENT = """
INSERT INTO {table} (photo_id, owner_id, author_id, text)
SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[])
RETURNING author_id, id, photo_id
"""
_DEED = """
INSERT INTO local.deed (actor_id, id, kind, object_id, logical_shard)
SELECT actor, id, %s, object, %s FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS rows (actor, id, object)
ON CONFLICT DO NOTHING
"""


def load(plan: Plan, report: Report, *, processes: int) -> list[int]:
    """Load everything in this process; return the people's ids in their order. Raises errands.NameTaken."""
    del processes  # the databases are what works here
    ids = _people(plan, report)
    _follows([(ids[follower], ids[followee]) for follower, followee in plan.follows], report)
    photo_ids = _photos(plan, ids, report)
    _likes(plan, ids, photo_ids, report)
    _comments(plan, ids, photo_ids, report)
    _indexes(photo_ids, report)
    return ids


def _people(plan: Plan, report: Report) -> list[int]:
    logins = [person for person in plan.people if person.can_log_in]
    ids = errands.sign_up(logins)
    others = plan.people[len(logins) :]
    taken = User.objects.filter(username__in=[person.username for person in others]).values_list("username", flat=True)
    if taken:
        raise errands.NameTaken(f"{len(taken)} names are taken already, {taken[0]} first: choose another --seed")
    for part in _rounds(others):
        users = [
            User(
                username=person.username,
                email=person.email,
                full_name=person.full_name[:60],
                bio=person.bio,
                password=make_password(None),
            )
            for person in part
        ]
        ids += [user.pk for user in User.objects.bulk_create(users)]
        report("people", len(ids), len(plan.people))
    return ids


def _follows(edges: list[tuple[int, int]], report: Report) -> None:
    done = 0
    for part in _rounds(edges):
        written: list[tuple[int, int, int]] = []
        for shard, rows in _by_shard((followee, (followee, follower)) for follower, followee in part):
            with shard.atomic():
                new = _insert(shard, "accounts_follower", _FOLLOWER, rows)
                _count(shard, counters.USER_FOLLOWED_BY, (followee for followee, _, _ in new))
            written += new
        for shard, copies in _by_shard((row[1], row) for row in written):
            with shard.atomic():
                _insert(shard, "accounts_following", _FOLLOWING, copies, answers=False)
                _count(shard, counters.USER_FOLLOWS, (follower for _, follower, _ in copies))
            _note(shard, Kind.FOLLOW, [(follower, version, followee) for followee, follower, version in copies])
        report("follows", done := done + len(part), len(edges))


def _photos(plan: Plan, ids: list[int], report: Report) -> list[int]:
    stems = _stems(plan.photos, report)
    followers: dict[int, list[int]] = {}
    for follower, followee in plan.follows:
        followers.setdefault(followee, []).append(ids[follower])
    photo_ids: list[int] = []
    for part in _rounds(enumerate(plan.photos), PHOTO_ROWS):
        new: dict[int, int] = {}
        rows = (
            (ids[photo.author], (number, ids[photo.author], stems[number % len(stems)], photo.caption, *_where(photo)))
            for number, photo in part
        )
        for shard, numbered in _by_shard(rows):
            with shard.atomic():
                made = _insert(shard, "photos_photo", _PHOTO, [row[1:] for row in numbered])
                authors = [row[1] for row in numbered]
                made_ids = sorted(made_id for (made_id,) in made)
                with shard.cursor() as cursor:
                    cursor.execute(_NEWEST, [shard.number, made_ids, authors])
                _count(shard, counters.USER_MEDIA, authors)
            new |= zip((row[0] for row in numbered), made_ids, strict=True)
        photo_map.remember({new[number]: ids[photo.author] for number, photo in part})
        inbox = (
            (viewer, (viewer, new[number], ids[photo.author]))
            for number, photo in part
            for viewer in followers.get(photo.author, ())
        )
        for shard, entries in _by_shard(inbox):
            _insert(shard, "feeds_inbox", _INBOX, entries, answers=False)
        photo_ids += [new[number] for number, _ in part]
        report("photos", len(photo_ids), len(plan.photos))
    return photo_ids


def _stems(photos: list[PlannedPhoto], report: Report) -> list[str]:
    stems = []
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        for photo in photos[:PICTURES]:
            picture = prepared(photo.picture, Path(folder))
            stems.append(storage.store_renditions(images.render(rendered(picture, photo.crop)).jpegs))
            report("pictures", len(stems), min(PICTURES, len(photos)))
    return stems


def _likes(plan: Plan, ids: list[int], photo_ids: list[int], report: Report) -> None:
    likes = [
        (photo_id, ids[liker], ids[photo.author])
        for photo_id, photo in zip(photo_ids, plan.photos, strict=True)
        for liker in photo.likers
    ]
    done = 0
    for part in _rounds(likes):
        written: list[tuple[int, int, int]] = []
        for shard, rows in _by_shard((like[2], like) for like in part):
            with shard.atomic():
                new = _insert(shard, "photos_like", _LIKE, rows)
                _count(shard, counters.PHOTO_LIKES, (photo_id for photo_id, _, _ in new))
            written += new
        for shard, rows in _by_shard((row[1], row) for row in written):
            _insert(shard, "photos_liked", _LIKED, rows, answers=False)
            _note(shard, Kind.LIKE, [(liker, like_id, photo_id) for photo_id, liker, like_id in rows])
        report("likes", done := done + len(part), len(likes))


def _comments(plan: Plan, ids: list[int], photo_ids: list[int], report: Report) -> None:
    comments = [
        (photo_id, ids[photo.author], ids[who], text)
        for photo_id, photo in zip(photo_ids, plan.photos, strict=True)
        for who, text in photo.comments
    ]
    done = 0
    for part in _rounds(comments):
        written: list[tuple[int, int, int]] = []
        for shard, rows in _by_shard((comment[1], comment) for comment in part):
            with shard.atomic():
                written += _insert(shard, "photos_comment", _COMMENT, rows)
                _count(shard, counters.PHOTO_COMMENTS, (photo_id for photo_id, *_ in rows))
        for shard, deeds in _by_shard((row[0], row) for row in written):
            _note(shard, Kind.COMMENT, deeds)
        report("comments", done := done + len(part), len(comments))


def _indexes(photo_ids: list[int], report: Report) -> None:
    done = 0
    for part in _rounds(photo_ids):
        shards: dict[Shard, list[int]] = {}
        for photo_id in part:
            shards.setdefault(shard_of_object(photo_id), []).append(photo_id)
        for shard, ids in shards.items():
            index_photos(shard, ids)
        report("indexes", done := done + len(part), len(photo_ids))


def _where(photo: PlannedPhoto) -> tuple[int | None, str, float | None, float | None]:
    place = errands.place_of(photo)
    return (place.location_id, place.name, place.latitude, place.longitude) if place else (None, "", None, None)


def _insert(
    shard: Shard, table: str, statement: str, rows: Sequence[Sequence[Any]], *, answers: bool = True
) -> list[tuple[Any, ...]]:
    """Run one of the statements above with the rows' columns as arrays; return what it returns."""
    query = sql.SQL(statement).format(
        table=shard.table(table), number=sql.Literal(shard.number), clock=sql.Literal(f"{shard.schema}.clock")
    )
    with shard.cursor() as cursor:
        cursor.execute(query, [list(column) for column in zip(*rows, strict=True)])
        return cursor.fetchall() if answers else []


def _note(shard: Shard, kind: Kind, deeds: Sequence[tuple[int, int, int]]) -> None:
    """Note what people of a shard did, (who, id, to what), for those who follow them and for the admin's lists."""
    with shard.cursor() as cursor:
        cursor.execute(_DEED, [kind.value, shard.number, *(list(column) for column in zip(*deeds, strict=True))])


def _count(shard: Shard, kind: int, keys: Iterable[int]) -> None:
    for key, number in Counter(keys).items():
        counters.add(shard, kind, key, number)


def _by_shard(rows: Iterable[tuple[int, T]]) -> Iterator[tuple[Shard, list[T]]]:
    """Group rows, each with the person it belongs to, by that person's shard."""
    groups: dict[Shard, list[T]] = {}
    for user_id, row in rows:
        groups.setdefault(shard_of(user_id), []).append(row)
    yield from groups.items()


def _rounds(things: Iterable[T], rows: int = ROWS) -> Iterator[list[T]]:
    rest = iter(things)
    while part := list(islice(rest, rows)):
        yield part
