"""What should be in the store, by the databases: photos, originals, profile pictures, archives; and what waits there.

What waits is read before and after the rest: an upload may be published, a photo moved or deleted while we read,
and its objects are known by one of the two.
"""

from collections.abc import Iterator
from typing import Any

import orjson
from psycopg2 import sql

from accounts.models import Export, User
from photos.models import State
from photos.services import originals
from photos.services.pictures import SIDES
from photos.storage import keys
from sharding import Server, Shard, all_servers, main_server

from .ledger import ARCHIVE, ORIGINAL, PHOTO, PICTURE, WAITING, Expected, Ledger

#: Rows read at a time.
PAGE = 500
_PHOTOS = (
    "SELECT photo.id, photo.state, photo.image_stem, receipt.renditions::text, receipt.received::text,"
    " receipt.original, receipt.original_stem, receipt.original_bytes"
    " FROM {photo} AS photo LEFT JOIN {receipt} AS receipt ON receipt.photo_id = photo.id"
    " WHERE photo.id > %s ORDER BY photo.id LIMIT %s"
)
#: Tasks whose arguments name objects.
_TASKS = (
    "photos.rehome", "photos.purge", "photos.discard_objects", "photos.delete_picture", "photos.delete_private",
)  # fmt: skip


def expect_shard(ledger: Ledger, shard: Shard) -> None:
    """Write down what a logical shard's photos name. Cost: one query per PAGE photos. Raises ShardUnavailable."""
    part = f"photos {shard.number}"
    query = sql.SQL(_PHOTOS).format(photo=shard.table("photos_photo"), receipt=shard.table("photos_receipt"))
    while (past := ledger.past(part)) is not None:
        with shard.cursor() as cursor:
            cursor.execute(query, [int(past or 0), PAGE])
            rows = cursor.fetchall()
        with ledger.page(part, str(rows[-1][0]) if rows else past, finished=len(rows) < PAGE):
            ledger.expect(each for row in rows for each in _of_photo(row))
            ledger.count(f"{shard.server.name} photos", sum(row[1] == State.VISIBLE for row in rows))
            ledger.count("photos without a receipt", sum(row[1] == State.VISIBLE and row[3] is None for row in rows))


def expect_people(ledger: Ledger) -> None:
    """Write down profile pictures and archives. Cost: one query on main per PAGE of each."""
    while (past := ledger.past("pictures")) is not None:
        people = list(User.objects.filter(pk__gt=past or 0).exclude(picture="").order_by("pk")[:PAGE])
        with ledger.page("pictures", str(people[-1].pk) if people else past, finished=len(people) < PAGE):
            ledger.expect(
                Expected(keys.key(person.picture, side), PICTURE, person.pk) for person in people for side in SIDES
            )
            ledger.count("profile pictures", len(people))
    if ledger.past("archives") is not None:
        ready = Export.objects.filter(state=Export.State.READY).values_list("key", "pk")
        with ledger.page("archives", "", finished=True):
            ledger.expect(Expected(key, ARCHIVE, pk) for key, pk in ready)


def expect_waiting(ledger: Ledger, name: str) -> None:
    """Write down what may be in the store without a photo that names it. Raises ShardUnavailable."""
    for server in all_servers():
        part = f"{name} {server.name}"
        if ledger.past(part) is not None:
            with ledger.page(part, "", finished=True):
                ledger.expect(Expected(key, WAITING, 0) for key in _waiting(server))


def _of_photo(row: tuple[Any, ...]) -> Iterator[Expected]:
    photo_id, state, stem, renditions, received, original, original_stem, original_bytes = row
    if state == State.DELETED:
        # Its files go, or have gone.
        yield from (Expected(key, WAITING, photo_id) for key in keys.keys_of(stem))
        return
    sums = orjson.loads(renditions) if renditions else {}
    for side in keys.SUFFIXES:
        said = sums.get(str(side), {})
        yield Expected(keys.key(stem, side), PHOTO, photo_id, said.get("bytes"), said.get("md5"))
    if original_stem:
        # Of the file as it came: without its metadata it has another.
        sha256 = orjson.loads(received)["sha256"] if received and original == originals.KEPT else None
        yield Expected(keys.original_key(original_stem), ORIGINAL, photo_id, original_bytes, sha256=sha256)


def _waiting(server: Server) -> Iterator[str]:
    if server != main_server():
        with server.cursor() as cursor:
            cursor.execute("SELECT stem, original_stem FROM local.unpublished")
            for stem, original_stem in cursor.fetchall():
                yield from _keys(stem, original_stem)
    with server.cursor() as cursor:
        cursor.execute("SELECT args::text FROM local.outbox WHERE task = ANY(%s)", [list(_TASKS)])
        for (text,) in cursor.fetchall():
            yield from _named_by(orjson.loads(text))


def _named_by(arguments: dict[str, Any]) -> Iterator[str]:
    yield from _keys(arguments.get("stem", ""), arguments.get("original_stem", ""))
    for _, old, new in arguments.get("moves", ()):
        yield from (*keys.keys_of(old), *keys.keys_of(new))
    if arguments.get("key"):
        yield arguments["key"]


def _keys(stem: str, original_stem: str) -> Iterator[str]:
    if stem:
        yield from keys.keys_of(stem)
    if original_stem:
        yield keys.original_key(original_stem)
