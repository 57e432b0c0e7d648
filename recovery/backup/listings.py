"""The two other things of a backup: a snapshot of each Redis server, and the list of the photos' store."""

import csv
import gzip
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from photos.storage import StorageUnavailable
from photos.storage.store import found_below

from .errors import Failed
from .manifest import Part

OBJECTS = "objects.tsv.gz"


def redis_snapshots(folder: Path) -> Iterator[tuple[Part, Path]]:
    """Yield a snapshot (RDB, gzip) of each Redis server of the photo map, checked by Redis' own checker. Raises Failed.

    Cost: the server forks once; the map of 300 million photos is some 2 GB.
    """
    for number, address in enumerate(settings.PHOTO_MAP_SERVERS, 1):
        host, _, port = address.rpartition(":")
        file = folder / f"redis_{number}.rdb"
        _said(f"Redis {address}", ["redis-cli", "-h", host, "-p", port, "--rdb", str(file)])
        # As many are told as are in the file, which is what counts.
        said = _said(f"the snapshot of Redis {address}", ["redis-check-rdb", str(file)])
        keys = next((int(line.split()[0]) for line in said.splitlines() if line.endswith("keys read")), 0)
        packed = folder / f"{file.name}.gz"
        with file.open("rb") as source, gzip.open(packed, "wb", compresslevel=3) as out:
            shutil.copyfileobj(source, out)
        yield Part(packed.name, "", 0, {"server": address, "keys": keys, "bytes": file.stat().st_size}), packed


def _said(what: str, words: list[str]) -> str:
    try:
        result = subprocess.run(words, check=False, capture_output=True, text=True)
    except OSError as error:
        raise Failed(f"{what}: {words[0]} cannot be run: {error.strerror} (apt-get install redis-tools)") from error
    said = result.stdout + result.stderr
    if result.returncode or "\nERR" in said:
        raise Failed(f"{what}: {(said.strip().splitlines() or ['no answer'])[-1]}")
    return "\n".join(line.partition("] ")[2] if line.startswith("[") else line for line in result.stdout.splitlines())


def object_list(folder: Path) -> tuple[Part, Path]:
    """Write down every object of the photos' store: key, bytes, etag, a line each, by key. Raises Failed.

    Cost: a request per 1,000 objects, some 100 bytes an object.
    """
    file, count, size = folder / OBJECTS, 0, 0
    try:
        with gzip.open(file, "wt", newline="", encoding="utf-8") as out:
            writer = csv.writer(out, delimiter="\t", lineterminator="\n")
            for page in found_below(""):
                for each in page:
                    writer.writerow((each.key, each.bytes, each.etag))
                    count, size = count + 1, size + each.bytes
    except StorageUnavailable as error:
        raise Failed("the photos' store does not answer") from error
    return Part(OBJECTS, "", 0, {"objects": count, "bytes": size}), file


def holds(listing: Path, keys: set[str]) -> bool:
    """Say whether a listing has one of the keys."""
    with gzip.open(listing, "rt", newline="", encoding="utf-8") as lines:
        return any(row[0] in keys for row in csv.reader(lines, delimiter="\t"))


def objects_gone(listing: Path) -> Iterator[tuple[str, str]]:
    """Yield (key, what happened) of what is in a listing but no longer, or otherwise, in the store. Raises Failed.

    Both are read side by side in the order of keys; neither is held in memory.
    """
    with gzip.open(listing, "rt", newline="", encoding="utf-8") as lines:
        there = (each for page in found_below("") for each in page)
        now = next(there, None)
        try:
            for key, _, etag in csv.reader(lines, delimiter="\t"):
                while now is not None and now.key.encode() < key.encode():
                    now = next(there, None)
                if now is None or now.key != key:
                    yield key, "deleted"
                elif now.etag != etag:
                    yield key, "altered"
        except StorageUnavailable as error:
            raise Failed("the photos' store does not answer") from error
