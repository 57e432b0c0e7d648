"""Everything that still speaks of a photo, wherever it is: for proving a deletion, and for finding what survives one.

For operators and tests: it reads every row of every table, every key of memcached and every file of the local edge.
"""

import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote_to_bytes

from django.conf import settings
from psycopg2 import sql

from photos.models import Photo, Receipt
from photos.storage import keys, store
from sharding import Server, all_servers, photo_map, shard_of_object

#: Tables searched by one statement.
TABLES_AT_ONCE = 100
#: Seconds memcached has for each piece of its answer.
_TIMEOUT_S = 5.0


def stems_of(photo_id: int) -> set[str]:
    """Return the stems of a photo's renditions and of its original, as its rows say now: none once they are gone.

    Raises ShardUnavailable, ValueError for an id that none here made. Cost: two reads by key.
    """
    shard = shard_of_object(photo_id)
    renditions = shard.model(Photo).objects.filter(id=photo_id).values_list("image_stem", flat=True)
    originals = shard.model(Receipt).objects.filter(photo_id=photo_id).values_list("original_stem", flat=True)
    return {stem for stem in (*renditions, *originals) if stem}


def traces_of(photo_id: int, stems: Iterable[str]) -> Iterator[str]:
    """Yield, in words, each place that holds the photo's id or one of its stems.

    Cost: everything is read; minutes on a large service. Raises ShardUnavailable, StorageUnavailable, OSError.
    """
    # Without the mark of a private one, which its keys and the edge's copies do not have.
    digits = [keys.digits_of(stem) for stem in stems]
    needles = [str(photo_id), *digits]
    for server in all_servers():
        for table in _tables_with(server, needles):
            yield f"database {server.name}: {table}"
    # Nothing heals a miss here: only what the map itself has counts.
    if photo_map.users_of([photo_id], lambda _: {}):
        yield "photo map"
    for address in settings.MEMCACHED_SERVERS:
        for key in _cached_with(address, needles):
            yield f"memcached {address}: {key}"
    for each in digits:
        # Wherever it may have been: public, private, original.
        for area in (keys.PUBLIC, keys.PRIVATE, keys.ORIGINALS):
            below = f"{area}/{each[:2]}/{each}"
            yield from (f"store: {found.key}" for page in store.found_below(below) for found in page)
    for path in _edge_files_with([each.encode() for each in digits]):
        yield f"edge: {path}"


def _tables_with(server: Server, needles: Sequence[str]) -> Iterator[str]:
    with server.cursor() as cursor:
        cursor.execute(
            "SELECT schemaname, tablename FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2"
        )
        tables = cursor.fetchall()
    patterns = [f"%{needle}%" for needle in needles]
    for start in range(0, len(tables), TABLES_AT_ONCE):
        looks = [
            sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {} AS line WHERE line::text LIKE ANY(%(patterns)s))").format(
                sql.Literal(f"{schema}.{table}"), sql.Identifier(schema, table)
            )
            for schema, table in tables[start : start + TABLES_AT_ONCE]
        ]
        with server.cursor() as cursor:
            cursor.execute(sql.SQL(" UNION ALL ").join(looks), {"patterns": patterns})
            yield from (row[0] for row in cursor.fetchall())


def _cached_with(address: str, needles: Sequence[str]) -> Iterator[str]:
    """Yield keys of memcached that name one of the needles or whose value does; tombstones say nothing of a photo."""
    host, _, port = address.rpartition(":")
    with closing(socket.create_connection((host, int(port)), timeout=_TIMEOUT_S)) as connection:
        stream = connection.makefile("rwb")
        stream.write(b"lru_crawler metadump all\r\n")
        stream.flush()
        found = []
        for line in iter(stream.readline, b"END\r\n"):
            if not line.startswith(b"key="):
                raise OSError(f"memcached {address} answered {line.decode().strip()}")
            found.append(line.split(b" ", 1)[0].removeprefix(b"key="))
        for key in found:
            stream.write(b"get " + unquote_to_bytes(key) + b"\r\n")
            stream.flush()
            head = stream.readline()
            if not head.startswith(b"VALUE"):
                continue
            value = stream.read(int(head.split()[3]) + 2)[:-2]
            stream.readline()
            text = key.decode() + " " + value.decode(errors="replace")
            if value != b"\x00" and any(needle in text for needle in needles):
                yield key.decode()


def _edge_files_with(needles: Sequence[bytes]) -> Iterator[Path]:
    """Yield files of the local edge's cache that hold one of the needles: nginx writes the address first."""
    cache = Path(settings.STATE_DIR) / "data" / "nginx_cdn" / "cache"
    for path in cache.rglob("*"):
        try:
            content = path.read_bytes() if path.is_file() else b""
        except FileNotFoundError:  # it went this moment
            continue
        if any(needle in content for needle in needles):
            yield path
