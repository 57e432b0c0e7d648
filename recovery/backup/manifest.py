"""What a backup holds, written beside it as JSON with a seal over all of it."""

import hashlib
import hmac
import json
import tempfile
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from .census import Census
from .errors import Failed
from .vault import sealed, unsealed, vault

NAME = "manifest.json"


@dataclass
class Part:
    """A file of the backup. sha256: as it is stored. facts: what it tells (keys, objects, bytes)."""

    name: str
    sha256: str
    bytes: int
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass
class ServerCopy:
    """One server. copies: pgBackRest's label by store."""

    copies: dict[str, str]
    kind: str
    bytes: int
    stored: int
    census: Census


@dataclass
class Manifest:
    """One backup. label: when it began, UTC, and the first of its servers."""

    label: str
    release: str
    servers: dict[str, ServerCopy]
    parts: list[Part] = field(default_factory=list)

    @property
    def at(self) -> datetime:
        """Return the latest of the servers' restore points."""
        return max(each.census.at for each in self.servers.values())

    def part(self, name: str) -> Part | None:
        """Return the part of that name, if there is one."""
        return next((each for each in self.parts if each.name == name), None)


def store(manifest: Manifest, stores: list[str], files: dict[str, Path]) -> None:
    """Put the files, then the manifest, into every store; parts are noted as they are stored. Raises Failed.

    files: by name, made for the manifest's parts; their facts are in the manifest already.
    """
    for part in manifest.parts:
        stored = sealed(files[part.name])
        part.sha256, part.bytes = sha256_of(stored), stored.stat().st_size
        for each in stores:
            vault(each).put(f"{manifest.label}/{part.name}", stored)
    body = json.dumps(asdict(manifest), default=str, sort_keys=True)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / NAME
        file.write_text(json.dumps({"seal": _seal(body), "manifest": body}))
        for each in stores:
            vault(each).put(f"{manifest.label}/{NAME}", file)


def load(label: str, store_name: str) -> Manifest:
    """Return the manifest of a backup. Raises Failed when it is not there or was altered."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / NAME
        vault(store_name).get(f"{label}/{NAME}", file)
        try:
            content = json.loads(file.read_text())
            body = content["manifest"]
            if not hmac.compare_digest(_seal(body), content["seal"]):
                raise Failed(f"the manifest of {label} was altered, or BACKUP_KEY is another one")
            return _read(json.loads(body))
        except (ValueError, KeyError, TypeError) as error:
            raise Failed(f"the manifest of {label} cannot be read: {error}") from error


def fetch(manifest: Manifest, part: Part, store_name: str, folder: Path) -> Path:
    """Return a part's content as a file in `folder`, held against its checksum. Raises Failed."""
    file = folder / part.name
    vault(store_name).get(f"{manifest.label}/{part.name}", file)
    if sha256_of(file) != part.sha256:
        raise Failed(f"{part.name} of {manifest.label} is not what was stored")
    return unsealed(file)


def sha256_of(file: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def _seal(body: str) -> str:
    # Without encryption it finds accidents; with it, intent too.
    key = settings.BACKUP_KEY if settings.BACKUP_ENCRYPT else "plain"
    return hmac.new(key.encode(), body.encode(), hashlib.sha256).hexdigest()


def _read(facts: dict[str, Any]) -> Manifest:
    servers = {}
    for name, each in facts["servers"].items():
        seen = each.pop("census")
        tables = {table: (rows, checksum) for table, (rows, checksum) in seen["tables"].items()}
        moment = datetime.fromisoformat(seen["at"])
        servers[name] = ServerCopy(**each, census=Census(seen["point"], moment, seen["exact"], tables))
    return Manifest(facts["label"], facts["release"], servers, [Part(**each) for each in facts["parts"]])
