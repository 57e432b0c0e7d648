"""fab promote on real hosts: sshd, two PostgreSQL nodes and a PgBouncer of the test's own."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg2
import pytest
from django.conf import settings

from deploy import inventory
from stack import accounts
from stack.replicas import POSTGRES_BIN
from tests.support.hosts import SSHD, Hosts, _sshd, free_ports, listens, new_key
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not Path(SSHD).exists(), reason="openssh-server is not installed"),
]

NODES = {"db-b1": "127.0.1.61", "db-b2": "127.0.1.62"}
APP = "127.0.1.60"


@dataclass
class Site:
    """Hosts db-b1, db-b2 with a node of shard_b each, and app-01 with the pooler."""

    hosts: Hosts
    pooler: int

    def ask(self, sql: str) -> list[tuple]:
        """Run a statement by way of the pooler, as the service does."""
        link = psycopg2.connect(host=APP, port=self.pooler, dbname="shard_b", user="postgres", connect_timeout=5)
        with contextlib.closing(link), link, link.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []

    @property
    def serves(self) -> str:
        """Which host serves the pooler's clients."""
        ((address,),) = self.ask("SELECT host(inet_server_addr())")
        return next(name for name, its in NODES.items() if its == address)

    def postmaster(self, name: str) -> psutil.Process:
        return psutil.Process(int((self.hosts.folder / name / "data" / "postmaster.pid").read_text().split()[0]))

    def kill(self, name: str) -> None:
        """Kill a node with all its backends."""
        postmaster = self.postmaster(name)
        everybody = [postmaster, *postmaster.children()]
        for process in everybody:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(everybody, timeout=5)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    folder = Path(tempfile.mkdtemp(prefix="instagram-promotion-"))
    folder.chmod(0o755)
    ssh, database, pooler = free_ports(3)
    _write_inventory(folder, ssh, database, pooler)
    found = Site(Hosts(folder, inventory.load(str(folder / "inventory.toml"))), pooler)
    for name, address in {"app-01": APP, **NODES}.items():
        (folder / name / "shared").mkdir(parents=True)
        if name in NODES:
            _configure(folder / name, address, name)
        found.hosts.sshd[name] = _sshd(folder, name, address, ssh)
    try:
        _first_node(folder / "db-b1", database)
        _pooler(folder / "app-01", pooler, database)
        wait_until(lambda: all(listens(each, ssh) for each in [APP, *NODES.values()]), what="sshd")
        wait_until(lambda: listens(APP, pooler), what="PgBouncer")
        yield found
    finally:
        for process in found.hosts.sshd.values():
            process.kill()
            process.wait()
        for name in NODES:
            with contextlib.suppress(FileNotFoundError, psutil.NoSuchProcess):
                found.kill(name)
        psutil.Process(int((folder / "app-01" / "pgbouncer.pid").read_text())).kill()
        shutil.rmtree(folder, ignore_errors=True)


def _write_inventory(folder: Path, ssh: int, database: int, pooler: int) -> None:
    user, key, account = accounts.myself().name, new_key(folder), accounts.servers().name
    lines = [f'[site]\nuser = "{user}"\nport = {ssh}\nservices = "processes"\nssh_key = "{key}"']
    roles = {"app-01": "app", **dict.fromkeys(NODES, "db")}
    for name, address in {"app-01": APP, **NODES}.items():
        also = '\nalso = ["guard"]' if name == "app-01" else ""
        lines.append(
            f'[hosts.{name}]\naddress = "{address}"\nroles = ["{roles[name]}"]\nbase = "{folder / name}"{also}'
        )
    lines.append(
        f'[servers.shard_b]\nnodes = {{db-b1 = {database}, db-b2 = {database}}}\naccount = "{account}"\n'
        'data = "{base}/data"\nconfig = "{base}/postgresql.conf"\nsocket = "{base}"\nsynchronous = true'
    )
    console = f"psql -h {APP} -p {pooler} -U postgres pgbouncer"
    lines.append(f'[pgbouncer]\nhosts = "app"\nfile = "{folder}/app-01/databases.ini"\nconsole = "{console}"')
    (folder / "inventory.toml").write_text("\n".join(lines))


def _configure(base: Path, address: str, name: str) -> None:
    accounts.servers().own(base)
    (base / "pg_hba.conf").write_text(
        "local all all trust\nhost all all 127.0.0.0/8 trust\nhost replication all 127.0.0.0/8 trust\n"
    )
    (base / "postgresql.conf").write_text(
        f"listen_addresses = '{address}'\nunix_socket_directories = '{base}'\nhba_file = '{base}/pg_hba.conf'\n"
        "wal_log_hints = on\nwal_keep_size = 64MB\nshared_buffers = 16MB\nfsync = off\n"
    )


