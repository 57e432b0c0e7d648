"""Pages merged from all servers, newest first, by an id cursor: page 50 costs what page 1 does."""

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from psycopg2 import sql

from backoffice.lists import PAGE
from moderation.models import REMOVALS, Decision, Kind
from photos.queries.servers import select_all
from sharding import Server, Shard, ShardUnavailable, gather, shard_of
from sharding.ids import MAX_ID, SEQUENCE_BITS, SHARD_BITS

#: In a condition: the logical shard that made an id, and keeps what is called by it (sharding/ids.py).
_KEPT_IN = "logical shard of the id"


@dataclass(frozen=True, slots=True)
class Span:
    """Which ids a page may have: above and below are exclusive; backwards: those nearest to `above`. count: rows."""

    above: int = 0
    below: int = MAX_ID
    backwards: bool = False
    count: int = PAGE


@dataclass(frozen=True, slots=True)
class Row:
    """An id with who made it and what it is about: (photo, author, -), (comment, who, photo), (follow, who, whom)."""

    id: int
    actor_id: int
    object_id: int = 0


@dataclass(frozen=True, slots=True)
class PhotoRow:
    """What lists show of a photo: columns of its row."""

    id: int
    author_id: int
    image_stem: str
    caption: str
    state: int


@dataclass(frozen=True, slots=True)
class CommentRow:
    """What lists show of a comment: columns of its row."""

    id: int
    author_id: int
    photo_id: int
    text: str
    state: int


@dataclass
class Found:
    """A page's rows, newest first; more: there are others beyond it; away: servers that did not answer."""

    rows: list[Row]
    more: bool
    away: list[str] = field(default_factory=list)


def newest_photos(span: Span, servers: Sequence[Server]) -> Found:
    """Return photos that are shown. Cost: one query per server, by index."""
    return _merged(servers, span, lambda server: _local(server, "newest_photo (photo_id, author_id)", span))


def photos_of(shard: Shard, span: Span, **where: int) -> Found:
    """Return photos of one logical shard, whatever their state. where: author_id, state. Cost: one query by key."""
    return _of_shard(shard, "photos_photo (id, author_id)", span, **where)


def held_photos(span: Span) -> Found:
    """Return photos that staff has taken down and can put back. Cost: one query on main, over decisions that stand."""
    return _cut([Row(*row) for row in _removed(Kind.MEDIA, span)], span)


def held_comments(span: Span, *, author_id: int | None = None) -> Found:
    """Return comments that staff has taken down and can put back, or a person's such.

    Cost: one query on main, over decisions that stand, and one per server for the photos they are under.
    """
    removed = _removed(Kind.COMMENT, span, **({} if author_id is None else {"about_user_id": author_id}))
    texts = comments_with(row[0] for row in removed)
    rows = [Row(number, author, texts[number].photo_id if number in texts else 0) for number, author in removed]
    return _cut(rows, span)


def _removed(kind: Kind, span: Span, **where: int) -> list[tuple[int, int]]:
    """Return ids and owners of what decisions that stand have taken down, as they come in a page of `span`."""
    standing = Decision.objects.filter(
        kind=kind,
        verdict__in=REMOVALS,
        undone_at=None,
        final_at=None,
        target_id__gt=span.above,
        target_id__lt=span.below,
        **where,
    )
    ordered = standing.order_by("target_id" if span.backwards else "-target_id")
    return list(ordered.values_list("target_id", "about_user_id").distinct()[: span.count + 1])


def newest_deeds(kind: str, span: Span, servers: Sequence[Server], *, shard: int | None = None) -> Found:
    """Return comments, likes or follows of the last ACTIVITY_DAYS. shard: those that a logical shard keeps alone.

    Cost: one query per server over its newest deeds; for a shard it reads on until the page is full.
    """
    where = {"kind": kind} | ({} if shard is None else {_KEPT_IN: shard})
    return _merged(servers, span, lambda server: _local(server, "deed (id, actor_id, object_id)", span, **where))


def deeds_of_person(kind: str, user_id: int, span: Span) -> Found:
    """Return a person's comments, likes or follows of the last ACTIVITY_DAYS. Cost: one query by key."""
    server = shard_of(user_id).server
    try:
        return _cut(_local(server, "deed (id, actor_id, object_id)", span, kind=kind, actor_id=user_id), span)
    except ShardUnavailable:
        return Found([], more=False, away=[server.name])


