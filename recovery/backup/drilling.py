"""drill: restore the latest backup into scratch servers, hold it against what it was taken of, open photos, say so.

First each copy is recovered to the restore point at which its original was counted, and every table compared. Then all
go on to the end of the archive's last mark: that the WAL since the backup is whole is proven by replaying it.
"""

import json
import random
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pyvips
from django.conf import settings
from django.utils import timezone
from psycopg2 import sql

from photos import storage
from photos.models import Photo, State
from photos.storage.store import read
from recovery.models import Backup, Drill
from sharding import ShardUnavailable, shard_of_object

from . import census, listings, manifest, pgbackrest, servers
from .errors import Failed, Refused
from .manifest import Manifest
from .scratch import Scratch, Target, own_folder, scratches

Say = Callable[[str], None]


@dataclass
class Found:
    """What a drill found. wrong: a sentence for each thing that is not as it should be."""

    tables: int = 0
    rows: int = 0
    photos: int = 0
    restorable_to: datetime | None = None
    wrong: list[str] = field(default_factory=list)


def report_file() -> Path:
    """Where the last drill is written down beside main: {"label", "ok", "restorable_to", "proven_at", …}."""
    file: Path = settings.BACKUP_STATE_DIR / "run" / "drill.json"
    return file


def drill(*, label: str = "", store: str = "", say: Say = print) -> Drill:
    """Prove that a backup can be restored; return what was found, also written into main and report_file().

    label: of manage.py backups; default: the latest. Raises Refused (there is none, or a drill is at work).
    """
    chosen = servers.primaries()
    pgbackrest.write_configuration()
    repository = pgbackrest.repository_of(store)
    store = pgbackrest.stores()[repository - 1]
    label = label or _latest(chosen)
    began, clock = timezone.now(), time.monotonic()
    # Of this process alone: a drill that was killed is swept away by the next.
    folder: Path = settings.BACKUP_SCRATCH_DIR.resolve() / "drill"
    copies = scratches(chosen, folder, settings.BACKUP_SCRATCH_PORT)
    own_folder(settings.BACKUP_SCRATCH_DIR)
    _sweep(copies)
    found = Found()
    try:
        _proven(found, manifest.load(label, store), copies, repository, say=say)
    except Failed as error:
        found.wrong.append(str(error))
    finally:
        _sweep(copies)
    return _written(found, label, chosen, began, time.monotonic() - clock)


def _latest(chosen: list[str]) -> str:
    row = Backup.objects.filter(state=Backup.State.DONE, servers=",".join(chosen)).order_by("-began_at").first()
    if row is None:
        raise Refused("there is no backup yet: manage.py backup takes one.")
    return row.label


def _sweep(copies: dict[str, Scratch]) -> None:
    for copy in copies.values():
        copy.remove()


def _proven(found: Found, made: Manifest, copies: dict[str, Scratch], repository: int, *, say: Say) -> None:
    if lacking := [name for name in copies if name not in made.servers]:
        raise Failed(f"{made.label} has no {lacking[0]}")
    store = pgbackrest.stores()[repository - 1]
    until = servers.mark(list(copies))

    def one(name: str) -> list[str]:
        copy, was = copies[name], made.servers[name]
        copy.lay_out(was.copies[store], repository=repository)
        copy.recover(Target("name", was.census.point, hold=True))
        with superuser_of(copy) as connection, connection.cursor() as cursor:
            now = census.count(cursor)
        wrong = [f"{name}: {each}" for each in census.differences(was.census, now)]
        exactly = "exactly" if was.census.exact else "roughly (it was counted beside writers)"
        say(f"{name}: {len(now)} tables, {sum(rows for rows, _ in now.values()):,} rows compared {exactly}")
        found.tables += len(now)
        found.rows += sum(rows for rows, _ in now.values())
        return wrong

    for wrong in servers.each(one, list(copies)).values():
        found.wrong += wrong
    photos = [each for name, copy in copies.items() if name != "main" for each in _photos(copy)]
    some = random.sample(photos, min(len(photos), settings.BACKUP_DRILL_PHOTOS))
    _open(found, some, lambda keys: _listed(made, store, keys), say=say)

    def onwards(name: str) -> None:
        copies[name].stop()
        copies[name].recover(Target.moment(until))

    servers.each(onwards, list(copies))
    found.restorable_to = until
    say(f"WAL replayed until {until:%Y-%m-%d %H:%M:%S} UTC on all of them")


def superuser_of(copy: Scratch) -> AbstractContextManager[Any]:
    """Open a connection to a copy's database."""
    return servers.superuser(copy.server, port=copy.port)


