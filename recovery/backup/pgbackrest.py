"""pgBackRest: its configuration, written from our settings, and its commands, run as the account of the servers.

A stanza is a server's name. Repository 1 is the first of BACKUP_STORES, 2 the second. As soon as the configuration is
there, the servers' archive_command (stack/templates/postgresql.conf) sends WAL to all of them.
"""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from instagram import topology
from stack import accounts

from . import servers
from .errors import Failed, Refused

PROGRAM = "pgbackrest"
STORES = ("disk", "s3")


@dataclass(frozen=True)
class Copy:
    """A backup of one server, as pgBackRest lists it. bytes: of the database; stored: what it added to the store."""

    label: str
    kind: str
    began_at: datetime
    ended_at: datetime
    bytes: int
    stored: int
    error: bool


def write_configuration(*, change: bool = False) -> None:
    """Write BACKUP_CONF_FILE, the servers' account's alone, if it is not there. Raises Refused.

    change: also when it says something else than the settings. The servers archive by it: what only reads backups must
    not send their WAL elsewhere, or under another key, because of a shell's environment.
    """
    if shutil.which(PROGRAM) is None:
        raise Refused("pgbackrest is not installed here: apt-get install pgbackrest")
    text = configuration()
    file = settings.BACKUP_CONF_FILE.resolve()
    account = accounts.servers()
    try:
        for folder in (*([settings.BACKUP_DIR / "postgres"] if "disk" in stores() else []), _locks()):
            folder.mkdir(mode=0o750, parents=True, exist_ok=True)
            account.own(folder)
        there = file.exists()
        if there and file.read_text() != text and not change:
            raise Refused(
                f"the settings are not those of {file}, by which WAL is archived: manage.py backup writes it."
            )
        if not there or file.read_text() != text:
            file.parent.mkdir(parents=True, exist_ok=True)
            account.write(file, text)
    except OSError as error:
        raise Refused(f"{error.filename} cannot be written: {error.strerror}.") from error


def stores() -> list[str]:
    """Return BACKUP_STORES, checked. Raises Refused."""
    names: list[str] = settings.BACKUP_STORES
    if not names or [name for name in names if name not in STORES] or len(set(names)) < len(names):
        raise Refused(f"BACKUP_STORES is {','.join(names) or 'empty'}: it may be disk, s3, or both.")
    return names


def repository_of(store: str) -> int:
    """Return the number of a store's repository; "": of the first one, which is read from. Raises Refused."""
    known = stores()
    if store and store not in known:
        raise Refused(f"BACKUP_STORES has no {store}; it is {','.join(known)}.")
    return known.index(store) + 1 if store else 1


def configuration() -> str:
    """Return pgBackRest's configuration as the settings want it."""
    lines = [
        "# Written by manage.py backup from the settings: change those.",
        "[global]",
        "log-level-file=off",
        "log-level-console=warn",
        f"lock-path={_locks()}",
        f"spool-path={_locks()}",
        "start-fast=y",
        "compress-type=zst",
        f"process-max={settings.BACKUP_PROCESSES}",
        # A store that hangs is given up within a minute, not half an hour.
        "io-timeout=20",
        "protocol-timeout=330",
        "db-timeout=300",
        f"archive-push-queue-max={settings.BACKUP_WAL_QUEUE_MB}MB",
    ]
    for number, store in enumerate(stores(), 1):
        lines += [f"repo{number}-{line}" for line in _repository(store)]
    for name in settings.BACKUP_SERVERS:
        lines += [
            f"[{name}]",
            f"pg1-path={servers.data_directory(name)}",
            f"pg1-port={servers.own_node(name).port}",
            "pg1-user=postgres",
        ]
    return "\n".join(lines) + "\n"


