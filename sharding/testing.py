"""For tests and benchmarks: empty their databases."""

from django.conf import settings
from django.db import connections
from psycopg2 import sql

from . import placement, schema
from .servers import all_servers

_SCRATCH = ("_test", "_bench")


def drop_everything() -> None:
    """Drop every schema of the settings' databases. Raises RuntimeError unless they are for tests or benchmarks."""
    if not settings.DB_SUFFIX.endswith(_SCRATCH):
        raise RuntimeError(f"databases with DB_SUFFIX={settings.DB_SUFFIX!r} are not for throwing away")
    connections.close_all()
    placement.forget()
    for server in all_servers():
        with schema.direct(server) as link:
            # One transaction each: a thousand schemas in one would need more locks than the server has.
            link.autocommit = True
            with link.cursor() as cursor:
                cursor.execute(
                    "SELECT nspname FROM pg_namespace"
                    " WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public') ORDER BY nspname"
                )
                for (name,) in [*cursor.fetchall(), ("public",)]:
                    cursor.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(name)))
                cursor.execute("CREATE SCHEMA public")
