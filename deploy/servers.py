"""Configuration of what a host runs beside our code: nginx, PgBouncer, PostgreSQL, Redis, memcached, gearmand.

The same templates as the local data centre's, with the host's addresses and Debian's places. Knobs come from the
settings, so from the operator's environment; passwords too: provision() refuses those of development.
"""

import ipaddress
from pathlib import Path

from django.conf import settings

from deploy.inventory import RELEASED, Host, Inventory
from stack.render import believed, filled, gunicorns, knobs, plain

ROOT = Path(__file__).resolve().parents[1]
TEMPLATES = Path(__file__).with_name("templates")
PGBOUNCER_PORT, REDIS_PORT, MEMCACHED_PORT, GEARMAND_PORT = 6432, 6379, 11211, 4730
#: Of Gunicorn at 127.0.0.1, behind the host's nginx, which has the host's own address.
GUNICORN_PORT = 8000
#: Passwords that stand in configuration files, and the role each belongs to.
SECRETS = ("DB_PASSWORD", "DB_REPLICATION_PASSWORD", "DB_SUPERUSER_PASSWORD")
#: Debian's one cluster of a database host.
CLUSTER_CONF, CLUSTER_DATA = "/etc/postgresql/15/main", "/var/lib/postgresql/15/main"
#: What backups write, as the account that runs PostgreSQL; what our units write is another account's.
DB_STATE = "/var/lib/postgresql/instagram"


def missing_secrets(host: Host) -> list[str]:
    """Return the names of passwords that this host's files need and that are still those of development."""
    values: dict[str, str] = {name: getattr(settings, name) for name in SECRETS}
    needed = {"db": SECRETS, "app": SECRETS[:1], "worker": SECRETS[:1]}
    names = dict.fromkeys(name for role in host.roles for name in needed.get(role, ()))
    return [name for name in names if not values[name] or settings.DEVELOPMENT_MARK in values[name]]


def site_environment(inventory: Inventory, host: Host) -> str:
    """Return shared/site.env: what the inventory knows of the service's environment. shared/env comes after it."""
    caches = inventory.with_role("cache")
    workers = 4 if "app" in host.roles else 1
    lines = {
        "DJANGO_SETTINGS_MODULE": "instagram.settings.production",
        "STATE_DIR": f"{host.base}/run",
        "TOPOLOGY_FILE": f"{host.base}/shared/topology.json",
        "DB_HOST": "127.0.0.1",
        "PGBOUNCER_PORT": PGBOUNCER_PORT,
        "PHOTO_MAP_SERVERS": ",".join(f"{each.address}:{REDIS_PORT}" for each in caches),
        "MEMCACHED_SERVERS": ",".join(f"{each.address}:{MEMCACHED_PORT}" for each in caches),
        "GEARMAND_SERVERS": ",".join(f"{each.address}:{GEARMAND_PORT}" for each in caches),
        "GUNICORN_BIND": f"127.0.0.1:{GUNICORN_PORT}",
        "GUNICORN_WORKERS": workers,
        # Per server, as topology.json says.
        "REPLICATION_SYNCHRONOUS": "0",
    }
    if shards := [name for name in inventory.servers if name != "main"]:
        lines["SHARD_SERVERS"] = ",".join(shards)
    if replicated := [name for name, nodes in inventory.servers.items() if len(nodes) > 1]:
        lines["REPLICA_READS"] = ",".join(replicated)
    if "db" in host.roles:
        lines |= _of_backups(inventory, host)
    head = "# Made by fab provision from the inventory; what shared/env says counts more.\n"
    return head + "".join(f"{name}={value}\n" for name, value in lines.items())


def _of_backups(inventory: Inventory, host: Host) -> dict[str, object]:
    """Return what `manage.py backup` must know on a database host. Quoted: a shell reads it, and systemd."""
    unit = "postgresql@15-main"
    return {
        "BACKUP_STATE_DIR": DB_STATE,
        "BACKUP_SERVERS": ",".join(held(inventory, host)),
        "BACKUP_CONF_FILE": f"{DB_STATE}/pgbackrest.conf",
        "BACKUP_PG_DATA": CLUSTER_DATA,
        "BACKUP_PG_CONF": f"{CLUSTER_CONF}/postgresql.conf",
        "BACKUP_PG_STOP": f'"sudo -n systemctl stop {unit}"',
        "BACKUP_PG_START": f'"sudo -n systemctl start {unit}"',
    }


def held(inventory: Inventory, host: Host) -> list[str]:
    """Return the servers one of whose nodes is on a host."""
    return [name for name, nodes in inventory.servers.items() if host.name in nodes]


def pgbouncer() -> str:
    """Return pgbouncer.ini of an app or worker host."""
    values = knobs() | {
        "DATABASES": "",
        "PGBOUNCER_PORT": PGBOUNCER_PORT,
        "PGBOUNCER_USERS": "/etc/pgbouncer/userlist.txt",
        "DB_USER": "pgbouncer",
    }
    text = filled(ROOT / "stack" / "templates" / "pgbouncer.ini", values)
    # The service looks at its queues (SHOW POOLS), and commands nothing.
    text = _with(text, "admin_users = pgbouncer\n", f"admin_users = pgbouncer\nstats_users = {settings.DB_USER}\n")
    # Debian's unit and account; the console is there for who may become postgres (fab promote).
    return _with(text, "[databases]\n\n", "%include /etc/pgbouncer/databases.ini\n\n").replace(
        "unix_socket_dir =\n", "unix_socket_dir = /var/run/postgresql\n"
    )


