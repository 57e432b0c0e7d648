"""What has rung: notes on the recipient's server, so that whatever repeats rings once.

Ringing is claimed, done, marked. Who is killed in between leaves a claim that runs out; the repeated job then rings
again with the same apns-id and collapse id: one duplicate at most, in the same place on the phone. The claim also keeps
two jobs that meet from ringing twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from jobs import enqueue
from sharding import Server, Shard, physical_servers, shard_of

#: Seconds somebody may be at it before another takes over: more than APNS_TIMEOUT_S.
CLAIM_S = 30
#: Entries of one subject that a summary counts.
SUMMARY_MAX = 1_000
#: Notes are needed as long as their jobs can repeat: PUSH_GIVE_UP_S, and for good measure a day.
KEPT_LONGER_S = 86_400
_PURGE_BATCH = 5_000


@dataclass(frozen=True, slots=True)
class Turn:
    """Leave to ring for one subject. pending: entries that have not rung; all: with those of the burst that have."""

    user_id: int
    subject: str
    pending: list[int]
    all: list[int]


@dataclass(frozen=True, slots=True)
class Wait:
    """Somebody else is at it: look again after so many seconds."""

    seconds: float


def begin(*, user_id: int, subject: str, activity_id: int | None, coalesces: bool) -> Turn | Wait | None:
    """Note an entry and claim its subject; None when there is nothing to ring for now.

    activity_id None: a summary is due. coalesces: rings once in PUSH_COALESCE_S; meanwhile a summary is put down for
    its end, in the same transaction. Cost: one short transaction on the recipient's server.
    """
    shard = shard_of(user_id)
    key = [user_id, subject]
    with shard.atomic(), shard.cursor() as cursor:
        if activity_id is not None:
            cursor.execute(
                "INSERT INTO local.push_entry (user_id, activity_id, subject, logical_shard) VALUES (%s, %s, %s, %s)"
                " ON CONFLICT DO NOTHING",
                [user_id, activity_id, subject, shard.number],
            )
        # Locks the subject, or the place of one.
        cursor.execute(
            "INSERT INTO local.push_subject AS old (user_id, subject, logical_shard) VALUES (%s, %s, %s)"
            " ON CONFLICT (user_id, subject) DO UPDATE SET touched_at = clock_timestamp()"
            " RETURNING is_summary_due, extract(epoch FROM claimed_until - clock_timestamp())::float,"
            " extract(epoch FROM clock_timestamp() - rung_at)::float",
            [*key, shard.number],
        )
        is_summary_due, claimed_s, rung_s_ago = cursor.fetchone()
        pending = _entries(cursor, key, "NOT rung")
        if not pending:
            return None
        if (claimed_s or 0) > 0:
            return Wait(claimed_s)
        quiet_s = settings.PUSH_COALESCE_S - rung_s_ago if coalesces and rung_s_ago is not None else 0.0
        if quiet_s > 0:
            if activity_id is None:
                return Wait(quiet_s)
            if not is_summary_due:
                _put_down_summary(shard, key, quiet_s)
            return None
        # Rung lately: this goes on with what the phone shows, and replaces it there.
        cursor.execute(
            "UPDATE local.push_subject SET is_summary_due = false,"
            " claimed_until = clock_timestamp() + %s * interval '1 second',"
            " burst_at = CASE WHEN rung_at > clock_timestamp() - %s * interval '1 second' THEN burst_at"
            " ELSE (SELECT min(noted_at) FROM local.push_entry WHERE user_id = %s AND subject = %s AND NOT rung) END"
            " WHERE user_id = %s AND subject = %s RETURNING burst_at",
            [CLAIM_S, 2 * settings.PUSH_COALESCE_S, *key, *key],
        )
        burst_at = cursor.fetchone()[0]
        everything = _entries(cursor, key, "(NOT rung OR noted_at >= %s)", burst_at) if coalesces else pending
        return Turn(user_id, subject, pending, everything)


def finish(turn: Turn, *, rang: bool) -> None:
    """Mark a turn's entries; rang False: there was nothing left to ring for. Cost: one round trip."""
    with shard_of(turn.user_id).atomic(), shard_of(turn.user_id).cursor() as cursor:
        cursor.execute(
            "UPDATE local.push_entry SET rung = true WHERE user_id = %s AND activity_id = ANY(%s);"
            "UPDATE local.push_subject SET claimed_until = NULL,"
            " rung_at = CASE WHEN %s THEN clock_timestamp() ELSE rung_at END WHERE user_id = %s AND subject = %s",
            [turn.user_id, turn.pending, rang, turn.user_id, turn.subject],
        )


def give_back(turn: Turn) -> None:
    """Let the next run have the subject: it could not be rung now."""
    with shard_of(turn.user_id).cursor() as cursor:
        cursor.execute(
            "UPDATE local.push_subject SET claimed_until = NULL WHERE user_id = %s AND subject = %s",
            [turn.user_id, turn.subject],
        )