def _first_node(base: Path, port: int) -> None:
    as_account = accounts.servers().popen_arguments()
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}

    def run(*words: object) -> None:
        subprocess.run([*map(str, words)], check=True, capture_output=True, cwd="/", env=environment, **as_account)

    run(POSTGRES_BIN / "initdb", "-D", base / "data", "-U", "postgres", "-A", "trust", "--no-sync")
    options = f"-c config_file={base}/postgresql.conf -p {port}"
    run(POSTGRES_BIN / "pg_ctl", "-D", base / "data", "start", "-w", "-l", base / "log", "-o", options)
    psql = ["psql", "-h", base, "-p", port, "-U", "postgres", "-c"]
    run(
        *psql,
        f"CREATE ROLE {settings.DB_REPLICATION_USER} LOGIN REPLICATION PASSWORD '{settings.DB_REPLICATION_PASSWORD}'",
    )
    run(*psql, "CREATE DATABASE shard_b")


def _pooler(base: Path, port: int, database: int) -> None:
    accounts.servers().own(base)
    (base / "databases.ini").write_text(
        f"[databases]\nshard_b = host={NODES['db-b1']} port={database} dbname=shard_b\n"
    )
    (base / "users").write_text('"postgres" ""\n')
    (base / "pgbouncer.ini").write_text(
        f"%include {base}/databases.ini\n[pgbouncer]\nlisten_addr = {APP}\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = trust\nauth_file = {base}/users\nadmin_users = postgres\npool_mode = transaction\n"
        f"server_login_retry = 1\nquery_wait_timeout = 10\npidfile = {base}/pgbouncer.pid\n"
        f"logfile = {base}/pgbouncer.log\nignore_startup_parameters = extra_float_digits\n"
    )
    subprocess.run(
        ["/usr/sbin/pgbouncer", "-d", base / "pgbouncer.ini"],
        check=True,
        capture_output=True,
        env=os.environ | {"PATH": "/usr/bin:/bin:/usr/sbin"},
        **accounts.servers().popen_arguments(),
    )


def test_a_primary_is_replaced_rebuilt_and_made_primary_again(site: Site) -> None:
    first = site.hosts.fab("promote", "shard_b", "--to", "db-b1")  # makes the replica: there is none yet
    assert first.returncode == 0, first.stdout + first.stderr
    assert "db-b2 follows, by pg_basebackup" in first.stdout
    configuration = (site.hosts.folder / "db-b2" / "data" / "postgresql.auto.conf").read_text()
    assert f"password={settings.DB_REPLICATION_PASSWORD} " in configuration
    site.ask("CREATE TABLE kept (n int)")
    site.ask("INSERT INTO kept VALUES (1)")
    looked = site.hosts.fab("promote", "shard_b", "--dry-run")
    assert (looked.returncode, site.serves) == (0, "db-b1"), looked.stderr
    assert "would end db-b1, promote db-b2" in looked.stdout

    site.kill("db-b1")
    promoted = site.hosts.fab("promote", "shard_b")

    assert promoted.returncode == 0, promoted.stdout + promoted.stderr
    assert site.serves == "db-b2"
    assert site.ask("SELECT n FROM kept") == [(1,)]
    assert "db-b1 follows, by pg_rewind" in promoted.stdout
    refused = site.hosts.fab("promote", "shard_b")
    assert (refused.returncode, site.serves) == (2, "db-b2")
    assert "db-b2 answers as primary" in refused.stderr

    back = site.hosts.fab("promote", "shard_b", "--planned")

    assert back.returncode == 0, back.stdout + back.stderr
    assert site.serves == "db-b1"
    assert site.ask("SELECT n FROM kept") == [(1,)]


def test_a_primary_whose_host_is_out_of_reach_must_be_known_to_be_gone(site: Site) -> None:
    with site.hosts.dead("db-b1"):
        site.kill("db-b1")
        refused = site.hosts.fab("promote", "shard_b", "--accept-loss")
        taken = site.hosts.fab("promote", "shard_b", "--accept-loss", "--old-is-gone")
        served_by = site.serves
    wait_until(lambda: listens(NODES["db-b1"], site.hosts.inventory.hosts["db-b1"].port), what="sshd is back")
    rebuilt = site.hosts.fab("promote", "shard_b")

    assert refused.returncode == 2, refused.stdout + refused.stderr
    assert "make sure it is off, then add --old-is-gone" in refused.stderr
    assert (taken.returncode, served_by) == (1, "db-b2"), taken.stdout + taken.stderr
    assert "without a replica" in taken.stderr
    assert rebuilt.returncode == 0, rebuilt.stdout + rebuilt.stderr
    assert site.serves == "db-b2"
    assert "db-b1 follows" in rebuilt.stdout
