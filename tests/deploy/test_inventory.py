"""The inventory: what it says of hosts, and how it refuses what it does not understand."""

import json
import os
import re
import shlex
import subprocess
import sys
from contextlib import nullcontext
from fnmatch import fnmatchcase

import pytest
from django.conf import settings
from django.test import override_settings

from deploy import haproxy, inventory, primaries
from deploy.inventory import InventoryError
from deploy.promotion import HostSite, Poolers
from deploy.provision import files
from deploy.remote import Answer
from recovery.failover.promotion import PAUSE_S
from recovery.failover.sites import FailoverError, Refused


def an_inventory(tmp_path, text):
    path = tmp_path / "inventory.toml"
    path.write_text(text)
    return inventory.load(str(path))


def test_the_example_is_an_inventory_with_a_host_of_every_role():
    example = inventory.load(str(inventory.DEFAULT.with_name("inventory.example.toml")))

    assert {role for host in example.hosts.values() for role in host.roles} == set(inventory.ROLES)
    assert example.hosts["app-1"].units == ("web",)


def test_hosts_take_from_the_site_what_they_do_not_say_themselves(tmp_path):
    found = an_inventory(
        tmp_path,
        """
        [site]
        base = "/srv/here"
        port = 2222
        [hosts.a]
        address = "10.0.0.1"
        roles = ["app", "worker"]
        [hosts.b]
        address = "10.0.0.2"
        roles = ["lb"]
        port = 22
        """,
    )

    assert (found.hosts["a"].base, found.hosts["a"].port, found.hosts["b"].port) == ("/srv/here", 2222, 22)
    assert found.hosts["a"].units == ("web", *inventory.UNITS["worker"])
    assert [host.name for host in found.chosen("lb, a")] == ["b", "a"]


