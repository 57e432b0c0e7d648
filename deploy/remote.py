"""Commands on many hosts at once: each answers, fails or is given up by itself; nobody waits for a dead one.

Connections are kept for the life of the program, so a later command costs one round trip.
"""

import contextlib
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from shlex import join
from typing import Any

from fabric import Connection

from deploy.inventory import Host, Inventory

#: SSH handshakes cost this program's CPU: more at once only wait for each other.
AT_ONCE = 16


@dataclass(frozen=True)
class Answer:
    """What a host said. away: it said nothing, the text is why."""

    host: Host
    ok: bool
    text: str
    away: bool = False


class Fleet:
    """Open connections to the hosts of an inventory. dry: say what would be run, run nothing."""

    def __init__(self, inventory: Inventory, *, dry: bool = False, say: Callable[[str], None] = print) -> None:
        self.inventory, self.dry, self.say = inventory, dry, say
        #: Known as soon as somebody asked for it (deploy/manage.py).
        self.keeper: Host | None = None
        #: By name and account: provisioning comes as another one.
        self._connections: dict[tuple[str, str], Connection] = {}

    def run(
        self, hosts: Iterable[Host], command: Callable[[Host], list[str] | str], *, seconds: float = 60.0
    ) -> list[Answer]:
        """Run a command on each host, side by side; the answers come in the order of hosts, and none raises.

        command: of a host; words, or one line for its shell. seconds: then the host is given up.
        """
        return self._run(hosts, command, seconds, dry=self.dry)

    def _run(
        self,
        hosts: Iterable[Host],
        command: Callable[[Host], list[str] | str],
        seconds: float,
        *,
        dry: bool,
        secret: str = "",
    ) -> list[Answer]:
        def one(host: Host) -> Answer:
            asked = command(host)
            line = asked if isinstance(asked, str) else join(asked)
            if dry:
                return Answer(host, True, f"would run: {line}")
            try:
                stream = StringIO(secret) if secret else False
                result = self._connection(host).run(line, hide=True, warn=True, in_stream=stream, timeout=seconds)
            except Exception as error:  # paramiko, socket and invoke each have their own
                self._drop(host)
                return Answer(host, False, f"does not answer: {_words(error)}", away=True)
            text = result.stdout.strip() if result.ok else (result.stdout + result.stderr).strip()
            return Answer(host, result.ok, text)

        return self._each(hosts, one)

    def read(
        self,
        hosts: Iterable[Host],
        command: Callable[[Host], list[str] | str],
        *,
        seconds: float = 30.0,
        secret: str = "",
    ) -> list[Answer]:
        """As run(), for commands that change nothing: a dry run runs them, too.

        secret: given on standard input, a hundredth of a second a character: words are there for everybody to read.
        """
        return self._run(hosts, command, seconds, dry=False, secret=secret)

    def put(
        self, hosts: Iterable[Host], file: Path, target: Callable[[Host], str], *, private: bool = False
    ) -> list[Answer]:
        """Copy a file to each host, whole or not at all. private: for its owner alone to read, from the first byte."""

        def one(host: Host) -> Answer:
            to = target(host)
            if self.dry:
                return Answer(host, True, f"would copy {file.name} to {to}")
            try:
                connection = self._connection(host)
                with connection.sftp() as sftp:  # closed afterwards: an idle channel counts against MaxSessions
                    if folder := os.path.dirname(to):  # noqa: PTH120  # a path of the host's, not of ours
                        with contextlib.suppress(OSError):
                            sftp.mkdir(folder)
                    if private:
                        with sftp.open(f"{to}.part", "w") as empty:
                            empty.chmod(0o600)
                    sftp.put(str(file), f"{to}.part")
                    sftp.posix_rename(f"{to}.part", to)
                connection._sftp = None
            except Exception as error:  # as in run()
                self._drop(host)
                return Answer(host, False, f"does not take {file.name}: {_words(error)}", away=True)
            return Answer(host, True, "copied")

        return self._each(hosts, one)

    def close(self) -> None:
        """Hang up."""
        for connection in self._connections.values():
            with contextlib.suppress(Exception):
                connection.close()
        self._connections.clear()

    def _each(self, hosts: Iterable[Host], one: Callable[[Host], Answer]) -> list[Answer]:
        hosts = list(hosts)
        if not hosts:
            return []
        with ThreadPoolExecutor(min(AT_ONCE, len(hosts))) as pool:
            return list(pool.map(one, hosts))

    def _connection(self, host: Host) -> Connection:
        found = self._connections.get((host.name, host.user))
        if found is None:
            options: dict[str, Any] = {"banner_timeout": 10, "auth_timeout": 10}
            if self.inventory.ssh_key:
                options["key_filename"] = str(Path(self.inventory.ssh_key).expanduser())
            found = self._connections[host.name, host.user] = Connection(
                host.address,
                user=host.user,
                port=host.port,
                connect_timeout=int(max(1, self.inventory.rollout.connect_s)),
                connect_kwargs=options,
            )
        return found

    def _drop(self, host: Host) -> None:
        connection = self._connections.pop((host.name, host.user), None)
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.close()


def failed(answers: Iterable[Answer]) -> list[Answer]:
    """Return the answers of hosts on which it did not work."""
    return [answer for answer in answers if not answer.ok]


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
