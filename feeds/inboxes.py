"""What keeps inboxes: visits are noted, readers fall asleep and wake up, inboxes are trimmed and rebuilt.

Why nothing is lost between a skip and a rebuild: a visit first takes its reader out of local.asleep, and that is
committed before the rebuild reads the authors' shards. A fan-out that still left the reader out began before that, and
its photo was committed before it began: the rebuild reads it. docs/feeds.md has the whole of it.
"""

import contextlib
import time
from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from psycopg2 import sql

from accounts.queries import followee_ids
from instagram import counting
from jobs import enqueue
from sharding import Shard, ShardUnavailable, shard_numbered, shard_of, shards_on

from .pull import newest_photos
from .queries import FeedPage, home_feed

#: Of one call: people put to sleep, each with an inbox to empty; people whose inboxes are looked at.
SLEEPERS, LOOKED_AT = 100, 500
#: Seconds after which a batch of tidying ends.
TIDY_S = 0.25


def open_feed(viewer_id: int, *, max_id: int | None = None, min_id: int | None = None, count: int = 20) -> FeedPage:
    """Return a page of the home feed, as home_feed(), and note that its reader was here.

    Cost: home_feed(); once a day, or when the inbox must be rebuilt, one write more. Raises ShardUnavailable.
    """
    counting.count("feed_reads")
    page = home_feed(viewer_id, max_id=max_id, min_id=min_id, count=count)
    if page.visit_is_news or page.rebuild:
        # The page is read: a server that fails now is noted at the next one.
        with contextlib.suppress(ShardUnavailable):
            note_visit(viewer_id, rebuild=page.rebuild)
    return page


def note_visit(user_id: int, *, rebuild: bool = False) -> None:
    """Note that somebody was here: fan-outs reach them from now on. rebuild: have their inbox filled again."""
    shard = shard_of(user_id)
    statement = sql.SQL(
        "WITH awake AS (DELETE FROM local.asleep WHERE user_id = %s)"
        " INSERT INTO {} AS reader (user_id, rebuild_asked_at) VALUES (%s, CASE WHEN %s THEN now() END)"
        " ON CONFLICT (user_id) DO UPDATE SET seen_at = excluded.seen_at, asleep = false,"
        " rebuild_asked_at = coalesce(excluded.rebuild_asked_at, reader.rebuild_asked_at)"
    ).format(shard.table("feeds_reader"))
    if not rebuild:
        # Nobody waits for the disk: a visit that a power cut forgets is noted at the next one.
        statement = sql.SQL("SET LOCAL synchronous_commit TO off; ") + statement
    with shard.atomic() if rebuild else contextlib.nullcontext(), shard.cursor() as cursor:
        cursor.execute(statement, [user_id, user_id, rebuild])
        if rebuild:
            enqueue("feeds.rebuild_inbox", on=shard, user_id=user_id)


def last_visit(user_id: int) -> list[str]:
    """Return when a person was here last, to about a day, for their archive; nothing if that was never noted."""
    shard = shard_of(user_id)
    with shard.cursor() as cursor:
        query = sql.SQL("SELECT seen_at FROM {} WHERE user_id = %s").format(shard.table("feeds_reader"))
        cursor.execute(query, [user_id])
        return [seen_at.isoformat(timespec="seconds") for (seen_at,) in cursor.fetchall()]


def note_follow(user_id: int, *, incomplete_below: int | None) -> None:
    """Note that a person follows somebody: their days begin to count, if they did not before.

    incomplete_below: older photos of whom they follow are not brought into the inbox.
    """
    shard = shard_of(user_id)
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "INSERT INTO {} AS reader (user_id, complete_above) VALUES (%s, %s) ON CONFLICT (user_id) DO UPDATE"
                " SET complete_above = greatest(reader.complete_above, excluded.complete_above),"
                " version = reader.version + 1 WHERE excluded.complete_above > 0"
            ).format(shard.table("feeds_reader")),
            [user_id, 0 if incomplete_below is None else incomplete_below - 1],
        )


def rebuild(user_id: int) -> bool:
    """Fill an inbox with the newest INBOX_LENGTH photos of whom the person follows; False: begin again.

    Cost: three queries on the person's shard, newest_photos() on the others. Raises ShardUnavailable: a rebuilt inbox
    is whole.
    """
    shard = shard_of(user_id)
    readers = shard.table("feeds_reader")
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT version FROM {} WHERE user_id = %s AND complete_above > 0").format(readers), [user_id]
        )
        row = cursor.fetchone()
    if row is None:
        return True
    most = settings.INBOX_LENGTH
    photos = newest_photos(followee_ids(user_id), count=most + 1, all_or_nothing=True).photos
    # One more than is kept tells whether there is more.
    complete_above = photos[most][0] if len(photos) > most else 0
    with shard.atomic(), shard.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "UPDATE {} SET complete_above = %s, rebuild_asked_at = NULL WHERE user_id = %s AND version = %s"
            ).format(readers),
            [complete_above, user_id, row[0]],
        )
        if not cursor.rowcount:
            return False  # trimmed, asleep again, or somebody new is followed
        cursor.execute(
            sql.SQL(
                "INSERT INTO {} (user_id, photo_id, author_id) SELECT %s, * FROM unnest(%s::bigint[], %s::bigint[])"
                " ON CONFLICT DO NOTHING"
            ).format(shard.table("feeds_inbox")),
            [user_id, [photo for photo, _ in photos[:most]], [author for _, author in photos[:most]]],
        )
    return True


def tidy(number: int, past: int) -> tuple[int, int] | None:
    """Tidy inboxes of a logical shard, from the person after `past` on, and of the next ones on its server.

    Returns (logical shard, person) where to go on, None at the server's end. Ends after TIDY_S, not without a step.
    """
    ends = time.monotonic() + TIDY_S
    shards = [shard for shard in shards_on(shard_numbered(number).server) if shard.number >= number]
    for shard, following in zip(shards, [*shards[1:], None], strict=True):
        if past == 0 and _put_to_sleep(shard) == SLEEPERS:
            return shard.number, 0
        while (reached := _trim(shard, past)) is not None:
            past = reached
            if time.monotonic() > ends:
                return shard.number, past
        past = 0
        if following is not None and time.monotonic() > ends:
            return following.number, 0
    return None


def _put_to_sleep(shard: Shard) -> int:
    unseen_since = timezone.now() - timedelta(days=settings.INBOX_SLEEPS_DAYS)
    with shard.cursor() as cursor:
        cursor.execute("SELECT local.fall_asleep(%s, %s, %s)", [shard.number, unseen_since, SLEEPERS])
        return int(cursor.fetchone()[0])


def _trim(shard: Shard, past: int) -> int | None:
    kept, slack = settings.INBOX_LENGTH, settings.INBOX_LENGTH // 5
    with shard.cursor() as cursor:
        cursor.execute(
            "SELECT reached FROM local.trim_inboxes(%s, %s, %s, %s, %s)", [shard.number, past, LOOKED_AT, kept, slack]
        )
        reached: int | None = cursor.fetchone()[0]
    return reached
