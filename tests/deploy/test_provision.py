"""Bare Debian hosts made ready by `fab provision`, one of each role, twice; then their servers are tried for real.

At the end an operator's verbs, run as the account that deploys, which may do there what provisioning has given it.
"""

import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import psycopg2
import pymemcache
import pytest
import redis
import requests
from django.conf import settings

from tests.support import init
from tests.support.bare import DEBOOTSTRAP, BareHost, NoBareHostError, bare_host, system
from tests.support.hosts import ROOT, fab, free_ports, listens, new_key
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.faults,
    pytest.mark.provision,
    pytest.mark.skipif(
        os.geteuid() != 0 or not Path(DEBOOTSTRAP).exists(),
        reason="a bare host needs root (chroot, mount) and debootstrap",
    ),
]

#: Role -> address; "shard" is the second database host. Not those of other tests' hosts.
ADDRESSES = {
    "app": "127.0.1.201",
    "worker": "127.0.1.202",
    "db": "127.0.1.203",
    "cache": "127.0.1.204",
    "lb": "127.0.1.205",
    "shard": "127.0.1.206",
}
SECRETS = {
    "DB_PASSWORD": "of-this-test",
    "DB_REPLICATION_PASSWORD": "of-this-test-too",
    "DB_SUPERUSER_PASSWORD": "and-this",
}