def _photos(copy: Scratch) -> list[tuple[int, str, str]]:
    """Return some photos of a copy: id, stem, renditions. Cost: one query per logical shard with photos, at most 64."""
    found: list[tuple[int, str, str]] = []
    with superuser_of(copy) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT schemaname FROM pg_tables WHERE tablename = 'photos_photo'")
        schemas = [schema for (schema,) in cursor.fetchall()]
        for schema in random.sample(schemas, min(64, len(schemas))):
            query = sql.SQL(
                "SELECT photo.id, photo.image_stem, coalesce(receipt.renditions::text, '{{}}')"
                " FROM {photo} AS photo LEFT JOIN {receipt} AS receipt ON receipt.photo_id = photo.id"
                " WHERE photo.state = %s ORDER BY random() LIMIT %s"
            ).format(photo=sql.Identifier(schema, "photos_photo"), receipt=sql.Identifier(schema, "photos_receipt"))
            cursor.execute(query, [State.VISIBLE, settings.BACKUP_DRILL_PHOTOS])
            found += cursor.fetchall()
    return found


def _listed(made: Manifest, store: str, keys: list[str]) -> bool:
    """Say whether one of the keys was in the photos' store when the backup was taken."""
    part = made.part(listings.OBJECTS)
    if part is None:
        return True  # main's host has the list: here nobody can say
    with tempfile.TemporaryDirectory() as folder:
        return listings.holds(manifest.fetch(made, part, store, Path(folder)), set(keys))


def _open(found: Found, photos: list[tuple[int, str, str]], listed: Callable[[list[str]], bool], *, say: Say) -> None:
    """Fetch every rendition of photos and decode it.

    Left out is what was deleted or renamed since the backup, or had lost its files before it: after a restore in place
    rows come back whose files are gone.
    """
    left_out = lost = 0
    for photo_id, stem, renditions in photos:
        sides = json.loads(renditions) or {str(side): {} for side in storage.SUFFIXES}
        wrong = [each for side, said in sides.items() if (each := _flaw(stem, int(side), said))]
        if wrong and _changed(photo_id, stem):
            left_out += 1
        elif wrong and not listed(storage.keys_of(stem)):
            lost += 1
        elif wrong:
            found.wrong.append(f"photo {photo_id}: {wrong[0]}")
        else:
            found.photos += 1
    say(f"{found.photos} photos opened" + (f", {left_out} deleted since the backup" if left_out else ""))
    if lost:
        say(f"{lost} photos had no files when the backup was taken: manage.py audit_storage names them")


def _flaw(stem: str, side: int, said: dict[str, object]) -> str:
    """Return what is wrong with a rendition, empty when nothing is."""
    try:
        jpeg = read(storage.key(stem, side))
    except storage.StorageUnavailable as error:
        raise Failed("the photos' store does not answer") from error
    if jpeg is None:
        return f"{storage.key(stem, side)} is not in the store"
    if said and len(jpeg) != said.get("bytes"):
        return f"{storage.key(stem, side)} has {len(jpeg)} bytes instead of {said.get('bytes')}"
    try:
        image = pyvips.Image.jpegload_buffer(jpeg, fail_on="truncated")
        image.avg()
    except pyvips.Error:
        return f"{storage.key(stem, side)} is no whole JPEG"
    # The largest is as large as the upload allowed.
    if image.width != image.height or image.width > side or (side < max(storage.SUFFIXES) and image.width != side):
        return f"{storage.key(stem, side)} is {image.width} x {image.height}"
    return ""


def _changed(photo_id: int, stem: str) -> bool:
    try:
        row = shard_of_object(photo_id).model(Photo).objects.filter(id=photo_id).first()
    except ShardUnavailable:
        return False
    return row is None or row.state != State.VISIBLE or row.image_stem != stem


def _written(found: Found, label: str, chosen: list[str], began: datetime, seconds: float) -> Drill:
    why = "; ".join(found.wrong[:5]) + (f"; and {len(found.wrong) - 5} more" if len(found.wrong) > 5 else "")
    row = Drill.objects.create(
        label=label,
        began_at=began,
        ended_at=timezone.now(),
        ok=not found.wrong,
        restorable_to=found.restorable_to,
        servers=",".join(chosen),
        tables=found.tables,
        rows=found.rows,
        photos=found.photos,
        seconds=round(seconds, 1),
        why=why,
    )
    report = {
        "label": label,
        "ok": row.ok,
        "restorable_to": found.restorable_to.isoformat() if found.restorable_to else None,
        "proven_at": row.ended_at.isoformat(),
        "seconds": row.seconds,
        "wrong": found.wrong,
    }
    draft = report_file().with_suffix(".new")
    draft.write_text(json.dumps(report, indent=1) + "\n")
    draft.replace(report_file())
    return row