def comments_of(shard: Shard, span: Span, **where: int) -> Found:
    """Return comments of one logical shard, held and deleted ones too. where: photo_id, author_id, state.

    Cost: one query, by key; with a state that few have it reads on until the page is full.
    """
    return _of_shard(shard, "photos_comment (id, author_id, photo_id)", span, **where)


def likes_of_photo(shard: Shard, photo_id: int, span: Span, **where: int) -> Found:
    """Return who likes a photo. where: user_id. Cost: one query by key."""
    return _of_shard(shard, "photos_like (id, user_id, photo_id)", span, photo_id=photo_id, **where)


def followers_of(user_id: int, span: Span, *, status: str) -> Found:
    """Return who follows a person, or asks to, by when. Cost: one query by key of the person's followers."""
    columns = "accounts_follower (version, follower_id, followee_id)"
    return _of_shard(shard_of(user_id), columns, span, followee_id=user_id, status=status)


def followed_by(user_id: int, span: Span, *, status: str) -> Found:
    """Return whom a person follows, or asks to, by when. Cost: one query by key of whom the person follows."""
    columns = "accounts_following (version, follower_id, followee_id)"
    return _of_shard(shard_of(user_id), columns, span, follower_id=user_id, status=status)


def photos_with(photo_ids: Iterable[int]) -> dict[int, PhotoRow]:
    """Return rows of photos by id, whatever their state; of servers that are away none. Cost: one query per server."""
    columns = ", ".join(PhotoRow.__slots__)
    rows = select_all(f"SELECT {columns} FROM {{}} WHERE id = ANY(%s)", ["photos_photo"], list(photo_ids))
    return {row[0]: PhotoRow(*row) for row in rows}


def comments_with(comment_ids: Iterable[int]) -> dict[int, CommentRow]:
    """Return comments by id, whatever their state; of servers that are away none. Cost: one query per server."""
    columns = ", ".join(CommentRow.__slots__)
    rows = select_all(f"SELECT {columns} FROM {{}} WHERE id = ANY(%s)", ["photos_comment"], list(comment_ids))
    return {row[0]: CommentRow(*row) for row in rows}


def _merged(servers: Sequence[Server], span: Span, ask: Callable[[Server], list[Row]]) -> Found:
    answers = gather(dict.fromkeys(servers), lambda server, _: ask(server))
    merged = heapq.merge(*answers.values(), key=lambda row: row.id if span.backwards else -row.id)
    found = _cut(list(islice(merged, span.count + 1)), span)
    found.away = [server.name for server in servers if server not in answers]
    return found


def _local(server: Server, what: str, span: Span, **where: Any) -> list[Row]:
    """Return rows of a table of `local`. what: "table (key, column, …)"; where: columns that must be so."""
    table, _, columns = what.partition(" ")
    query, values = _query(sql.Identifier("local", table), columns, span, where)
    with server.cursor() as cursor:
        cursor.execute(query, values)
        return [Row(*row) for row in cursor.fetchall()]


def _of_shard(shard: Shard, what: str, span: Span, **where: Any) -> Found:
    """Return a page of a logical shard's table; what and where as in _local()."""
    table, _, columns = what.partition(" ")
    query, values = _query(shard.table(table), columns, span, where)
    try:
        with shard.cursor() as cursor:
            cursor.execute(query, values)
            return _cut([Row(*row) for row in cursor.fetchall()], span)
    except ShardUnavailable:
        return Found([], more=False, away=[shard.server.name])


def _query(
    table: sql.Composable, columns: str, span: Span, where: Mapping[str, Any]
) -> tuple[sql.Composable, list[Any]]:
    names = columns.strip("()").split(", ")
    query = sql.SQL(
        "SELECT {columns} FROM {table} WHERE {key} > %s AND {key} < %s{where} ORDER BY {key} {order} LIMIT %s"
    ).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, names)),
        table=table,
        key=sql.Identifier(names[0]),
        where=sql.SQL("").join(sql.SQL(" AND {} = %s").format(_column(name, names[0])) for name in where),
        order=sql.SQL("ASC" if span.backwards else "DESC"),
    )
    return query, [span.above, span.below, *where.values(), span.count + 1]


def _column(name: str, key: str) -> sql.Composable:
    if name != _KEPT_IN:
        return sql.Identifier(name)
    made_by = sql.SQL("({key} >> {bits}) & {mask}")
    return made_by.format(key=sql.Identifier(key), bits=sql.Literal(SEQUENCE_BITS), mask=sql.Literal(2**SHARD_BITS - 1))


def _cut(rows: list[Row], span: Span) -> Found:
    page = rows[: span.count]
    return Found(page[::-1] if span.backwards else page, more=len(rows) > span.count)
