"""Make bare hosts ready: packages, accounts, folders, units, configuration by role. Safe to repeat."""

import io
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from tempfile import NamedTemporaryFile

from deploy import haproxy, maintenance, primaries, servers
from deploy.inventory import RELEASED, Host, Inventory
from deploy.remote import AT_ONCE, Answer, Fleet

HERE = Path(__file__).parent
#: In the home of who signs in; gone afterwards.
_ARCHIVE = ".provision.tar"


class ProvisionError(Exception):
    """Nothing was begun; the sentence says what is missing."""


@dataclass(frozen=True)
class File:
    """A file on a host. owner: "user:group". once: only where there is none; what is there stays."""

    text: str
    mode: int = 0o644
    owner: str = "root:root"
    once: bool = False


def provision(fleet: Fleet, hosts: list[Host], *, user: str = "root") -> list[Answer]:
    """Make hosts ready for their roles, side by side; each answers with what was changed.

    user: signs in there, is or becomes root. Cost: apt's where packages are missing, a second a host where nothing is.
    Raises ProvisionError.
    """
    if lacking := sorted({name for host in hosts for name in servers.missing_secrets(host)}):
        raise ProvisionError(f"set {', '.join(lacking)} in the environment: they go into configuration files")
    if any("db" in host.roles for host in hosts) and not fleet.inventory.servers:
        raise ProvisionError(f"{fleet.inventory.path}: [servers.NAME] must say what the db hosts hold")
    script = (HERE / "host" / "provision").read_text()
    # A host must not be sent to a primary of before a promotion. Asked as who writes it: may that be, so may this.
    known = primaries.newest(fleet, [replace(host, user=user) for host in fleet.inventory.with_role(*RELEASED)])

    def one(host: Host) -> Answer:
        contents = files(fleet.inventory, host, known)
        roles = " ".join(host.roles)
        if fleet.dry:
            return Answer(host, True, f"would make ready for {roles}: packages, accounts, {' '.join(sorted(contents))}")
        # In a file of its own and not as words: arguments of a program are there for everybody to read.
        there = [replace(host, user=user)]
        with NamedTemporaryFile(suffix=".tar") as archive:
            archive.write(archive_of(contents))
            archive.flush()
            copied = fleet.put(there, Path(archive.name), lambda _: _ARCHIVE, private=True)[0]
        if not copied.ok:
            return copied
        words = f"provision {quote(host.base)} {quote(host.user)} {quote(','.join(host.units))} {_ARCHIVE} {roles}"
        return fleet.run(
            there, lambda _: f"{'' if user == 'root' else 'sudo -n '}bash -c {quote(script)} {words}", seconds=900
        )[0]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, hosts))


def files(inventory: Inventory, host: Host, known: primaries.Facts) -> dict[str, File]:
    """Return what is installed on a host besides packages: path -> file. known: of primaries, by other hosts."""
    found: dict[str, File] = {}
    if host.has_release:
        found |= _of_releases(inventory, host, known)
        found["/etc/sudoers.d/instagram-deploy"] = File("".join(_sudo(inventory, host)), 0o440)
    for role in host.roles:
        found |= _of_role(inventory, host, role)
    return found


def _of_releases(inventory: Inventory, host: Host, known: primaries.Facts) -> dict[str, File]:
    """Return what code of ours needs on a host: its unit, its environment, the pooler in front of every database."""
    found: dict[str, File] = {}
    if host.units:
        unit = (HERE / "systemd" / "instagram@.service").read_text().replace("/srv/instagram", host.base)
        found["/etc/systemd/system/instagram@.service"] = File(unit)
    found[f"{host.base}/shared/site.env"] = File(servers.site_environment(inventory, host))
    # As `fab promote` finds and leaves it.
    found[f"{host.base}/shared/topology.json"] = File(
        primaries.topology(inventory, known), owner=f"{host.user}:instagram"
    )
    found["/etc/pgbouncer/pgbouncer.ini"] = File(servers.pgbouncer(), 0o640, "root:postgres")
    found["/etc/pgbouncer/databases.ini"] = File(primaries.databases(inventory, known), owner="root:postgres")
    found["/etc/pgbouncer/userlist.txt"] = File(servers.pgbouncer_users(), 0o640, "root:postgres")
    return found


