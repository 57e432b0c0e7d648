"""restore --in-place: take the servers of this host themselves back to a moment.

The servers are stopped, their files made those of the backup (only what differs is fetched), recovered on a port where
no client finds them, and only then started as they were: clients meet a server that is away, never one half restored.
"""

import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from instagram import topology

from . import pgbackrest, servers
from .errors import Failed, Refused
from .local_stack import LocalStack
from .restoring import Plan
from .scratch import Target, own_folder, pg_ctl, recover, targets, write_owned

Say = Callable[[str], None]
#: Seconds until a server that was restored answers its clients.
BACK_S = 60.0


class Hosts:
    """Servers that the host's own init runs: BACKUP_PG_STOP and BACKUP_PG_START. Our own code is stopped before."""

    @contextmanager
    def clients_away(self, say: Say) -> Iterator[None]:
        """Leave them alone: they run on other hosts, where `fab restore --in-place` has stopped them."""
        yield

    def stop(self, name: str) -> None:
        """Stop a server. Raises Failed."""
        _ordered(settings.BACKUP_PG_STOP, name)

    def start(self, name: str) -> None:
        """Start it again. Raises Failed."""
        _ordered(settings.BACKUP_PG_START, name)


def restore_in_place(what: Plan, *, say: Say, heal: Callable[[], None]) -> None:
    """Take the plan's servers back to its moment, then heal. Raises Refused, Failed; run it again then.

    Where the local data centre runs, our own code is held meanwhile; on hosts `fab restore` has stopped it.
    """
    hands = _hands()
    with hands.clients_away(say):
        for name in what.copies:
            hands.stop(name)
        say(f"stopped: {', '.join(what.copies)}")
        servers.each(lambda name: _taken_back(name, what, say=say), list(what.copies))
        for name in what.copies:
            hands.start(name)
            _wait_for(name)
            _forget_replica(name, say=say)
        heal()


def _hands() -> Hosts | LocalStack:
    if settings.BACKUP_PG_STOP and settings.BACKUP_PG_START:
        return Hosts()
    return LocalStack()


def _taken_back(name: str, what: Plan, *, say: Say) -> None:
    data = servers.data_directory(name)
    if (data / "postmaster.pid").exists():
        raise Refused(f"{name} still runs, or was killed: {data / 'postmaster.pid'} is there.")
    own_folder(data)  # a disk that was lost is laid out whole
    pgbackrest.restore(name, label=what.copies[name], into=data, repository=what.repository, delta=True)
    own_folder(settings.BACKUP_SCRATCH_DIR)
    port = settings.BACKUP_SCRATCH_PORT + list(settings.POSTGRES_PORTS).index(name)
    own = settings.BACKUP_SCRATCH_DIR.resolve() / f"{name}.in-place"
    hba = write_owned(own.with_suffix(".hba"), "host all postgres 127.0.0.1/32 scram-sha-256\n")
    # Its own configuration, archive included: the new timeline's history must go there.
    lines = [
        f"include '{Path(settings.BACKUP_PG_CONF.format(server=name)).resolve()}'",
        f"port = {port}",
        f"hba_file = '{hba}'",
    ]
    lines += ["listen_addresses = '127.0.0.1'", *targets(Target.moment(what.to))]
    conf = write_owned(own.with_suffix(".conf"), "\n".join(lines) + "\n")
    recover(name, data, conf, log=own.with_suffix(".log"), port=port, target=Target.moment(what.to))
    pg_ctl(name, "stop", "-D", str(data), "-m", "fast", "-w", "-t", "300")
    say(f"{name} is as it was")


def _wait_for(name: str) -> None:
    deadline = time.monotonic() + BACK_S
    while True:
        try:
            with servers.superuser(name):
                return
        except Failed:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _forget_replica(name: str, *, say: Say) -> None:
    """Let commits wait for nobody: a replica is beyond the moment and follows no more, until it is made anew."""
    with servers.superuser(name) as connection, connection.cursor() as cursor:
        cursor.execute("ALTER SYSTEM RESET synchronous_standby_names")
        cursor.execute("SELECT pg_reload_conf()")
    if topology.replica(name) is not None:
        say(f"the replica of {name} must be made anew: manage.py replicas rebuild {name} (docs/failover.md)")


def _ordered(command: str, name: str) -> None:
    result = subprocess.run(
        shlex.split(command.format(server=name)), check=False, capture_output=True, text=True, timeout=300
    )
    if result.returncode:
        raise Failed(f"{name}: {command.format(server=name)}: {(result.stdout + result.stderr).strip()}")
