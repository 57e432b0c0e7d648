"""backup: every server, the photo map, the list of objects, and a manifest of it all; then what is too old goes."""

import contextlib
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from recovery.models import Backup
from sharding import ShardUnavailable

from . import census, listings, manifest, pgbackrest, servers
from .errors import Failed
from .manifest import Manifest, Part, ServerCopy
from .vault import make_places, vault

Say = Callable[[str], None]


def take(*, full: bool = False, say: Say = print) -> Manifest:
    """Back up the servers whose primary is here to every store; return the manifest. Safe beside the service.

    full: copy everything, even when the last full backup is younger than BACKUP_FULL_DAYS. Redis and the list of
    objects go with main's host. Raises Refused, Failed; what was begun and failed is marked so, where main answers: the
    manifest says it all, and main's being away is no reason to have no backup of a shard.
    """
    chosen, stores = servers.primaries(), pgbackrest.stores()
    pgbackrest.write_configuration(change=True)
    began = timezone.now()
    # Hosts begin in the same second, and share main and the stores: the first server's name tells them apart.
    label = f"{began:%Y%m%d-%H%M%S}-{chosen[0]}"
    row = Backup(label=label, began_at=began, servers=",".join(chosen), stores=",".join(stores))
    try:
        _save(row)
        made = _taken(row.label, chosen, stores, full=full, say=say)
    except BaseException as error:
        row.state, row.why, row.ended_at = Backup.State.FAILED, str(error) or type(error).__name__, timezone.now()
        _save(row)
        raise
    row.state, row.ended_at = Backup.State.DONE, timezone.now()
    row.database_bytes = sum(each.bytes for each in made.servers.values())
    row.stored_bytes = sum(each.stored for each in made.servers.values()) + sum(part.bytes for part in made.parts)
    objects = made.part(listings.OBJECTS)
    row.object_count = objects.facts["objects"] if objects else 0
    if not _save(row):
        say(f"main does not know of {label}")
    for label in prune(stores):
        say(f"{label} was pruned")
    return made


def _taken(label: str, chosen: list[str], stores: list[str], *, full: bool, say: Say) -> Manifest:
    make_places(stores)
    copied = servers.each(lambda name: _copied(name, stores, full=full, say=say), chosen)
    counted = servers.each(lambda name: census.take(name, point=f"backup-{label}"), chosen)
    for name, seen in counted.items():
        say(f"{name}: {len(seen.tables)} tables, {seen.rows:,} rows{'' if seen.exact else ', counted beside writers'}")
    # What leads to the restore points must be in the archive, or they are nowhere.
    servers.mark(chosen)
    with tempfile.TemporaryDirectory() as scratch:
        files: dict[str, Path] = {}
        parts: list[Part] = []
        if "main" in chosen:
            folder = Path(scratch)
            for part, file in [*listings.redis_snapshots(folder), listings.object_list(folder)]:
                parts.append(part)
                files[part.name] = file
                say(f"{part.name}: " + ", ".join(f"{name} {value}" for name, value in part.facts.items()))
        made = Manifest(
            label,
            settings.RELEASE,
            {name: ServerCopy(*copied[name], census=counted[name]) for name in chosen},
            parts,
        )
        manifest.store(made, stores, files)
    return made


def _copied(name: str, stores: list[str], *, full: bool, say: Say) -> tuple[dict[str, str], str, int, int]:
    pgbackrest.prepare(name)
    made = {}
    for number, store in enumerate(stores, 1):
        wholes = [each for each in pgbackrest.copies(name, repository=number) if each.kind == "full" and not each.error]
        old = not wholes or wholes[-1].ended_at < datetime.now(UTC) - timedelta(days=settings.BACKUP_FULL_DAYS)
        pgbackrest.back_up(name, kind="full" if full or old else "diff", repository=number)
        copy = pgbackrest.copies(name, repository=number)[-1]
        if copy.error:
            raise Failed(f"{name}: pages with wrong checksums were met; pgbackrest info tells which")
        made[store] = copy
        say(
            f"{name}: {copy.kind} {copy.label} on {store}, {copy.bytes / 1e6:,.1f} MB as {copy.stored / 1e6:,.1f} MB,"
            f" {(copy.ended_at - copy.began_at).total_seconds():.0f} s"
        )
    first = made[stores[0]]
    return {store: copy.label for store, copy in made.items()}, first.kind, first.bytes, first.stored


def prune(stores: list[str]) -> list[str]:
    """Remove our own files of backups whose copies pgBackRest has let go; return their labels.

    pgBackRest keeps BACKUP_KEEP_FULL full backups, or those of BACKUP_KEEP_DAYS and one before; only whole ones count,
    so a failed one never ends the last good one. A folder without a manifest is left of a backup that failed.
    """
    kept = {
        (store, name): {each.label for each in pgbackrest.copies(name, repository=number)}
        for number, store in enumerate(stores, 1)
        for name in settings.BACKUP_SERVERS
    }
    gone: set[str] = set()
    for store in stores:
        for label in vault(store).folders():
            try:
                made = manifest.load(label, store)
            except Failed:
                continue
            here = {name: each for name, each in made.servers.items() if (store, name) in kept}
            if any(each.copies.get(store) not in kept[store, name] for name, each in here.items()):
                vault(store).remove(label)
                gone.add(label)
    with contextlib.suppress(DatabaseError, ShardUnavailable):
        Backup.objects.filter(label__in=gone).update(state=Backup.State.PRUNED)
    return sorted(gone)


def _save(row: Backup) -> bool:
    """Tell main, if it answers; return whether it knows."""
    try:
        row.save()
    except (DatabaseError, ShardUnavailable):
        return False
    return True
