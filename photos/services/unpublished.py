"""Objects in the store that no photo names yet, written down before they are stored.

First the row of local.unpublished on the author's server, then the objects; the transaction that lets a photo name them
takes the row out. Whatever ends a process in between leaves the row, and the relay throws row and objects away
when its time is over: no stray object can stay. Nothing is cleaned up after a commit that may or may not have come
through, for the row knows: it is gone exactly if the photo is there.
"""

from collections.abc import Iterable
from typing import Any

from django.conf import settings

from instagram.errors import Unavailable
from jobs import enqueue_many
from sharding import Server, Shard

#: Rows thrown away in one transaction.
BATCH = 200

_STEMS = "RETURNING stem, original_stem"


class ExpiredError(Unavailable):
    """The objects' time is over: somebody throws them away just now."""


def note(shard: Shard, author_id: int, *, stem: str, original_stem: str = "") -> None:
    """Write down what is about to be stored. Cost: one insert, nobody waits for the disk.

    A power cut of the database may lose the row; what it would have named, the audit of the store finds.
    """
    with shard.cursor() as cursor:
        # One message, hence one transaction.
        cursor.execute(
            "SET LOCAL synchronous_commit TO off; INSERT INTO local.unpublished"
            " (stem, original_stem, author_id, logical_shard, expires_at)"
            " VALUES (%s, %s, %s, %s, now() + %s * interval '1 second')",
            [stem, original_stem, author_id, shard.number, settings.STRAY_OBJECTS_S],
        )


def claim(cursor: Any, stems: Iterable[str]) -> None:
    """Take rows out, in the transaction that names their objects or throws them away. Raises ExpiredError."""
    wanted = set(stems)
    cursor.execute("DELETE FROM local.unpublished WHERE stem = ANY(%s)", [list(wanted)])
    if cursor.rowcount != len(wanted):
        raise ExpiredError


def throw_away(shard: Shard, stems: Iterable[str]) -> None:
    """Take rows out and have their objects deleted. Harmless to repeat."""
    with shard.atomic(), shard.cursor() as cursor:
        cursor.execute(f"DELETE FROM local.unpublished WHERE stem = ANY(%s) {_STEMS}", [list(stems)])
        discard_objects(shard, *cursor.fetchall())


def throw_away_of(shard: Shard, author_id: int) -> None:
    """Do so with everything that is written down for a person."""
    with shard.atomic(), shard.cursor() as cursor:
        cursor.execute(f"DELETE FROM local.unpublished WHERE author_id = %s {_STEMS}", [author_id])
        discard_objects(shard, *cursor.fetchall())


def expire(server: Server) -> int:
    """Throw away a batch of a server's rows whose time is over; return how many. From several relays at once, too."""
    with server.atomic(), server.cursor() as cursor:
        cursor.execute(
            "DELETE FROM local.unpublished WHERE stem IN (SELECT stem FROM local.unpublished WHERE expires_at <= now()"
            f" ORDER BY expires_at LIMIT %s FOR UPDATE SKIP LOCKED) {_STEMS}",
            [BATCH],
        )
        rows = cursor.fetchall()
        discard_objects(server, *rows)
    return len(rows)


def discard_objects(on: Shard | Server, *stems: tuple[str, str]) -> None:
    """Have objects deleted after the commit: pairs of the renditions' stem and the original's, each may be empty."""
    jobs = [{"stem": stem, "original_stem": original_stem} for stem, original_stem in stems if stem or original_stem]
    enqueue_many("photos.discard_objects", jobs, on=on)
