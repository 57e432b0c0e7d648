"""A server laid out of a backup: started, recovered to a moment or a restore point, asked, stopped, removed.

pg_ctl does it, as the account of the servers, on a port of its own and with a configuration that holds nothing but what
recovery needs. It never archives, and sees no client but us.
"""

import shutil
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from shlex import quote
from typing import Literal

from django.conf import settings

from stack import accounts
from stack.replicas import POSTGRES_BIN

from . import pgbackrest
from .errors import Failed, Refused
from .servers import superuser

#: Seconds that a recovery may take. A day's WAL of a busy server is an hour's work.
RECOVERY_S = 4 * 3_600
#: What a copy must be able to hold at least, from pg_controldata: the original's, or it would not recover.
_AT_LEAST = {
    "max_connections setting": "max_connections",
    "max_worker_processes setting": "max_worker_processes",
    "max_wal_senders setting": "max_wal_senders",
    "max_prepared_xacts setting": "max_prepared_transactions",
    "max_locks_per_xact setting": "max_locks_per_transaction",
}


@dataclass(frozen=True)
class Target:
    """Where recovery stops. kind: "time" or "name" (a restore point). hold: stay there, readable, and go on later."""

    kind: Literal["time", "name"]
    value: str
    hold: bool = False

    @classmethod
    def moment(cls, at: datetime) -> "Target":
        """Return the target of a moment: transactions that committed at it or before are there."""
        return cls("time", at.isoformat())


@dataclass(frozen=True)
class Scratch:
    """A copy of a server. folder: its data lie in folder/server."""

    server: str
    folder: Path
    port: int

    @property
    def data(self) -> Path:
        """Return its data directory."""
        return self.folder / self.server

    def lay_out(self, label: str, *, repository: int = 1) -> None:
        """Fetch a backup's files. Raises Failed, Refused (it is there already)."""
        if self.data.exists():
            raise Refused(f"{self.data} is there already: manage.py restore --remove removes it.")
        own_folder(self.folder)
        own_folder(self.data)
        pgbackrest.restore(self.server, label=label, into=self.data, repository=repository)

    def recover(self, target: Target | None) -> None:
        """Start it and return when it has reached the target (None: the end of the archive). Raises Failed."""
        recover(self.server, self.data, self._configuration(target), log=self._log, port=self.port, target=target)

    def stop(self) -> None:
        """Stop it; harmless when it does not run."""
        if (self.data / "postmaster.pid").exists():
            with suppress(Failed):
                pg_ctl(self.server, "stop", "-D", str(self.data), "-m", "immediate", "-w", "-t", "60")

    def remove(self) -> None:
        """Stop it and delete all of it."""
        self.stop()
        shutil.rmtree(self.data, ignore_errors=True)
        for file in (self._log, self._file("conf"), self._file("hba")):
            file.unlink(missing_ok=True)
        with suppress(OSError):
            self.folder.rmdir()

    @property
    def _log(self) -> Path:
        return self._file("log")

    def _file(self, kind: str) -> Path:
        return self.folder / f"{self.server}.{kind}"

    def _configuration(self, target: Target | None) -> Path:
        lines = [
            f"port = {self.port}",
            "listen_addresses = '127.0.0.1'",
            "unix_socket_directories = ''",
            f"hba_file = '{self._hba()}'",
            "archive_mode = off",
            "hot_standby = on",
            # A copy that is lost is made again.
            "fsync = off",
            "shared_buffers = 64MB",
            "timezone = 'UTC'",
            "log_timezone = 'UTC'",
            "lc_messages = 'C'",
            *(f"{name} = {value}" for name, value in _at_least(self.data).items()),
            *targets(target),
        ]
        return write_owned(self._file("conf"), "\n".join(lines) + "\n")

    def _hba(self) -> Path:
        return write_owned(self._file("hba"), "host all all 127.0.0.1/32 scram-sha-256\n")


def scratches(servers: list[str], folder: Path, first_port: int) -> dict[str, Scratch]:
    """Return the places of copies of these servers, on ports in the order of all servers."""
    order = list(settings.POSTGRES_PORTS)
    return {name: Scratch(name, folder, first_port + order.index(name)) for name in servers}


def targets(target: Target | None) -> list[str]:
    """Return the lines of postgresql.conf that stop a recovery."""
    if target is None:
        return []
    action = "pause" if target.hold else "promote"
    return [f"recovery_target_{target.kind} = '{target.value}'", f"recovery_target_action = '{action}'"]


def recover(server: str, data: Path, conf: Path, *, log: Path, port: int, target: Target | None) -> None:
    """Start a data directory with a configuration and wait until it is where it shall be. Raises Failed."""
    write_owned(log, "")
    try:
        # Ready may mean: readable, on its way.
        options = f"-c config_file={quote(str(conf))}"
        pg_ctl(server, "start", "-D", str(data), "-l", str(log), "-w", "-t", str(RECOVERY_S), "-o", options)
    except Failed as error:
        raise Failed(f"{server}: {_why(log) or error}") from error
    deadline = time.monotonic() + RECOVERY_S
    question = "SELECT pg_is_in_recovery(), pg_is_in_recovery() AND pg_get_wal_replay_pause_state() = 'paused'"
    while time.monotonic() < deadline:
        if not (data / "postmaster.pid").exists():
            raise Failed(f"{server}: {_why(log) or 'recovery ended without a word'}")
        try:
            with superuser(server, port=port, database="postgres") as connection, connection.cursor() as cursor:
                cursor.execute(question)
                recovering, held = cursor.fetchone()
        except Failed:
            recovering, held = True, False  # it ends sessions when it is promoted, and when it fails
        if held or not recovering:
            return
        time.sleep(0.1)
    raise Failed(f"{server}: recovery takes longer than {RECOVERY_S} s")


def _why(log: Path) -> str:
    """Return what a server's log says of why it ended, in a sentence."""
    lines = log.read_text(errors="replace").splitlines()
    fatal = next((line.partition("FATAL:")[2].strip() for line in lines if "FATAL:" in line), "")
    if "before configured recovery target was reached" in fatal:
        last = [
            line.rpartition("log time ")[2] for line in lines if "last completed transaction was at log time" in line
        ]
        return f"the archive does not reach that moment; it ends at {last[-1] if last else 'the end of the backup'}"
    return fatal


def pg_ctl(server: str, *words: str) -> None:
    """Run pg_ctl as the account of the servers. Raises Failed."""
    result = subprocess.run(
        [str(POSTGRES_BIN / "pg_ctl"), *words],
        check=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # the server would hold a pipe open
        stdin=subprocess.DEVNULL,
        cwd="/",
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"},
        **accounts.servers().popen_arguments(),
    )
    if result.returncode:
        raise Failed(f"{server}: pg_ctl {words[0]} did not work")


def write_owned(file: Path, text: str) -> Path:
    """Write a file that the account of the servers owns and reads alone; return it."""
    accounts.servers().write(file, text)
    return file


def own_folder(folder: Path) -> None:
    """Make a folder of the servers' account."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"{folder} cannot be made: {error.strerror}.") from error
    accounts.servers().own(folder)


def _at_least(data: Path) -> dict[str, str]:
    said = subprocess.run(
        [str(POSTGRES_BIN / "pg_controldata"), str(data)], check=True, capture_output=True, text=True, env={"LANG": "C"}
    ).stdout
    facts = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in said.splitlines())}
    return {setting: facts[name] for name, setting in _AT_LEAST.items()}
