"""What servers taken back to one moment, each by its own clock, owe each other; and what is no longer true.

All of it is the repair that a server's death needs as well, run at once over what was written shortly before the
moment: what is older has been repaired, or stands in an outbox of that time and is done by the relay. Safe to repeat.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.core.management import CommandError, call_command
from psycopg2 import sql
from pymemcache.client.base import Client
from pymemcache.exceptions import MemcacheError

from accounts.models import Status, User
from accounts.services.follows import apply_copy, copy_edge
from sharding import Shard, main_server, placement, shard_numbered, shard_of
from sharding.ids import first_id_at, logical_shard_of, push_clock

Say = Callable[[str], None]

#: Minutes before the moment that are looked through: clocks of servers differ by milliseconds, jobs wait for seconds.
WINDOW = timedelta(minutes=10)
#: Ids asked for in one query.
AT_ONCE = 1_000


def heal(to: datetime, *, say: Say) -> None:
    """Make whole what was taken back to a moment. Raises ShardUnavailable; safe to run again then.

    Cost: the photo map and the index tables are made anew, the rest reads what is younger than WINDOW.
    """
    placement.forget()
    say(f"caches emptied on {_forget_caches()} of {len(settings.MEMCACHED_SERVERS)} servers")
    shards = [shard_numbered(number) for number in range(settings.LOGICAL_SHARDS)]
    for shard in shards:
        push_clock(shard)
    say(f"clocks of {len(shards)} logical shards are past their largest ids; ids of people go on at {_skip_people()}")
    since = first_id_at(to - WINDOW)
    copied, undone = _edges(shards, since)
    say(f"follows: {copied} copies brought up to their authority, {undone} that went beyond it taken back")
    say(f"feeds: {_inboxes(shards, since)} entries of photos that are not there taken out")
    for command in ("rebuild_photo_map", "rebuild_indexes"):
        try:
            call_command(command)
        except CommandError as error:
            say(f"manage.py {command} must be run again: {error}")


def _forget_caches() -> int:
    done = 0
    for address in settings.MEMCACHED_SERVERS:
        host, _, port = address.rpartition(":")
        client = Client((host, int(port)), connect_timeout=2, timeout=2)
        try:
            client.flush_all(noreply=False)
            done += 1
        except (MemcacheError, OSError):
            pass  # a dead one comes back empty
        finally:
            client.close()
    return done


def _skip_people() -> int:
    """Leave out BACKUP_ID_GAP ids of people, once: those given after the moment are known outside. Return the next."""
    table = User._meta.db_table
    with main_server().atomic(), main_server().cursor() as cursor:
        cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [table])
        (sequence,) = cursor.fetchone()
        cursor.execute(sql.SQL("SELECT coalesce(max(id), 0) FROM {}").format(sql.Identifier(table)))
        (largest,) = cursor.fetchone()
        cursor.execute(f"SELECT last_value FROM {sequence}")
        (last,) = cursor.fetchone()
        # Again after a restore that was broken off: the gap is there already.
        if last < largest + settings.BACKUP_ID_GAP:
            cursor.execute("SELECT setval(%s, %s)", [sequence, largest + settings.BACKUP_ID_GAP])
            last = largest + settings.BACKUP_ID_GAP
    return int(last) + 1


def _edges(shards: list[Shard], since: int) -> tuple[int, int]:
    """Bring follows' copies up to their authority, and back to it where they are ahead."""
    copied = undone = 0
    for shard in shards:
        for follower_id, followee_id, _ in _young(shard, "accounts_follower", since):
            copy_edge(follower_id=follower_id, followee_id=followee_id)
            copied += 1
        for follower_id, followee_id, version in _young(shard, "accounts_following", since):
            undone += _taken_back(shard, follower_id, followee_id, version)
    return copied, undone


def _young(shard: Shard, table: str, since: int) -> list[tuple[int, int, int]]:
    query = sql.SQL("SELECT follower_id, followee_id, version FROM {} WHERE version >= %s")
    with shard.cursor() as cursor:
        cursor.execute(query.format(shard.table(table)), [since])
        rows: list[tuple[int, int, int]] = cursor.fetchall()
    return rows


def _taken_back(shard: Shard, follower_id: int, followee_id: int, version: int) -> int:
    """Give a copy that knows more than its authority what the authority knows. Return 1 if that was so."""
    authority = shard_of(followee_id)
    with authority.cursor() as cursor:
        query = sql.SQL("SELECT status, version FROM {} WHERE followee_id = %s AND follower_id = %s")
        cursor.execute(query.format(authority.table("accounts_follower")), [followee_id, follower_id])
        status, known = cursor.fetchone() or ("none", 0)
    if known >= version:
        return 0
    # The copy forgets its version first; then the ordinary way writes it, with counts and feeds.
    with shard.cursor() as cursor:
        query = sql.SQL("UPDATE {} SET version = -1 WHERE follower_id = %s AND followee_id = %s AND version = %s")
        cursor.execute(query.format(shard.table("accounts_following")), [follower_id, followee_id, version])
    if known:
        copy_edge(follower_id=follower_id, followee_id=followee_id)
    else:
        apply_copy(follower_id, followee_id, Status(status), 0)
    return 1


def _inboxes(shards: list[Shard], since: int) -> int:
    """Take young entries out of feeds whose photos are not on their own server."""
    taken = 0
    for shard in shards:
        table = shard.table("feeds_inbox")
        with shard.cursor() as cursor:
            cursor.execute(sql.SQL("SELECT DISTINCT photo_id FROM {} WHERE photo_id >= %s").format(table), [since])
            wanted = [photo_id for (photo_id,) in cursor.fetchall()]
        missing = list(_missing(wanted))
        if missing:
            with shard.cursor() as cursor:
                cursor.execute(sql.SQL("DELETE FROM {} WHERE photo_id = ANY(%s)").format(table), [missing])
                taken += cursor.rowcount
    return taken


def _missing(photo_ids: list[int]) -> Iterator[int]:
    by_shard: dict[int, list[int]] = defaultdict(list)
    for photo_id in photo_ids:
        by_shard[logical_shard_of(photo_id)].append(photo_id)
    for number, ids in by_shard.items():
        owner = shard_numbered(number)
        for start in range(0, len(ids), AT_ONCE):
            some = ids[start : start + AT_ONCE]
            with owner.cursor() as cursor:
                query = sql.SQL("SELECT id FROM {} WHERE id = ANY(%s)").format(owner.table("photos_photo"))
                cursor.execute(query, [some])
                there = {photo_id for (photo_id,) in cursor.fetchall()}
            yield from (photo_id for photo_id in some if photo_id not in there)
