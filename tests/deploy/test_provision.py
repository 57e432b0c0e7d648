"""Bare Debian hosts made ready by `fab provision`, one of each role, twice; then their servers are tried for real."""

import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg2
import pymemcache
import pytest
import redis
from django.conf import settings

from tests.support.bare import DEBOOTSTRAP, BareHost, bare_host, system
from tests.support.hosts import fab, free_ports, listens, new_key
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.faults,
    pytest.mark.provision,
    pytest.mark.skipif(
        os.geteuid() != 0 or not Path(DEBOOTSTRAP).exists(),
        reason="a bare host needs root (chroot, mount) and debootstrap",
    ),
]

#: Role -> address. Not those of other tests' hosts.
ADDRESSES = {
    "app": "127.0.1.201",
    "worker": "127.0.1.202",
    "db": "127.0.1.203",
    "cache": "127.0.1.204",
    "lb": "127.0.1.205",
}
SECRETS = {
    "DB_PASSWORD": "of-this-test",
    "DB_REPLICATION_PASSWORD": "of-this-test-too",
    "DB_SUPERUSER_PASSWORD": "and-this",
}


class Site:
    """A bare host of each role, provisioned twice."""

    def __init__(self, hosts: dict[str, BareHost], inventory: Path) -> None:
        self.hosts, self.inventory = hosts, inventory
        began = time.monotonic()
        self.first = self.provision()
        self.seconds = time.monotonic() - began
        self.second = self.provision()

    def provision(self, *words: str, **secrets: str) -> subprocess.CompletedProcess[str]:
        return fab(self.inventory, "provision", *words, environment=SECRETS | secrets, seconds=900)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("bare")
    folder.chmod(0o755)
    (port,) = free_ports(1)
    key = new_key(folder)
    template = system(settings.STATE_DIR / "bookworm")
    text = f'[site]\nport = {port}\nssh_key = "{key}"\n'
    for role, address in ADDRESSES.items():
        text += f'[hosts.{role}-1]\naddress = "{address}"\nroles = ["{role}"]\n'
        text += 'also = ["watch", "canary"]\n' if role == "worker" else ""
    text += "[servers.main]\nnodes = {db-1 = 5432}\n"
    (folder / "inventory.toml").write_text(text)
    public = key.with_suffix(".pub").read_text()
    with ExitStack() as stack:
        hosts = {
            role: stack.enter_context(bare_host(template, folder / role, address, port, public))
            for role, address in ADDRESSES.items()
        }
        yield Site(hosts, folder / "inventory.toml")


def test_each_role_is_made_from_a_bare_host(site):
    assert site.first.returncode == 0, site.first.stdout + site.first.stderr
    for role in ADDRESSES:
        assert f"{role}-1" in site.first.stdout
    print(f"five bare hosts ready after {site.seconds:.0f} s")


def test_a_second_time_changes_nothing(site):
    assert site.second.returncode == 0, site.second.stdout + site.second.stderr
    rows = [line.split("│")[1:4] for line in site.second.stdout.splitlines() if "-1 " in line]
    assert len(rows) == len(ADDRESSES)
    assert [(name.strip(), said.strip()) for name, _, said in rows if said.strip()] == []


def test_units_and_rights_of_the_service_are_sound(site):
    for role in ("app", "worker"):
        host = site.hosts[role]
        assert host.run("visudo", "-cqf", "/etc/sudoers.d/instagram-deploy").returncode == 0
        assert "instagram@%i" not in host.read("/etc/systemd/system/instagram@.service")
        assert host.run("stat", "-c", "%a %U:%G", "/srv/instagram/shared/env").stdout.strip() == "640 deploy:instagram"
        assert f"PHOTO_MAP_SERVERS={ADDRESSES['cache']}:6379" in host.read("/srv/instagram/shared/site.env")
        unreadable = host.run("runuser", "-u", "deploy", "--", "cat", "/etc/pgbouncer/userlist.txt", check=False)
        assert unreadable.returncode != 0
    # This machine's own systemd judges the unit; it needs what the unit starts to be there.
    unit = site.hosts["worker"].root / "etc/systemd/system/instagram@.service"
    text = unit.read_text().replace("/srv/instagram/current/deploy/host/run", "/bin/true")
    named = site.inventory.parent / "instagram@relay.service"
    named.write_text(text)
    if shutil.which("systemd-analyze"):  # a container may have no systemd at all
        judged = subprocess.run(["systemd-analyze", "verify", str(named)], capture_output=True, text=True, check=False)
        assert judged.returncode == 0, judged.stderr


