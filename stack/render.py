"""Renders the servers' configuration from templates: `@NAME@` becomes the value of that name."""

import hashlib
import re
from pathlib import Path

from django.conf import settings

from stack import accounts, paths, prepare
from stack.description import components
from stack.errors import StackError

TEMPLATES = {
    "postgresql.conf": "stack/templates/postgresql.conf",
    "pg_hba.conf": "stack/templates/pg_hba.conf",
    "pgbouncer.ini": "stack/templates/pgbouncer.ini",
    "pgbouncer.users": "stack/templates/pgbouncer.users",
    "redis.conf": "stack/templates/redis.conf",
    "nginx_app.conf": "nginx/app.conf",
    "nginx_cdn.conf": "nginx/cdn.conf",
}


def render_all() -> None:
    """Write every configuration file into STATE_DIR/etc, readable by the servers' account alone."""
    account = accounts.servers()
    for name, template in TEMPLATES.items():
        target = paths.etc(name)
        target.touch(mode=0o600)
        account.own(target)
        target.write_text(rendered(template))


def rendered(template: str) -> str:
    """Return a template's text with its values filled in; raises ValueError for a name nobody knows."""
    text = (Path(settings.BASE_DIR) / template).read_text()
    for name, value in values().items():
        text = text.replace(f"@{name}@", str(value))
    unknown = re.search(r"@([A-Z0-9_]+)@", text)
    if unknown:
        raise ValueError(f"{template}: nothing is known of {unknown[0]}")
    return text


def values() -> dict[str, object]:
    """Return what templates may name."""
    databases = "\n".join(
        f"{name}{suffix} = host=127.0.0.1 port={port} dbname={name}{suffix}"
        for name, port in settings.POSTGRES_PORTS.items()
        for suffix in prepare.SUFFIXES
    )
    return {
        "DATABASES": databases,
        "PGBOUNCER_PORT": settings.PGBOUNCER_PORT,
        "PGBOUNCER_USERS": paths.etc("pgbouncer.users"),
        "POOL_SIZE": settings.PGBOUNCER_POOL_SIZE,
        "QUERY_WAIT_TIMEOUT": settings.PGBOUNCER_QUERY_WAIT_TIMEOUT_S,
        "MAX_CLIENTS": settings.PGBOUNCER_MAX_CLIENTS,
        "BACKUP_CONF": settings.BACKUP_CONF_FILE.resolve(),
        "SERVER_LIFETIME": settings.PGBOUNCER_SERVER_LIFETIME_S,
        "DB_USER": _plain("DB_USER"),
        "DB_PASSWORD": _plain("DB_PASSWORD"),
        "MAX_CONNECTIONS": settings.POSTGRES_MAX_CONNECTIONS,
        "SHARED_BUFFERS_MB": settings.POSTGRES_SHARED_BUFFERS_MB,
        "LISTPACK_ENTRIES": settings.PHOTO_MAP_LISTPACK_ENTRIES,
        "LISTPACK_BYTES": settings.PHOTO_MAP_LISTPACK_BYTES,
        "LISTEN_HOST": settings.LISTEN_HOST,
        "APP_PORT": settings.APP_PORT,
        "CDN_PORT": settings.CDN_PORT,
        "CDN_PURGE_HOST": settings.CDN_PURGE_HOST,
        "CDN_PURGE_PORT": settings.CDN_PURGE_PORT,
        "GUNICORN_PORT": settings.GUNICORN_PORT,
        "S3_PORT": settings.S3_PORT,
        "S3_BUCKET": settings.S3_BUCKET,
        "CDN_SIGNING_KEY": _plain("CDN_SIGNING_KEY"),
        "CACHE_MB": settings.CDN_CACHE_MB,
        "CACHE_S": settings.CDN_CACHE_S,
        "BODY_LIMIT": settings.UPLOAD_MAX_BYTES + 1024 * 1024,
        "RATE_LIMIT": settings.RATE_LIMIT_PER_HOUR,
        "APP_DATA": paths.data("nginx_app"),
        "CDN_DATA": paths.data("nginx_cdn"),
        "ACCESS_LOG": paths.log("access"),
        "STATIC_ROOT": Path(settings.STATIC_ROOT).resolve(),
    }


def fingerprint() -> str:
    """Return what tells one description, settings included, from another: a change means starting anew."""
    parts = [(one.name, one.argv, one.ports, one.env) for one in components()]
    return hashlib.sha256(repr((parts, [rendered(template) for template in TEMPLATES.values()])).encode()).hexdigest()


def _plain(name: str) -> str:
    value = getattr(settings, name)
    if not re.fullmatch(r"[\w.+/=-]+", value):
        raise StackError(
            f"{name} may hold letters, digits and . + / = - _ only, for it stands in a configuration file."
        )
    return str(value)