def _repository(store: str) -> list[str]:
    lines = ["bundle=y"]  # thousands of small tables: one object for many of them
    if settings.BACKUP_KEEP_DAYS:
        lines += ["retention-full-type=time", f"retention-full={settings.BACKUP_KEEP_DAYS}"]
    else:
        lines += [f"retention-full={settings.BACKUP_KEEP_FULL}"]
    if settings.BACKUP_ENCRYPT:
        lines += ["cipher-type=aes-256-cbc", f"cipher-pass={settings.BACKUP_KEY}"]
    if store == "disk":
        return [*lines, f"path={settings.BACKUP_DIR.resolve() / 'postgres'}"]
    endpoint = urlsplit(settings.BACKUP_S3_ENDPOINT or f"https://s3.{settings.BACKUP_S3_REGION}.amazonaws.com")
    if endpoint.scheme != "https" or not endpoint.hostname:
        raise Refused(f"BACKUP_S3_ENDPOINT is {settings.BACKUP_S3_ENDPOINT}: pgBackRest needs an https:// address.")
    lines += [
        "type=s3",
        "path=/postgres",
        f"s3-bucket={settings.BACKUP_S3_BUCKET}",
        f"s3-endpoint={endpoint.hostname}",
        f"storage-port={endpoint.port or 443}",
        f"s3-region={settings.BACKUP_S3_REGION}",
        f"s3-uri-style={'path' if settings.S3_ADDRESSING == 'path' else 'host'}",
    ]
    if settings.BACKUP_S3_CA_FILE and settings.BACKUP_S3_ENDPOINT:
        lines.append(f"storage-ca-file={Path(settings.BACKUP_S3_CA_FILE).resolve()}")
    if settings.BACKUP_S3_ACCESS_KEY:
        return [*lines, f"s3-key={settings.BACKUP_S3_ACCESS_KEY}", f"s3-key-secret={settings.BACKUP_S3_SECRET_KEY}"]
    return [*lines, "s3-key-type=auto"]  # the machine's role


def _locks() -> Path:
    folder: Path = settings.BACKUP_STATE_DIR.resolve() / "run" / PROGRAM
    return folder


def prepare(server: str) -> None:
    """Make the server's place in every repository; harmless when it is there. Raises Failed."""
    run("stanza-create", server)


def back_up(server: str, *, kind: str, repository: int) -> None:
    """Copy a server. kind: "full" or "diff" (made full where there is no full one). Raises Failed."""
    run("backup", server, f"--type={kind}", f"--repo={repository}")


def copies(server: str, *, repository: int = 1) -> list[Copy]:
    """Return the server's backups, oldest first; none when there is no repository yet. Raises Failed."""
    said = json.loads(run("info", server, f"--repo={repository}", "--output=json"))
    return [_copy(each) for stanza in said for each in stanza.get("backup", [])]


def _copy(facts: dict[str, Any]) -> Copy:
    return Copy(
        label=facts["label"],
        kind=facts["type"],
        began_at=datetime.fromtimestamp(facts["timestamp"]["start"], UTC),
        ended_at=datetime.fromtimestamp(facts["timestamp"]["stop"], UTC),
        bytes=facts["info"]["size"],
        stored=facts["info"]["repository"]["delta"],
        error=bool(facts.get("error")),
    )


def restore(server: str, *, label: str, into: Path, repository: int = 1, delta: bool = False) -> None:
    """Lay a backup's files into a directory, with what recovery needs to fetch WAL. Raises Failed.

    delta: only what differs from what is there. A directory that is not the server's own never archives.
    """
    more = ["--delta"] if delta else ["--archive-mode=off"]
    run("restore", server, f"--set={label}", f"--repo={repository}", f"--pg1-path={into}", "--type=default", *more)


def run(verb: str, server: str, *options: str) -> str:
    """Run a command of pgBackRest's; return what it printed. Raises Failed with its own first sentence."""
    if server not in settings.BACKUP_SERVERS:
        raise Refused(f"{server} is none of this host's servers ({', '.join(settings.BACKUP_SERVERS)}).")
    words = [PROGRAM, f"--config={settings.BACKUP_CONF_FILE.resolve()}", f"--stanza={server}", *options, verb]
    result = subprocess.run(
        words,
        check=False,
        capture_output=True,
        text=True,
        cwd="/",
        env={
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            # It knows sockets alone; libpq knows better. Not DB_HOST: on hosts that is the pooler's.
            "PGHOST": topology.primary(server).host,
            "PGPASSWORD": settings.DB_SUPERUSER_PASSWORD,
            "TZ": os.environ.get("TZ", ""),
        },
        **accounts.servers().popen_arguments(),
    )
    if result.returncode:
        raise Failed(f"{server}: pgbackrest {verb}: {_first_sentence(result.stdout + result.stderr)}")
    return result.stdout


def _first_sentence(said: str) -> str:
    lines = [line for line in said.splitlines() if line.startswith("ERROR:")] or said.splitlines()
    return (lines or ["it said nothing"])[0].removeprefix("ERROR: ").strip()
