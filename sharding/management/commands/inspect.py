"""manage.py inspect ID|SHORTCODE: what an id says, and what is there."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from psycopg2 import sql

from sharding import Shard, ShardUnavailable, ids, photo_map, shard_of_object

_CANONICAL = re.compile(r"\A([0-9]{10,19})_[0-9]+\Z")
_TABLES = """
SELECT t.relname, owner.attname, pg_get_constraintdef(k.oid) LIKE '%%>> 10%%'
FROM pg_class t
JOIN pg_attribute i ON i.attrelid = t.oid AND i.attname = 'id' AND i.atttypid = 'bigint'::regtype AND NOT i.attisdropped
LEFT JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype = 'c' AND k.conname = t.relname || '_shard_key'
LEFT JOIN pg_attribute owner ON owner.attrelid = t.oid AND owner.attnum = k.conkey[1]
WHERE t.relnamespace = to_regnamespace(%s) AND t.relkind = 'r'
ORDER BY 1
"""


class Command(BaseCommand):
    """Say when and where an id was made, whose it is, whether its row exists. Exit codes: 1 server down, 2 no id."""

    help = __doc__
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare what is looked at."""
        parser.add_argument(
            "id", metavar="ID|SHORTCODE", help="digits alone are an id; '--' before a code that begins with -"
        )
        parser.add_argument("--shortcode", action="store_true", help="take digits for a short code, too")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print what there is to know."""
        try:
            # As answers show a photo: with its owner.
            text = _CANONICAL.sub(r"\1", options["id"])
            object_id = self._parsed(text, shortcode=options["shortcode"])
            code = ids.shortcode_of(object_id)
            shard = shard_of_object(object_id)
        except ValueError as error:
            raise CommandError(f"{error}.", returncode=2) from error
        except ShardUnavailable as error:
            raise CommandError(f"Database {error.server_name} does not answer.", returncode=1) from error
        milliseconds, _, sequence = ids.parts(object_id)
        made = ids.created_at_of(object_id)
        note = ""
        if made > datetime.now(UTC):
            note = " (in the future: no id of this installation)"
        elif milliseconds < 1000:
            note = " (the first second there was: rather the id of a user, who lives on another shard)"
        self._say("id", object_id)
        self._say("short code", code)
        self._say("made", f"{made:%Y-%m-%d %H:%M:%S}.{made.microsecond // 1000:03d} UTC{note}")
        self._say("logical shard", f"{shard.number} ({shard.schema})")
        self._say("server", shard.server.name)
        self._say("sequence", sequence)
        try:
            found = list(_rows(shard, object_id))
        except ShardUnavailable as error:
            self._say("row", "unknown")
            raise CommandError(f"{shard.server.name} does not answer.", returncode=1) from error
        self._say("row", ", ".join(table for table, _ in found) or "none")
        for owner in {owner for _, owner in found if owner is not None}:
            self._say("owner", f"user {owner}")
        self._say("photo map", self._mapped(object_id))

    def _say(self, name: str, value: object) -> None:
        self.stdout.write(f"{name:<14}{value}")

    @staticmethod
    def _parsed(text: str, *, shortcode: bool) -> int:
        return int(text) if text.isascii() and text.isdecimal() and not shortcode else ids.id_of_shortcode(text)

    @staticmethod
    def _mapped(object_id: int) -> str:
        user_id = photo_map.users_of([object_id], lambda _: {}).get(object_id)
        return f"user {user_id}" if user_id is not None else "no entry"


def _rows(shard: Shard, object_id: int, depth: int = 0) -> Iterator[tuple[str, int | None]]:
    """Yield (table, owner) of the rows with this id.

    Owner: what the table's shard key holds; if that is an object (a like's photo), its owner.
    """
    with shard.cursor() as cursor:
        cursor.execute(_TABLES, [shard.schema])
        tables = cursor.fetchall()
        for table, key, key_is_object in tables:
            cursor.execute(
                sql.SQL("SELECT {} FROM {} WHERE id = %s LIMIT 1").format(
                    sql.Identifier(key) if key else sql.SQL("NULL::bigint"), shard.table(table)
                ),
                [object_id],
            )
            row = cursor.fetchone()
            if row is None:
                continue
            owner = row[0]
            if key_is_object and owner is not None:
                owners = [] if depth else [found for _, found in _rows(shard, owner, depth + 1)]
                owner = owners[0] if owners else None
            yield table, owner