def pgbouncer_users() -> str:
    """Return PgBouncer's list of users."""
    return f'"{settings.DB_USER}" "{plain("DB_PASSWORD")}"\n'


def postgresql(inventory: Inventory, host: Host) -> str:
    """Return the part of postgresql.conf that is ours. A host has one cluster, of one server."""
    port = next((nodes[host.name] for nodes in inventory.servers.values() if host.name in nodes), 5432)
    values = knobs() | {
        "LISTEN": host.address,
        "PORT": port,
        "BACKUP_CONF": f"{DB_STATE}/pgbackrest.conf",
        "STANZA": next(iter(held(inventory, host)), "main"),
    }
    return filled(TEMPLATES / "postgresql.conf", values)


def pg_hba(inventory: Inventory) -> str:
    """Return who may come to a PostgreSQL server: the service from hosts that run it, replicas from database hosts."""
    lines = ["# Made by fab provision from the inventory.", "local all postgres peer"]
    for each in inventory.with_role(*RELEASED):
        lines.append(f"host all {settings.DB_USER} {each.address}/32 scram-sha-256")
    for each in inventory.with_role("db"):
        lines.append(f"host replication,postgres {settings.DB_REPLICATION_USER} {each.address}/32 scram-sha-256")
    # Backups mark a moment on every server; the guard tells a primary what to wait for.
    for each in (each for each in inventory.hosts.values() if "db" in each.roles or "guard" in each.also):
        lines.append(f"host all postgres {each.address}/32 scram-sha-256")
    return "\n".join(lines) + "\n"


def roles_and_databases(inventory: Inventory, host: Host) -> str:
    """Return SQL for psql that makes roles, time-outs and databases where they are missing or different."""
    mine = [name for name in inventory.servers if next(iter(inventory.servers[name]), "") == host.name]
    values: dict[str, object] = {
        "DB_USER": settings.DB_USER,
        "DB_PASSWORD": plain("DB_PASSWORD"),
        "REPLICATION_USER": settings.DB_REPLICATION_USER,
        "REPLICATION_PASSWORD": plain("DB_REPLICATION_PASSWORD"),
        "SUPERUSER_PASSWORD": plain("DB_SUPERUSER_PASSWORD"),
        "STATEMENT_MS": settings.DB_STATEMENT_TIMEOUT_MS,
        "LOCK_MS": settings.DB_LOCK_TIMEOUT_MS,
        "IDLE_MS": settings.DB_IDLE_IN_TRANSACTION_TIMEOUT_MS,
        "NAMES": ", ".join(f"('{name}'::text)" for name in mine) or "(NULL::text)",
    }
    return filled(TEMPLATES / "roles.sql", values)


def nginx(inventory: Inventory, host: Host) -> str:
    """Return nginx.conf of an app host: nginx/app.conf in front of Gunicorn, in Debian's places."""
    values = knobs() | {
        "APP_DATA": "/var/lib/nginx",
        "ACCESS_LOG": "/var/log/nginx/access.log",
        "STATIC_ROOT": f"{host.base}/current/static",
        "APP_LISTEN": f"{host.address}:{host.serves}",
        "GUNICORNS": gunicorns([GUNICORN_PORT]),
        # TLS ends at the load balancer.
        "TLS": "",
        "TLS_LISTEN": "",
    }
    values |= believed([str(ipaddress.ip_network(each.address)) for each in inventory.with_role("lb")])
    text = filled(ROOT / "nginx" / "app.conf", values)
    text = _with(text, "pid /var/lib/nginx/nginx.pid;\n", "user www-data;\npid /run/nginx.pid;\n")
    text = _with(text, "error_log stderr warn;", "error_log /var/log/nginx/error.log warn;")
    return _with(text, "worker_processes 1;", "worker_processes auto;")


def redis(host: Host) -> str:
    """Return redis.conf of a cache host. No password: the address is one of the inner network."""
    text = filled(ROOT / "stack" / "templates" / "redis.conf", knobs())
    text = _with(text, "bind 127.0.0.1\n", f"bind {host.address} 127.0.0.1\nprotected-mode no\n")
    places = f"port {REDIS_PORT}\ndir /var/lib/redis\nlogfile /var/log/redis/redis-server.log\n"
    return text + places + "pidfile /run/redis/redis-server.pid\ndaemonize no\nsupervised systemd\n"


def memcached(host: Host) -> str:
    """Return memcached.conf, an option a line."""
    return f"-u memcache\n-l {host.address}\n-p {MEMCACHED_PORT}\n-U 0\n-m {settings.MEMCACHED_MB}\n-c 4096\n"


def gearmand(host: Host) -> str:
    """Return /etc/default/gearman-job-server. Why these options: stack/description.py."""
    options = f"--listen={host.address} --port={GEARMAND_PORT} --round-robin --job-retries=3"
    return f'PARAMS="{options} --log-file=/var/log/gearmand.log"\n'


def _with(text: str, old: str, new: str) -> str:
    if old not in text:
        raise ValueError(f"a template no longer says {old!r}")
    return text.replace(old, new, 1)
