"""Reading the index tables: photos by tag, by location, near a point. What may be shown is the caller's to decide.

Rows of authors who were not public when a task last looked are left out here, so that pages are full; the caller
filters the others by accounts.visibility.public_authors.
"""

import hashlib
from dataclasses import dataclass

from psycopg2 import sql

from photos.cells import cells_within
from sharding import Server, Shard, gather, shard_of
from sharding.ids import MAX_ID

from ..models import TagTotal


@dataclass(frozen=True, slots=True)
class Tagging:
    """A photo under a tag."""

    tag_id: int
    photo_id: int
    author_id: int


@dataclass(frozen=True, slots=True)
class Nearby:
    """A photo near a point, and how far from it, in metres."""

    photo_id: int
    author_id: int
    metres: float


def shard_of_tag(tag: str) -> Shard:
    """Return the logical shard of a tag's index rows: 28 bits of its MD5, as the tables' checks have it."""
    return shard_of(int(hashlib.md5(tag.encode(), usedforsecurity=False).hexdigest()[:7], 16))


def shard_of_location(location_id: int) -> Shard:
    """Return the logical shard of a location's index rows."""
    return shard_of(location_id)


def shard_of_cell(cell: int) -> Shard:
    """Return the logical shard of a cell's index rows."""
    return shard_of(cell)


def tagged_with(tag: str, *, below: int = MAX_ID, above: int = 0, count: int = 20) -> list[Tagging]:
    """Return photos under a tag between two tag ids (both exclusive), latest tagging first.

    Cost: one query on the tag's shard. Raises ShardUnavailable.
    """
    shard = shard_of_tag(tag)
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "SELECT tag_id, photo_id, author_id FROM {} WHERE tag = %s AND tag_id < %s AND tag_id > %s AND listed"
                " ORDER BY tag_id DESC LIMIT %s"
            ).format(shard.table("photos_tagged")),
            [tag, below, above, count],
        )
        return [Tagging(*row) for row in cursor.fetchall()]


def media_count_of(tag: str) -> int:
    """Return how many listed photos a tag has, as of its index. Cost: one query on the tag's shard."""
    totals = shard_of_tag(tag).model(TagTotal).objects.filter(tag=tag)
    return totals.values_list("media_count", flat=True).first() or 0


def taken_at(location_id: int, *, below: int = MAX_ID, above: int = 0, count: int = 20) -> list[tuple[int, int]]:
    """Return (photo id, author id) of a location between two photo ids (both exclusive), newest first.

    Cost: one query on the location's shard. Raises ShardUnavailable.
    """
    shard = shard_of_location(location_id)
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "SELECT photo_id, author_id FROM {} WHERE location_id = %s AND photo_id < %s AND photo_id > %s"
                " AND listed ORDER BY photo_id DESC LIMIT %s"
            ).format(shard.table("photos_atlocation")),
            [location_id, below, above, count],
        )
        return cursor.fetchall()


def taken_near(
    latitude: float, longitude: float, distance_m: float, *, below: int = MAX_ID, above: int = 0, count: int = 20
) -> list[Nearby]:
    """Return photos within a circle between two photo ids (both exclusive), newest first.

    distance_m: 5,000 meets some 25 cells. Cost: one query per server, which reads of each cell `count` rows that are in
    the circle; what a server that is down would have said is left out.
    """
    servers: dict[Server, dict[Shard, list[int]]] = {}
    for cell in cells_within(latitude, longitude, distance_m):
        shard = shard_of_cell(cell)
        servers.setdefault(shard.server, {}).setdefault(shard, []).append(cell)

    def ask(server: Server, shards: dict[Shard, list[int]]) -> list[tuple[int, int, float]]:
        # Cell by cell, each newest first: a condition on all at once would lose the index's order.
        selects = [
            sql.SQL(
                "SELECT found.* FROM unnest(%(cells_{number})s) AS asked (cell), LATERAL ("
                "SELECT photo_id, author_id, local.metres_between(%(lat)s, %(lng)s, latitude, longitude) AS metres"
                " FROM {table} AS rows WHERE rows.cell = asked.cell AND photo_id < %(below)s AND photo_id > %(above)s"
                " AND listed AND local.metres_between(%(lat)s, %(lng)s, latitude, longitude) <= %(most)s"
                " ORDER BY photo_id DESC LIMIT %(count)s) AS found"
            ).format(number=sql.SQL(str(shard.number)), table=shard.table("photos_incell"))
            for shard in shards
        ]
        arguments: dict[str, object] = {f"cells_{shard.number}": cells for shard, cells in shards.items()}
        arguments |= {"lat": latitude, "lng": longitude, "below": below, "above": above}
        arguments |= {"most": distance_m, "count": count}
        with server.cursor() as cursor:
            cursor.execute(
                sql.SQL("{} ORDER BY 1 DESC LIMIT %(count)s").format(sql.SQL(" UNION ALL ").join(selects)), arguments
            )
            return cursor.fetchall()

    rows = [Nearby(*row) for found in gather(servers, ask).values() for row in found]
    return sorted(rows, key=lambda row: row.photo_id, reverse=True)[:count]