def test_the_service_reaches_its_databases_through_the_pooler_of_its_host(site):
    database, app = site.hosts["db"], site.hosts["app"]
    database.run("pg_ctlcluster", "15", "main", "start")
    # Whoever comes from this machine comes from 127.0.0.1, which is no host: refused, until it is let in here.
    with pytest.raises(psycopg2.OperationalError, match="no pg_hba"):
        psycopg2.connect(
            host=ADDRESSES["db"], dbname="main", user="instagram", password=SECRETS["DB_PASSWORD"], connect_timeout=5
        )
    with (database.root / "etc/postgresql/15/main/pg_hba.conf").open("a") as rules:
        rules.write("host all instagram 127.0.0.1/32 scram-sha-256\n")
    database.run("pg_ctlcluster", "15", "main", "reload")
    # It stays in front, as its unit has it, and ends with its host.
    app.start("runuser", "-u", "postgres", "--", "pgbouncer", "-q", "/etc/pgbouncer/pgbouncer.ini")
    wait_until(lambda: listens("127.0.0.1", 6432), what="PgBouncer of the app host")

    def rows(name: str, query: str) -> list[tuple]:
        link = psycopg2.connect(
            host="127.0.0.1", port=6432, dbname=name, user="instagram", password=SECRETS["DB_PASSWORD"]
        )
        try:
            with link.cursor() as cursor:
                cursor.execute(query)
                return cursor.fetchall()
        finally:
            link.close()

    assert rows("main", "SHOW statement_timeout") == [(f"{settings.DB_STATEMENT_TIMEOUT_MS // 1000}s",)]
    # Its figures read the pooler's queues, in autocommit as monitoring does; it commands nothing.
    console = psycopg2.connect(
        host="127.0.0.1", port=6432, dbname="pgbouncer", user="instagram", password=SECRETS["DB_PASSWORD"]
    )
    console.autocommit = True
    with contextlib.closing(console), console.cursor() as cursor:
        cursor.execute("SHOW POOLS")
        assert "main" in {row[0] for row in cursor.fetchall()}
        with pytest.raises(psycopg2.Error, match="admin access needed"):
            cursor.execute("RELOAD")
    # Debian's own file alone would say otherwise of all of these.
    for knob, value in (("wal_log_hints", "on"), ("wal_sender_timeout", "2s"), ("archive_mode", "on"), ("jit", "off")):
        assert rows("main", f"SHOW {knob}") == [(value,)]
    assert rows("main", "SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = 'main'") == [("UTF8",)]


def test_a_database_host_has_what_backups_run(site):
    for program in ("pgbackrest", "redis-cli", "redis-check-rdb"):
        assert site.hosts["db"].run("which", program).returncode == 0


def test_what_a_promotion_wrote_stays_and_what_the_inventory_says_later_arrives(site):
    worker = site.hosts["worker"]
    topology = worker.root / "srv/instagram/shared/topology.json"
    said = json.loads(topology.read_text())
    topology.write_text(json.dumps({"main": said["main"] | {"serial": 7, "nodes": {"db-1": "10.9.9.9:1"}}}))

    again = site.provision("--hosts", "worker")

    assert again.returncode == 0, again.stdout
    assert json.loads(topology.read_text()) == {"main": said["main"] | {"serial": 7}}


def test_the_caches_answer_at_the_address_of_their_host(site):
    cache = site.hosts["cache"]
    cache.run(
        "runuser",
        "-u",
        "redis",
        "--",
        "redis-server",
        "/etc/redis/redis.conf",
        "--daemonize",
        "yes",
        "--supervised",
        "no",
    )
    cache.run("bash", "-c", "memcached -d $(tr '\\n' ' ' </etc/memcached.conf)")
    link = redis.Redis(ADDRESSES["cache"], 6379)
    wait_until(lambda: _answers(link.ping), what="Redis")
    assert link.config_get("hash-max-listpack-entries")["hash-max-listpack-entries"] == str(
        settings.PHOTO_MAP_LISTPACK_ENTRIES
    )
    wait_until(lambda: _answers(pymemcache.Client((ADDRESSES["cache"], 11211)).version), what="memcached")
    options = cache.run("bash", "-c", ". /etc/default/gearman-job-server; echo $PARAMS").stdout
    assert "--round-robin" in options


def test_nginx_answers_for_its_host_and_the_load_balancer_knows_it(site):
    assert site.hosts["app"].run("nginx", "-t").returncode == 0
    site.hosts["app"].run("nginx")
    assert site.hosts["lb"].run("haproxy", "-c", "-f", "/etc/haproxy/haproxy.cfg").returncode == 0
    said = subprocess.run(
        ["curl", "-s", f"http://{ADDRESSES['app']}:8000/v1/users/self/feed"], capture_output=True, text=True, check=True
    )
    assert '"code":502' in said.stdout


def test_without_its_passwords_nothing_is_begun(site):
    refused = site.provision(DB_PASSWORD="")

    assert refused.returncode == 2
    assert "set DB_PASSWORD" in refused.stderr


def _answers(ask) -> bool:
    try:
        return bool(ask())
    except (OSError, redis.ConnectionError):
        return False
