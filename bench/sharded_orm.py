"""A model class bound to its shard, beside the plain ORM on one flat table and beside a cursor."""

import argparse
import random
import statistics
import time
from collections.abc import Callable
from typing import Any

from django.apps.registry import Apps
from django.conf import settings
from django.db import connections, models
from psycopg2 import sql

from bench.framework import Result, Row, interleaved, median_ratio
from bench.scratch import data_centre
from photos.models import Photo
from sharding import schema, server_named, shard_of

SERVER = "shard_a"
AUTHORS_PER_SHARD, PHOTOS_PER_AUTHOR = 4, 25

FILL = """
INSERT INTO {schema}.photos_photo (author_id, image_stem, caption)
SELECT {shard} + {shards} * author, md5(photo::text), 'caption ' || photo
FROM generate_series(1, {authors}) AS author, generate_series(1, {photos}) AS photo
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare sizes."""
    parser.add_argument("--shards", type=int, default=256, help="logical shards, half of them on the server measured")
    parser.add_argument("--queries", type=int, default=400, help="queries of each kind in a round")
    parser.add_argument("--rounds", type=int, default=9)


def run(options: argparse.Namespace) -> Result:
    """Measure reads and writes, each on a random author's shard, one client through PgBouncer."""
    with data_centre(shards=options.shards):
        numbers = [number for number in range(options.shards) if shard_of(number).server.name == SERVER]
        plain = _filled(numbers)
        try:
            return _measured(options, numbers, plain)
        finally:
            connections.close_all()


def _filled(numbers: list[int]) -> type[models.Model]:
    """Fill the shards and one flat table with the same rows; return the flat table's model."""
    with schema.direct(server_named(SERVER)) as link, link, link.cursor() as cursor:
        first = f"s{numbers[0]:04d}"
        cursor.execute(
            f"CREATE TABLE public.plain_photo (LIKE {first}.photos_photo INCLUDING DEFAULTS INCLUDING INDEXES)"
        )
        for number in numbers:
            space = f"s{number:04d}"
            cursor.execute(
                FILL.format(
                    schema=space,
                    shard=number,
                    shards=settings.LOGICAL_SHARDS,
                    authors=AUTHORS_PER_SHARD,
                    photos=PHOTOS_PER_AUTHOR,
                )
            )
            cursor.execute(f"INSERT INTO public.plain_photo SELECT * FROM {space}.photos_photo")
        cursor.execute("ANALYZE public.plain_photo")
    attributes: dict[str, Any] = {field.name: field.clone() for field in Photo._meta.fields}
    meta = type("Meta", (), {"app_label": "bench", "db_table": "plain_photo", "managed": False, "apps": Apps()})
    return type("PlainPhoto", (models.Model,), attributes | {"__module__": __name__, "Meta": meta})


_COLUMNS = sql.SQL(", ").join(sql.Identifier(field.column) for field in Photo._meta.fields)
#: What asks for, or changes, the photo of an id and its author.
Ask = Callable[[int, int], list[Any]]


def _measured(options: argparse.Namespace, numbers: list[int], plain: type[models.Model]) -> Result:
    chosen = [
        (row["id"], row["author_id"]) for row in plain.objects.using(SERVER).order_by("id").values("id", "author_id")
    ]
    random.Random(5).shuffle(chosen)
    chosen = chosen[: options.queries]
    kinds = {
        "one photo by id": _gets(plain),
        "a page of 20 of an author": _pages(plain),
        "one caption changed": _updates(plain),
    }
    for contenders in kinds.values():  # also warms classes, connections and the server's catalogue cache
        for photo_id, author_id in chosen:
            answers = [ask(photo_id, author_id) for ask in contenders.values()]
            assert all(answer == answers[0] for answer in answers), (photo_id, answers)

    def timed(ask: Ask) -> float:
        began = time.perf_counter()
        for photo_id, author_id in chosen:
            ask(photo_id, author_id)
        return (time.perf_counter() - began) / len(chosen) * 1e3

    taken = {
        kind: interleaved({name: lambda ask=ask: timed(ask) for name, ask in contenders.items()}, options.rounds)
        for kind, contenders in kinds.items()
    }
    return _told(options, len(numbers), len(chosen), taken)