class Site:
    """A bare host of each role, provisioned twice. gunicorn: its port, for the hosts' 127.0.0.1 is this machine's."""

    def __init__(self, hosts: dict[str, BareHost], inventory: Path, gunicorn: int) -> None:
        self.hosts, self.inventory, self.gunicorn = hosts, inventory, gunicorn
        began = time.monotonic()
        self.first = self.provision()
        self.seconds = time.monotonic() - began
        self.second = self.provision()

    def provision(self, *words: str, **secrets: str) -> subprocess.CompletedProcess[str]:
        return fab(self.inventory, "provision", *words, environment=SECRETS | secrets, seconds=900)

    def fab(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a verb as an operator does: over SSH as `deploy`."""
        return fab(self.inventory, *words, seconds=900)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("bare")
    folder.chmod(0o755)
    port, gunicorn = free_ports(2)
    key = new_key(folder)
    try:
        template = system(settings.STATE_DIR / "bookworm")
    except NoBareHostError as error:
        pytest.skip(str(error))
    text = f'[site]\nport = {port}\nssh_key = "{key}"\n'
    text += "[rollout]\nfree_mb = 10\nhealthy_s = 60\ncanary_s = 1\ncanary_photo = false\n"
    for role, address in ADDRESSES.items():
        text += f'[hosts.{role}-1]\naddress = "{address}"\nroles = ["{"db" if role == "shard" else role}"]\n'
        text += 'also = ["watch", "canary"]\n' if role == "worker" else ""
        text += f'health = "http://127.0.0.1:{gunicorn}/health/ready"\n' if role == "app" else ""
    text += "[servers.main]\nnodes = {db-1 = 5432}\n[servers.shard_a]\nnodes = {shard-1 = 5432}\n"
    (folder / "inventory.toml").write_text(text)
    public = key.with_suffix(".pub").read_text()
    with ExitStack() as stack:
        hosts = {
            role: stack.enter_context(bare_host(template, folder / role, address, port, public))
            for role, address in ADDRESSES.items()
        }
        if hosts["app"].run("apt-get", "update", "--error-on=any", check=False).returncode:
            pytest.skip("no bare host can be made here: within one, Debian's packages are not reached")
        for host in hosts.values():
            init.install(host)
        yield Site(hosts, folder / "inventory.toml", gunicorn)


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


@pytest.fixture(scope="module")
def databases(site) -> None:
    """PostgreSQL runs, and the pooler of the app host in front of it."""
    app = site.hosts["app"]
    for role in ("db", "shard"):
        site.hosts[role].run("pg_ctlcluster", "15", "main", "start")
    # Whoever comes from this machine comes from 127.0.0.1, which is no host: refused, until it is let in here.
    with pytest.raises(psycopg2.OperationalError, match="no pg_hba"):
        psycopg2.connect(
            host=ADDRESSES["db"], dbname="main", user="instagram", password=SECRETS["DB_PASSWORD"], connect_timeout=5
        )
    for role in ("db", "shard"):
        with (site.hosts[role].root / "etc/postgresql/15/main/pg_hba.conf").open("a") as rules:
            rules.write("host all instagram 127.0.0.1/32 scram-sha-256\n")
        site.hosts[role].run("pg_ctlcluster", "15", "main", "reload")
    # It stays in front, as its unit has it, and ends with its host.
    app.start("runuser", "-u", "postgres", "--", "pgbouncer", "-q", "/etc/pgbouncer/pgbouncer.ini")
    wait_until(lambda: listens("127.0.0.1", 6432), what="PgBouncer of the app host")


def test_the_service_reaches_its_databases_through_the_pooler_of_its_host(databases):
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
    assert json.loads(topology.read_text()) == said | {"main": said["main"] | {"serial": 7}}


@pytest.fixture(scope="module")
def caches(site) -> None:
    """Redis, memcached and gearmand run."""
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
    cache.start("bash", "-c", ". /etc/default/gearman-job-server; exec runuser -u gearman -- gearmand $PARAMS")
    wait_until(lambda: listens(ADDRESSES["cache"], 4730), what="gearmand")


def test_the_caches_answer_at_the_address_of_their_host(site, caches):
    cache = site.hosts["cache"]
    link = redis.Redis(ADDRESSES["cache"], 6379)
    wait_until(lambda: _answers(link.ping), what="Redis")
    assert link.config_get("hash-max-listpack-entries")["hash-max-listpack-entries"] == str(
        settings.PHOTO_MAP_LISTPACK_ENTRIES
    )
    wait_until(lambda: _answers(pymemcache.Client((ADDRESSES["cache"], 11211)).version), what="memcached")
    options = cache.run("bash", "-c", ". /etc/default/gearman-job-server; echo $PARAMS").stdout
    assert "--round-robin" in options


@pytest.fixture(scope="module")
def fronts(site) -> None:
    """nginx of the app host runs, and HAProxy, whose folder for its socket is as Debian's systemd makes it."""
    # Where provisioning has Gunicorn this machine may have one of its own.
    conf = site.hosts["app"].root / "etc/nginx/nginx.conf"
    assert "127.0.0.1:8000" in conf.read_text()
    conf.write_text(conf.read_text().replace("127.0.0.1:8000", f"127.0.0.1:{site.gunicorn}"))
    site.hosts["app"].run("nginx")
    balancer = site.hosts["lb"]
    balancer.run("install", "-d", "-m", "2775", "-o", "haproxy", "-g", "haproxy", "/run/haproxy")
    balancer.start("haproxy", "-f", "/etc/haproxy/haproxy.cfg")
    wait_until(lambda: listens(ADDRESSES["lb"], 8000), what="HAProxy")


def test_nginx_answers_for_its_host_and_the_load_balancer_knows_it(site, fronts):
    assert site.hosts["app"].run("nginx", "-t").returncode == 0
    assert site.hosts["lb"].run("haproxy", "-c", "-f", "/etc/haproxy/haproxy.cfg").returncode == 0
    said = subprocess.run(
        ["curl", "-s", f"http://{ADDRESSES['app']}:8000/v1/users/self/feed"], capture_output=True, text=True, check=True
    )
    assert '"code":502' in said.stdout


def test_without_its_passwords_nothing_is_begun(site):
    refused = site.provision(DB_PASSWORD="")

    assert refused.returncode == 2
    assert "set DB_PASSWORD" in refused.stderr


@pytest.fixture(scope="module")
def released(site, databases, caches, fronts) -> subprocess.CompletedProcess[str]:
    """A first release, with the secrets that docs/operations.md names."""
    page = (ROOT / "docs" / "operations.md").read_text()
    lines = page.partition("cat > env <<END\n")[2].partition("END\n")[0]
    for name, value in SECRETS.items():
        lines = lines.replace(f"${name}", value)
    known = {"LOGICAL_SHARDS": "4", "ALLOWED_HOSTS": f"127.0.0.1,{ADDRESSES['lb']}", "GUNICORN_WORKERS": "1"}
    # Five hosts of one machine, that of this test.
    known |= {"GUNICORN_BIND": f"127.0.0.1:{site.gunicorn}"}
    known |= {"HEALTH_TIMEOUT_S": "5", "BACKUP_STORES": "disk", "SENTRY_DSN": ""}
    text = lines.replace("…", "of-this-test") + "".join(f"{name}={value}\n" for name, value in known.items())
    for role in ("app", "worker", "db", "shard"):
        place = site.hosts[role].root / "srv/instagram/shared/env"
        place.write_text(text)  # whose it is stays as it was
    return site.fab("deploy")


def feed(site) -> requests.Response:
    return requests.get(f"http://{ADDRESSES['lb']}:8000/v1/users/self/feed", timeout=10)


def test_a_release_is_deployed_to_provisioned_hosts_by_the_account_that_deploys(site, released):
    assert released.returncode == 0, released.stdout + released.stderr
    assert feed(site).status_code == 400  # who asks has no token; the service itself says so
    listed = site.fab("status")
    assert listed.returncode == 0, listed.stdout + listed.stderr
    rows = {line.split("│")[1].strip(): line for line in listed.stdout.splitlines() if "-1 " in line}
    assert "web=active" in rows["app-1"]
    assert "UP" in rows["app-1"]
    assert listed.stdout.count("=active") == 8, "the units of both hosts"
    runs = Path("/proc", site.hosts["app"].read("/run/units/web.pid").strip())
    assert runs.stat().st_uid == int(site.hosts["app"].run("id", "-u", "instagram").stdout)


def test_haproxy_has_no_rights_and_whoever_deploys_may_tell_it_what_to_do(site, released):
    processes = [each for each in psutil.process_iter(["name"]) if each.info["name"] == "haproxy"]
    mine = [each for each in processes if each.cmdline()[-1] == "/etc/haproxy/haproxy.cfg"]
    assert {each.uids().real for each in mine} == {int(site.hosts["lb"].run("id", "-u", "haproxy").stdout)}

    out, back = site.fab("lb.out", "--hosts", "app"), site.fab("lb.in", "--hosts", "app")

    assert (out.returncode, back.returncode) == (0, 0), out.stderr + back.stderr
    assert "DRAIN" in out.stdout
    assert "DRAIN" not in back.stdout


def test_the_site_is_closed_and_opened_by_the_account_that_deploys(site, released):
    closed, while_closed = site.fab("maintenance", "--on", "--why", "a new disk"), feed(site)
    opened, then = site.fab("maintenance", "--off"), feed(site)

    assert (closed.returncode, opened.returncode) == (0, 0), closed.stdout + opened.stdout
    assert (while_closed.status_code, then.status_code) == (503, 400)


def test_logs_of_units_are_read_by_the_account_that_deploys(site, released):
    said = site.fab("logs", "--unit", "web", "--match", "Booting worker")

    assert said.returncode == 0, said.stdout + said.stderr
    assert said.stdout.startswith("app-1  ")
    others = site.hosts["app"].run("runuser", "-u", "nobody", "--", "cat", "/var/log/units/web.log", check=False)
    assert others.returncode != 0


def test_a_second_release_and_the_way_back_and_a_restart_go_as_the_first_did(site, released):
    first = site.hosts["worker"].run("readlink", "/srv/instagram/current").stdout
    deployed = site.fab("deploy")
    second = site.hosts["worker"].run("readlink", "/srv/instagram/current").stdout
    back = site.fab("rollback")
    restarted = site.fab("restart", "--unit", "relay")

    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    assert "alerts: silence 1 ended" in deployed.stdout
    assert back.returncode == 0, back.stdout + back.stderr
    assert restarted.returncode == 0, restarted.stdout + restarted.stderr
    assert site.hosts["worker"].run("readlink", "/srv/instagram/current").stdout == first != second


def _answers(ask) -> bool:
    try:
        return bool(ask())
    except (OSError, redis.ConnectionError):
        return False
