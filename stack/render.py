"""Renders the servers' configuration from templates: `@NAME@` becomes the value of that name."""

import re
from pathlib import Path

from django.conf import settings

from stack import accounts, paths, prepare

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
        target.write_text(rendered(template))
        target.chmod(0o600)
        account.own(target)


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
        "SERVER_LIFETIME": settings.PGBOUNCER_SERVER_LIFETIME_S,
        "DB_USER": settings.DB_USER,
        "DB_PASSWORD": settings.DB_PASSWORD,
        "LISTPACK_ENTRIES": settings.PHOTO_MAP_LISTPACK_ENTRIES,
        "APP_PORT": settings.APP_PORT,
        "CDN_PORT": settings.CDN_PORT,
        "GUNICORN_PORT": settings.GUNICORN_PORT,
        "S3_PORT": settings.S3_PORT,
        "CDN_SIGNING_KEY": settings.CDN_SIGNING_KEY,
        "BODY_LIMIT": settings.UPLOAD_MAX_BYTES + 1024 * 1024,
        "APP_DATA": paths.data("nginx_app"),
        "CDN_DATA": paths.data("nginx_cdn"),
        "APP_ACCESS_LOG": paths.log("access"),
    }