def _of_role(inventory: Inventory, host: Host, role: str) -> dict[str, File]:
    if role == "app":
        return {"/etc/nginx/nginx.conf": File(servers.nginx(inventory, host))}
    if role == "lb":
        return {
            f"{host.conf}/haproxy.cfg": File(haproxy.rendered(inventory, host)),
            f"{host.conf}/maintenance.html": File(haproxy.page()),
            f"{host.conf}/{maintenance.MAP}": File("", owner=f"{host.user}:root", once=True),
        }
    if role == "cache":
        return {
            "/etc/redis/redis.conf": File(servers.redis(host), 0o640, "redis:redis"),
            "/etc/memcached.conf": File(servers.memcached(host)),
            "/etc/default/gearman-job-server": File(servers.gearmand(host)),
        }
    if role == "db":
        cluster = servers.CLUSTER_CONF
        # Timers of backups and what they start.
        timed = (HERE / "systemd").glob("instagram-*.*")
        return {
            f"/etc/systemd/system/{each.name}": File(each.read_text().replace("/srv/instagram", host.base))
            for each in sorted(timed)
        } | {
            f"{cluster}/conf.d/instagram.conf": File(servers.postgresql(inventory, host), owner="postgres:postgres"),
            f"{cluster}/pg_hba.conf": File(servers.pg_hba(inventory), 0o640, "postgres:postgres"),
            # Ours beside the cluster, run by psql at the end; not for everybody to read.
            f"{cluster}/instagram-roles.sql": File(
                servers.roles_and_databases(inventory, host), 0o600, "postgres:postgres"
            ),
        }
    return {}


def _sudo(inventory: Inventory, host: Host) -> Iterator[str]:
    yield "# Who deploys may restart and reload what a deploy restarts and reloads, and stop it for a restore.\n"
    for unit in sorted(set(host.units)):
        for verb in ("restart", "reload-or-restart", "status", "stop", "start"):
            yield f"{host.user} ALL=(root) NOPASSWD: /usr/bin/systemctl {verb} instagram@{unit}\n"
    if host.has_release:
        yield "# fab promote sends PgBouncer to another primary.\n"
        yield f"{host.user} ALL=(root) NOPASSWD: /usr/bin/tee /etc/pgbouncer/databases.ini\n"
        # Each command as it is said: psql, given others, starts a shell.
        console = "/usr/bin/psql -h /var/run/postgresql -p 6432 -U pgbouncer pgbouncer -v ON_ERROR_STOP\\=1 -qAtXc"
        commands = [f"{verb} {server}" for server in inventory.servers for verb in ("PAUSE", "RESUME")]
        for command in ("RELOAD", "SET query_wait_timeout \\= [0-9][0-9]", *commands):
            yield f"{host.user} ALL=(postgres) NOPASSWD: {console} {command}\n"
    if "db" in host.roles:
        yield "# fab promote ends, promotes and rebuilds a server.\n"
        yield f"{host.user} ALL=(postgres) NOPASSWD: ALL\n"
        for verb in ("stop", "start", "enable -q", "disable -q", "kill -s KILL"):
            yield f"{host.user} ALL=(root) NOPASSWD: /usr/bin/systemctl {verb} postgresql@15-main\n"
        yield "# A restore in place stops the server, and starts it.\n"
        for verb in ("stop", "start"):
            yield f"postgres ALL=(root) NOPASSWD: /usr/bin/systemctl {verb} postgresql@15-main\n"


def archive_of(contents: dict[str, File]) -> bytes:
    """Return a tar of files by path, and MANIFEST: a line each with path, mode, owner, and whether it is for once."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        manifest = "".join(
            f"{path} {file.mode:o} {file.owner} {'once' if file.once else 'always'}\n"
            for path, file in contents.items()
        )
        for path, text in {"MANIFEST": manifest, **{path: file.text for path, file in contents.items()}}.items():
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size, entry.mode = len(text.encode()), 0o600
            tar.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()