def _gets(plain: type[models.Model]) -> dict[str, Ask]:
    flat = plain.objects.using(SERVER)

    def bound_get(photo_id: int, author_id: int) -> list[Any]:
        return [_values(shard_of(author_id).model(Photo).objects.get(id=photo_id))]

    def plain_get(photo_id: int, author_id: int) -> list[Any]:
        return [_values(flat.get(id=photo_id))]

    def cursor_get(photo_id: int, author_id: int) -> list[Any]:
        shard = shard_of(author_id)
        with shard.cursor() as cursor:
            cursor.execute(
                sql.SQL("SELECT {} FROM {} WHERE id = %s").format(_COLUMNS, shard.table("photos_photo")), [photo_id]
            )
            return cursor.fetchall()

    def plain_cursor_get(photo_id: int, author_id: int) -> list[Any]:
        with connections[SERVER].cursor() as cursor:
            cursor.execute(sql.SQL("SELECT {} FROM plain_photo WHERE id = %s").format(_COLUMNS), [photo_id])
            return cursor.fetchall()

    return {"bound": bound_get, "plain": plain_get, "cursor": cursor_get, "plain cursor": plain_cursor_get}


def _pages(plain: type[models.Model]) -> dict[str, Ask]:
    flat = plain.objects.using(SERVER)

    def bound_page(photo_id: int, author_id: int) -> list[Any]:
        photos = shard_of(author_id).model(Photo).objects.filter(author_id=author_id, state=0).order_by("-id")
        return [_values(photo) for photo in photos[:20]]

    def plain_page(photo_id: int, author_id: int) -> list[Any]:
        return [_values(photo) for photo in flat.filter(author_id=author_id, state=0).order_by("-id")[:20]]

    def cursor_page(photo_id: int, author_id: int) -> list[Any]:
        shard = shard_of(author_id)
        with shard.cursor() as cursor:
            cursor.execute(
                sql.SQL("SELECT {} FROM {} WHERE author_id = %s AND state = 0 ORDER BY id DESC LIMIT 20").format(
                    _COLUMNS, shard.table("photos_photo")
                ),
                [author_id],
            )
            return cursor.fetchall()

    return {"bound": bound_page, "plain": plain_page, "cursor": cursor_page}


def _updates(plain: type[models.Model]) -> dict[str, Ask]:
    flat = plain.objects.using(SERVER)

    def bound_update(photo_id: int, author_id: int) -> list[Any]:
        return [shard_of(author_id).model(Photo).objects.filter(id=photo_id).update(caption=f"again {photo_id}")]

    def plain_update(photo_id: int, author_id: int) -> list[Any]:
        return [flat.filter(id=photo_id).update(caption=f"again {photo_id}")]

    return {"bound": bound_update, "plain": plain_update}


def _told(options: argparse.Namespace, schemas: int, queries: int, taken: dict[str, dict[str, list[float]]]) -> Result:
    by_id = taken["one photo by id"]
    rows = [
        Row(
            f"{kind}, ms",
            statistics.median(times["bound"]),
            statistics.median(times["cursor"]) if "cursor" in times else None,
            statistics.median(times["plain"]),
            median_ratio(times, "bound", "plain"),
        )
        for kind, times in taken.items()
    ]
    rows.append(
        Row(
            "one photo by id, shard.cursor(), ms",
            statistics.median(by_id["cursor"]),
            None,
            statistics.median(by_id["plain cursor"]),
            median_ratio(by_id, "cursor", "plain cursor"),
        )
    )
    return Result(
        rows=rows,
        ratios={
            "x_plain_orm": median_ratio(by_id, "bound", "plain"),
            "x_plain_orm_page": median_ratio(taken["a page of 20 of an author"], "bound", "plain"),
            "x_cursor": median_ratio(by_id, "bound", "cursor"),
            "x_cursor_plain_cursor": median_ratio(by_id, "cursor", "plain cursor"),
        },
        bars={"x_plain_orm": 1.6},
        how=[
            "Ours: shard_of(author).model(Photo). Floor: shard.cursor() and psycopg2.sql.",
            "Alternative: the plain ORM (last line: a plain cursor) on one flat table of the same rows, same server.",
            "x_plain_orm: bound class / plain ORM; x_cursor: bound class / shard.cursor(); both one photo by id.",
            f"{schemas} schemas on the server, {queries} queries a round, each on a random author's shard.",
            f"{options.rounds} rounds, interleaved, medians; one client, through PgBouncer, warm.",
            "Asserted first: all give the same rows.",
        ],
        figures={"ms": taken},
    )


def _values(photo: Any) -> tuple[Any, ...]:
    return tuple(getattr(photo, field.attname) for field in Photo._meta.fields)