def claim_posts(
    server: Server, *, author_id: int, photo_id: int, user_ids: Sequence[int]
) -> tuple[list[int], list[int]]:
    """Claim people of one server for a post; return those to ring, and those that another run is at.

    Left out: rung for this author less than PUSH_POST_EVERY_S ago, for this post or a later one. Cost: two statements.
    """
    with server.cursor() as cursor:
        cursor.execute(
            "INSERT INTO local.push_post AS old (user_id, author_id, photo_id, claimed_until, logical_shard)"
            " SELECT id, %(author)s, %(photo)s, clock_timestamp() + %(claim)s * interval '1 second', id %% %(shards)s"
            " FROM unnest(%(users)s::bigint[]) AS id ORDER BY id"  # two batches that meet lock in the same order
            " ON CONFLICT (user_id, author_id) DO UPDATE SET photo_id = excluded.photo_id, rung_at = NULL,"
            " claimed_until = excluded.claimed_until"
            " WHERE CASE WHEN old.rung_at IS NULL"
            " THEN old.photo_id <= excluded.photo_id AND old.claimed_until < clock_timestamp()"
            " ELSE old.photo_id < excluded.photo_id"
            " AND old.rung_at < clock_timestamp() - %(every)s * interval '1 second' END RETURNING user_id",
            {
                "author": author_id,
                "photo": photo_id,
                "claim": CLAIM_S,
                "shards": settings.LOGICAL_SHARDS,
                "users": list(user_ids),
                "every": settings.PUSH_POST_EVERY_S,
            },
        )
        claimed = [row[0] for row in cursor.fetchall()]
        others = sorted(set(user_ids).difference(claimed))
        if not others:
            return claimed, []
        cursor.execute(
            "SELECT user_id FROM local.push_post WHERE user_id = ANY(%s) AND author_id = %s AND photo_id = %s"
            " AND rung_at IS NULL",
            [others, author_id, photo_id],
        )
        return claimed, [row[0] for row in cursor.fetchall()]


def finish_posts(server: Server, *, author_id: int, rung: Sequence[int], not_yet: Sequence[int]) -> None:
    """Mark who was rung; let the next run have who was not. Cost: one statement."""
    with server.cursor() as cursor:
        cursor.execute(
            "UPDATE local.push_post SET claimed_until = clock_timestamp(),"
            " rung_at = CASE WHEN user_id = ANY(%(rung)s::bigint[]) THEN clock_timestamp() END"
            " WHERE author_id = %(author)s AND user_id = ANY(%(all)s::bigint[])",
            {"rung": list(rung), "author": author_id, "all": [*rung, *not_yet]},
        )


def purge(server: Server) -> None:
    """Delete old notes of a server, some at a time."""
    for table, column in (("entry", "noted_at"), ("subject", "touched_at"), ("post", "claimed_until")):
        with server.cursor() as cursor:
            cursor.execute(
                f"DELETE FROM local.push_{table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM local.push_{table}"
                f" WHERE {column} < clock_timestamp() - %s * interval '1 second' LIMIT %s))",
                [settings.PUSH_GIVE_UP_S + KEPT_LONGER_S, _PURGE_BATCH],
            )


def forget_photo(photo_id: int, *, author_id: int, subject: str) -> None:
    """Forget what rang for a deleted photo; subject: of its likes. Safe to repeat. Raises ShardUnavailable.

    When a post rang somebody stays, so that the author's next one does not ring again at once. Cost: two
    statements on the author's server, one on each.
    """
    with shard_of(author_id).cursor() as cursor:
        for table in ("entry", "subject"):
            cursor.execute(f"DELETE FROM local.push_{table} WHERE user_id = %s AND subject = %s", [author_id, subject])
    for server in physical_servers():
        with server.cursor() as cursor:
            cursor.execute("UPDATE local.push_post SET photo_id = 0 WHERE photo_id = %s", [photo_id])


def erase(user_id: int) -> None:
    """Delete the notes of a leaving person. Safe to repeat."""
    with shard_of(user_id).cursor() as cursor:
        for table in ("entry", "subject", "post"):
            cursor.execute(f"DELETE FROM local.push_{table} WHERE user_id = %s", [user_id])


def _entries(cursor: Any, key: list[object], condition: str, *arguments: object) -> list[int]:
    cursor.execute(
        f"SELECT activity_id FROM local.push_entry WHERE user_id = %s AND subject = %s AND {condition}"
        " ORDER BY activity_id DESC LIMIT %s",
        [*key, *arguments, SUMMARY_MAX],
    )
    return [row[0] for row in cursor.fetchall()]


def _put_down_summary(shard: Shard, key: list[object], delay_s: float) -> None:
    with shard.cursor() as cursor:
        cursor.execute("UPDATE local.push_subject SET is_summary_due = true WHERE user_id = %s AND subject = %s", key)
    enqueue("notifications.push_summary", on=shard, delay_s=delay_s, user_id=key[0], subject=key[1])