DB = "[hosts.a]\naddress = '1.1.1.1'\nroles = ['db']\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[hosts.a]\nroles = ['app']", "needs an address and roles"),
        ("[hosts.a]\naddress = '1.1.1.1'\nroles = ['web']", "there is no role 'web'"),
        ("[hosts.a]\naddress = '1.1.1.1'\nroles = ['app']\ncolour = 'red'", "does not know 'colour'"),
        ("[hosts.a]\naddress = '1.1.1.1'\nroles = ['app']\nport = 'ssh'", "port = 'ssh' is of the wrong kind"),
        ("[hosts.a]\naddress = '1.1.1.1'\nroles = ['app']\nbase = 'srv'", "base must be an absolute path"),
        ("[site]\nname = 'x'", "there is no host"),
        ("[hosts.a", "cannot be read"),
        (f"{DB}[servers.redis_1]\nnodes = {{a = 6379}}", "a Redis has no replica on hosts"),
        (f"{DB}[servers.main]\nnodes = {{a = 5432}}\n[servers.shard_a]\nnodes = {{a = 5432}}", "a holds main"),
        (f"{DB}[servers.Shard-A]\nnodes = {{a = 5432}}", "is called by 16 of a-z"),
        (f"{DB}[servers.main_replica]\nnodes = {{a = 5432}}", "is called by 16 of a-z"),
        (f"{DB}[servers.a_rather_long_name]\nnodes = {{a = 5432}}", "is called by 16 of a-z"),
        ("[rollout]\nbatches = 3\n[hosts.a]\naddress = '1.1.1.1'\nroles = ['app']", "does not know 'batches'"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(tmp_path, text, sentence):
    with pytest.raises(InventoryError, match=sentence):
        an_inventory(tmp_path, text)


def test_a_name_that_is_no_host_is_refused(tmp_path):
    found = an_inventory(tmp_path, "[hosts.a]\naddress = '1.1.1.1'\nroles = ['app']")

    with pytest.raises(InventoryError, match="no host and no role 'b'"):
        found.chosen("a,b")


def test_the_load_balancer_knows_every_app_host_by_its_name():
    example = inventory.load(str(inventory.DEFAULT.with_name("inventory.example.toml")))

    text = haproxy.rendered(example, example.hosts["lb-1"])

    assert "server app-1 10.0.0.11:8000 check" in text
    assert "server app-2 10.0.0.12:8000 check" in text
    assert "worker-1" not in text
    assert "@" not in text
    # It faces the world: no rights but those of its account, and whoever is of its group speaks to it.
    assert "  user haproxy\n  group haproxy\n  chroot /var/lib/haproxy\n" in text
    assert "/admin.sock group haproxy mode 660 level admin\n" in text
    assert "  http-reuse never\n" in text


def test_who_deploys_may_restart_the_units_of_the_host_and_nothing_else():
    example = inventory.load(str(inventory.DEFAULT.with_name("inventory.example.toml")))

    rules = files(example, example.hosts["worker-1"], {})["/etc/sudoers.d/instagram-deploy"].text

    assert "deploy ALL=(root) NOPASSWD: /usr/bin/systemctl restart instagram@worker-feed\n" in rules
    assert "instagram@web" not in rules
    assert "ALL=(ALL)" not in rules


SYNCHRONOUS = """
[hosts.db-1]
address = "10.0.0.1"
roles = ["db"]
[hosts.db-2]
address = "10.0.0.2"
roles = ["db"]
[hosts.work]
address = "10.0.0.3"
roles = ["worker"]
also = ["guard"]
[servers.main]
nodes = {db-1 = 5432, db-2 = 5432}
synchronous = true
"""


def test_commits_that_wait_for_a_replica_want_a_guard(tmp_path):
    with pytest.raises(InventoryError, match="needs also"):
        an_inventory(tmp_path, SYNCHRONOUS.replace('also = ["guard"]', ""))

    found = an_inventory(tmp_path, SYNCHRONOUS)
    made = files(found, found.hosts["work"], {})

    assert "guard" in found.hosts["work"].units
    assert '"synchronous": true' in made["/srv/instagram/shared/topology.json"].text
    rules = files(found, found.hosts["db-2"], {})["/etc/postgresql/15/main/pg_hba.conf"].text
    assert "host all postgres 10.0.0.3/32 scram-sha-256\n" in rules


def test_a_database_host_knows_for_its_backups_what_it_holds(tmp_path):
    found = an_inventory(tmp_path, SYNCHRONOUS)
    made = files(found, found.hosts["db-2"], {})

    environment = made["/srv/instagram/shared/site.env"].text
    assert "BACKUP_SERVERS=main\n" in environment
    assert "BACKUP_PG_DATA=/var/lib/postgresql/15/main\n" in environment
    # Where the archive's configuration is written is where PostgreSQL looks for it.
    conf = environment.partition("BACKUP_CONF_FILE=")[2].partition("\n")[0]
    assert f"--config={conf} --stanza=main" in made["/etc/postgresql/15/main/conf.d/instagram.conf"].text


def test_what_backups_write_is_for_the_account_of_postgresql_also_where_units_run(tmp_path):
    found = an_inventory(
        tmp_path, SYNCHRONOUS.replace('address = "10.0.0.2"', 'address = "10.0.0.2"\nalso = ["watch"]')
    )

    for name in ("db-1", "db-2"):
        environment = files(found, found.hosts[name], {})["/srv/instagram/shared/site.env"].text.splitlines()
        assert "STATE_DIR=/srv/instagram/run" in environment
        assert "BACKUP_STATE_DIR=/var/lib/postgresql/instagram" in environment


def test_the_service_knows_the_shards_of_the_inventory(tmp_path):
    more = '[hosts.{0}]\naddress = "10.0.1.{1}"\nroles = ["db"]\n[servers.{0}]\nnodes = {{{0} = 5432}}\n'
    found = an_inventory(tmp_path, SYNCHRONOUS + "".join(more.format(f"s{each}", each) for each in range(4)))
    lines = files(found, found.hosts["work"], {})["/srv/instagram/shared/site.env"].text.splitlines()
    said = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    assert said["SHARD_SERVERS"] == "s0,s1,s2,s3"

    asked = "import json; from django.conf import settings as s; print(json.dumps([list(s.DATABASES), s.BACKUP_SERVERS,"
    asked += " s.POSTGRES_PORTS, s.POSTGRES_REPLICA_PORTS]))"
    command = [sys.executable, "-c", asked]
    environment = os.environ | {"SHARD_SERVERS": said["SHARD_SERVERS"]}
    answer = subprocess.run(command, env=environment, cwd=settings.BASE_DIR, capture_output=True, text=True, check=True)

    databases, backed_up, ports, replicas = json.loads(answer.stdout)
    assert databases == ["default", "s0", "s1", "s2", "s3"]
    assert backed_up == list(ports) == list(replicas) == ["main", "s0", "s1", "s2", "s3"]
    assert len({*ports.values(), *replicas.values()}) == 10


def test_servers_with_a_replica_are_read_from_it_and_watched(tmp_path):
    found = an_inventory(tmp_path, SYNCHRONOUS)
    alone = an_inventory(tmp_path, SYNCHRONOUS.replace("db-1 = 5432, db-2 = 5432", "db-1 = 5432"))

    def environment(of):
        return files(of, of.hosts["work"], {})["/srv/instagram/shared/site.env"].text

    assert "REPLICA_READS=main\n" in environment(found)
    assert "REPLICA_READS" not in environment(alone)


def test_the_service_may_look_at_the_queues_of_its_pooler_and_command_nothing(tmp_path):
    found = an_inventory(tmp_path, SYNCHRONOUS)

    text = files(found, found.hosts["work"], {})["/etc/pgbouncer/pgbouncer.ini"].text

    assert "\nadmin_users = pgbouncer\nstats_users = instagram\n" in text


def test_a_host_that_comes_after_a_promotion_is_sent_to_the_primary_of_now(tmp_path):
    found = an_inventory(tmp_path, SYNCHRONOUS)
    made = files(found, found.hosts["work"], {"main": {"primary": "db-2", "serial": 3}})

    lines = made["/etc/pgbouncer/databases.ini"].text.splitlines()
    assert "main = host=10.0.0.2 port=5432 dbname=main" in lines
    assert "main_replica = host=10.0.0.1 port=5432 dbname=main" in lines
    assert '"primary": "db-2"' in made["/srv/instagram/shared/topology.json"].text


def test_what_the_inventory_says_later_reaches_hosts_that_have_their_files(tmp_path):
    added = (
        SYNCHRONOUS + '[hosts.db-3]\naddress = "10.0.0.4"\nroles = ["db"]\n[servers.shard_a]\nnodes = {db-3 = 5432}\n'
    )
    found = an_inventory(tmp_path, added)
    known = {"main": {"primary": "db-2", "serial": 3, "synchronous": False, "nodes": {"db-2": "10.9.9.9:1"}}}
    made = files(found, found.hosts["work"], known)

    topology, databases = made["/srv/instagram/shared/topology.json"], made["/etc/pgbouncer/databases.ini"]
    assert not topology.once
    assert not databases.once
    assert json.loads(topology.text)["main"] == {
        "nodes": {"db-1": "10.0.0.1:5432", "db-2": "10.0.0.2:5432"},
        "primary": "db-2",
        "serial": 3,
        "synchronous": True,
    }
    assert "shard_a = host=10.0.0.4 port=5432 dbname=shard_a" in databases.text.splitlines()


def test_a_promotion_leaves_the_file_that_provisioning_would_write(tmp_path):
    found = an_inventory(tmp_path, SYNCHRONOUS)
    written = []

    class Listening:
        inventory = found

        def read(self, hosts, command):
            hosts = list(hosts)
            written.extend(shlex.split(command(host))[1] + "\n" for host in hosts)
            return [Answer(host, True, "") for host in hosts]

    with override_settings(DB_REPLICATION_PASSWORD="of-this-site"):
        site = HostSite(Listening(), lambda _: None)
    written.clear()
    site.note("main", primary="db-2")

    made = files(found, found.hosts["work"], {"main": {"primary": "db-2", "serial": 1}})
    assert set(written) == {made["/srv/instagram/shared/topology.json"].text}


@pytest.mark.parametrize(("serial", "is_newer"), [(2, False), (3, False), (4, True)])
def test_a_host_keeps_what_a_promotion_wrote_while_it_was_provisioned(tmp_path, serial, is_newer):
    there, ours = tmp_path / "there", tmp_path / "ours"
    there.write_text(json.dumps({"main": {"serial": serial}, "gone": {"serial": 9}}))
    ours.write_text(json.dumps({"main": {"serial": 3}, "new": {}}))
    script = (inventory.DEFAULT.parent / "host" / "provision").read_text()
    function = "promoted_since()" + script.partition("promoted_since()")[2].partition("\n}\n")[0] + "\n}\n"

    def asks(*files):
        return (
            subprocess.run(["bash", "-c", f'{function}promoted_since "$@"', "-", *files], check=False).returncode == 0
        )

    assert asks(there, ours) is is_newer
    assert not asks(tmp_path / "none", ours)


class Hosts:
    """Answer what the files of hosts say; one is away."""

    def read(self, hosts, _command):
        texts = ['{"main": {"primary": "db-2", "serial": 2}}', "", '{"main": {"primary": "db-1", "serial": 1}}']
        said = [Answer(host, True, text) for host, text in zip(hosts, texts, strict=True)]
        return [*said, Answer(hosts[0], False, "does not answer")]


def test_of_hosts_that_differ_the_one_that_was_told_last_is_believed(tmp_path):
    hosts = list(an_inventory(tmp_path, SYNCHRONOUS).hosts.values())

    assert primaries.newest(Hosts(), hosts) == {"main": {"primary": "db-2", "serial": 2}}


def test_promotion_tells_every_pooler_where_nothing_else_is_said():
    assert {*Poolers().hosts.split(",")} == {*inventory.RELEASED}


@pytest.mark.parametrize("away", [["db-2"], ["work"], ["db-1", "db-2", "work"]])
def test_a_host_that_is_away_keeps_nobody_from_being_served_and_is_named(tmp_path, away):
    found = an_inventory(tmp_path, SYNCHRONOUS)
    said = []

    class Partly:
        inventory = found

        def read(self, hosts, _command):
            return [Answer(host, host.name not in away, "does not answer") for host in hosts]

    with override_settings(DB_REPLICATION_PASSWORD="of-this-site"):
        site = HostSite(Partly(), said.append)
    refused = pytest.raises(FailoverError, match="work still sends") if len(away) == 3 else nullcontext()
    with refused:
        site.repoint("main")
        site.resume("main")
    # A database host's pooler serves its backups alone, and is told when its server follows again.
    named = [line for line in said if "fab provision --hosts work" in line]
    assert len(named) == (away == ["work"])


def test_who_deploys_may_tell_a_pooler_what_a_promotion_says_and_nothing_else(tmp_path):
    found = an_inventory(tmp_path, SYNCHRONOUS)
    text = files(found, found.hosts["work"], {})["/etc/sudoers.d/instagram-deploy"].text
    # As sudo compares: a backslash makes the next character a plain one.
    prefix = "deploy ALL=(postgres) NOPASSWD: "
    rules = [line.removeprefix(prefix).replace("\\", "") for line in text.splitlines() if line.startswith(prefix)]
    said = []

    class Listening:
        inventory = found

        def read(self, hosts, command):
            hosts = list(hosts)
            said.extend(re.findall(r"sudo -n -u postgres (/usr/bin/psql .*?)(?: 2>|$)", command(found.hosts["work"])))
            return [Answer(host, True, "") for host in hosts]

    with override_settings(DB_REPLICATION_PASSWORD="of-this-site"):
        site = HostSite(Listening(), lambda _: None)
    site.pause("main", PAUSE_S)
    site.repoint("main")
    site.resume("main")

    def may(line):
        return any(fnmatchcase(" ".join(shlex.split(line)), rule) for rule in rules)

    assert [each.rpartition("-qAtXc ")[2] for each in said] == [
        f"'SET query_wait_timeout = {PAUSE_S + 10:.0f}'", "'PAUSE main'", "RELOAD", "'RESUME main'"
    ]  # fmt: skip
    assert all(map(may, said))
    assert not may(f"{said[2]} -c '\\! sh'")
    assert not may(said[2].replace("RELOAD", "'\\! sh'"))


@pytest.mark.parametrize("at", ["SET", "PAUSE"])
def test_a_switch_for_which_one_pooler_does_not_pause_undoes_what_it_told_the_others(tmp_path, at):
    found = an_inventory(tmp_path, SYNCHRONOUS)
    told = []

    class Partly:
        inventory = found

        def read(self, hosts, command):
            hosts, line = list(hosts), command(found.hosts["db-1"])
            told.append(shlex.split(line.partition(" 2>")[0])[-1])
            # It fails at one step, and is away from then on.
            seen = any(words.startswith(at) for words in told)
            return [Answer(host, host.name != "work" or not seen, "does not answer", away=True) for host in hosts]

    with override_settings(DB_REPLICATION_PASSWORD="of-this-site"):
        site = HostSite(Partly(), lambda _: None)
    told.clear()
    with pytest.raises(Refused, match="work does not pause: nothing changed"):
        site.pause("main", 5)

    assert told[-2:] == ["RESUME main", "RELOAD"]
