"""Renders the servers' configuration from templates: `@NAME@` becomes the value of that name."""

import hashlib
import ipaddress
import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.conf import settings

from instagram import topology
from stack import accounts, front, paths, prepare, replicas, tls
from stack.description import components
from stack.errors import StackError

TEMPLATES = {
    "postgresql.conf": "stack/templates/postgresql.conf",
    "pg_hba.conf": "stack/templates/pg_hba.conf",
    "pgbouncer.ini": "stack/templates/pgbouncer.ini",
    "pgbouncer.users": "stack/templates/pgbouncer.users",
    "redis.conf": "stack/templates/redis.conf",
    "nginx_cdn.conf": "nginx/cdn.conf",
}
#: Those of the full data centre alone.
FULL_TEMPLATES = {
    "haproxy.cfg": "stack/templates/haproxy.cfg",
    "replication.pgpass": "stack/templates/replication.pgpass",
    "replica.sh": "stack/templates/replica.sh",
}


def render_all() -> None:
    """Write every configuration file into STATE_DIR/etc, readable by the servers' account alone."""
    account = accounts.servers()
    for name, text in files().items():
        account.write(paths.etc(name), text)


def files() -> dict[str, str]:
    """Return every configuration file of the data centre that runs: its name and its text."""
    full = settings.STACK_KIND == "full"
    texts = {name: rendered(template) for name, template in (TEMPLATES | (FULL_TEMPLATES if full else {})).items()}
    if full:
        texts |= replicas.redis_roles()
    if pem := tls.pem():
        texts["tls.pem"] = pem
    for name, port in front.app_front_ports(full=full).items():
        # Behind a load balancer, that is what a browser asks.
        host = "127.0.0.1" if full else settings.LISTEN_HOST
        own = {"APP_DATA": paths.data(name), "APP_LISTEN": f"{host}:{port}"}
        texts[f"{name}.conf"] = rendered("nginx/app.conf", own)
    return texts


def rendered(template: str, own: dict[str, object] | None = None) -> str:
    """Return a template's text with its values filled in; raises ValueError for a name nobody knows.

    own: values of this file alone.
    """
    return filled(Path(settings.BASE_DIR) / template, values() | (own or {}))


def filled(template: Path, known: dict[str, object]) -> str:
    """Return a file's text with these values filled in; raises ValueError for a name that is not among them."""
    text = template.read_text()
    for name, value in known.items():
        text = text.replace(f"@{name}@", str(value))
    unknown = re.search(r"@([A-Z][A-Z0-9_]+)@", text)
    if unknown:
        raise ValueError(f"{template}: nothing is known of {unknown[0]}")
    return text


def values() -> dict[str, object]:
    """Return what templates may name."""
    full = settings.STACK_KIND == "full"
    app_fronts = front.app_front_ports(full=full).items()
    return (
        knobs()
        | {
            "DATABASES": "\n".join(databases()),
            "ETC": paths.state() / "etc",
            "PGBOUNCER_PORT": settings.PGBOUNCER_PORT,
            "PGBOUNCER_USERS": paths.etc("pgbouncer.users"),
            "BACKUP_CONF": settings.BACKUP_CONF_FILE.resolve(),
            "DB_USER": plain("DB_USER"),
            "DB_PASSWORD": plain("DB_PASSWORD"),
            "DB_REPLICATION_USER": plain("DB_REPLICATION_USER"),
            "DB_REPLICATION_PASSWORD": plain("DB_REPLICATION_PASSWORD"),
            "SLOT_KEEP_MB": settings.POSTGRES_SLOT_KEEP_MB,
            "SHARED_BUFFERS_MB": settings.POSTGRES_SHARED_BUFFERS_MB,
            "LISTEN_HOST": settings.LISTEN_HOST,
            "APP_PORT": settings.APP_PORT,
            "CDN_PORT": settings.CDN_PORT,
            "CDN_PURGE_HOST": settings.CDN_PURGE_HOST,
            "CDN_PURGE_PORT": settings.CDN_PURGE_PORT,
            "APP_FRONTS": "\n".join(f"  server {name} 127.0.0.1:{port} check" for name, port in app_fronts),
            "HAPROXY_SOCKET": paths.data("haproxy") / "admin.sock",
            "HAPROXY_STATS_PORT": settings.HAPROXY_STATS_PORT,
            "GUNICORNS": gunicorns(front.gunicorn_ports(full=full).values()),
            "S3_PORT": settings.S3_PORT,
            "S3_BUCKET": settings.S3_BUCKET,
            "CDN_SIGNING_KEY": plain("CDN_SIGNING_KEY"),
            "CACHE_MB": settings.CDN_CACHE_MB,
            "CACHE_S": settings.CDN_CACHE_S,
            "CDN_DATA": paths.data("nginx_cdn"),
            "ACCESS_LOG": paths.log("access"),
            "STATIC_ROOT": Path(settings.STATIC_ROOT).resolve(),
        }
        | believed(known_proxies())
        | tls.values()
    )


def knobs() -> dict[str, object]:
    """Return what means the same in the files of hosts (deploy/servers.py)."""
    return {
        "POOL_SIZE": settings.PGBOUNCER_POOL_SIZE,
        "QUERY_WAIT_TIMEOUT": settings.PGBOUNCER_QUERY_WAIT_TIMEOUT_S,
        "MAX_CLIENTS": settings.PGBOUNCER_MAX_CLIENTS,
        "SERVER_LIFETIME": settings.PGBOUNCER_SERVER_LIFETIME_S,
        "MAX_CONNECTIONS": settings.POSTGRES_MAX_CONNECTIONS,
        "LISTPACK_ENTRIES": settings.PHOTO_MAP_LISTPACK_ENTRIES,
        "LISTPACK_BYTES": settings.PHOTO_MAP_LISTPACK_BYTES,
        "DOOR_PER_MINUTE": settings.DOOR_ATTEMPTS_PER_MINUTE,
        "DOOR_BURST": settings.DOOR_ATTEMPTS_AT_ONCE,
        # Until one more is let in; in whole seconds, with room for others behind the same address.
        "DOOR_RETRY_S": 1 + math.ceil(60 / settings.DOOR_ATTEMPTS_PER_MINUTE),
        "BODY_LIMIT": settings.UPLOAD_MAX_BYTES + 1024 * 1024,
        "RATE_LIMIT": settings.RATE_LIMIT_PER_HOUR,
    }


def believed(proxies: list[str]) -> dict[str, object]:
    """Return what nginx is told of the proxies before it."""
    return {
        "REAL_IP_FROM": "\n".join(f"  set_real_ip_from {proxy};" for proxy in proxies),
        "KNOWN_PROXIES": " ".join(f"{proxy} 1;" for proxy in proxies),
    }


def databases() -> Iterator[str]:
    """Yield PgBouncer's databases: each server's, at its primary, and NAME_replica for reads that may be old."""
    for name in settings.POSTGRES_PORTS:
        for role, node in (("", topology.primary(name)), ("_replica", topology.replica(name))):
            if node is not None:
                for suffix in prepare.SUFFIXES:
                    yield f"{name}{role}{suffix} = host={node.host} port={node.port} dbname={name}{suffix}"


def gunicorns(ports: Iterable[int]) -> str:
    """Return the servers of nginx's upstream: one alone is always tried, of several a dead one rests for 1 s."""
    several = list(ports)
    rest = "max_fails=1 fail_timeout=1s" if several[1:] else "fail_timeout=0"
    return " ".join(f"server 127.0.0.1:{port} {rest};" for port in several)


def fingerprint() -> str:
    """Return what tells one description, settings included, from another: a change means starting anew."""
    parts = [(one.name, one.argv, one.ports, one.env) for one in components()]
    return hashlib.sha256(repr((parts, list(files().values()))).encode()).hexdigest()


def known_proxies() -> list[str]:
    """Return KNOWN_PROXIES as networks. Raises StackError."""
    try:
        return [str(ipaddress.ip_network(proxy)) for proxy in settings.KNOWN_PROXIES]
    except ValueError as error:
        raise StackError(f"KNOWN_PROXIES: {error}.") from None


def plain(name: str) -> str:
    """Return a setting that may stand in a configuration file as it is. Raises StackError."""
    value = getattr(settings, name)
    if not re.fullmatch(r"[\w.+/=-]+", value):
        raise StackError(
            f"{name} may hold letters, digits and . + / = - _ only, for it stands in a configuration file."
        )
    return str(value)
