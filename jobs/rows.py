"""Statements on the tables of jobs: outbox and dead letters."""

from typing import Any

import orjson
from django.db import connections

from sharding import Server


def change(server: Server, statement: str, arguments: list[Any], *, may_be_lost: bool = True) -> int:
    """Run one statement that may be lost in a power cut (the job runs once more then); return how many rows it met."""
    if may_be_lost and not connections[server.alias].in_atomic_block:
        # One message, hence one transaction and one round trip; nobody waits for the disk.
        statement = "SET LOCAL synchronous_commit TO off; " + statement
    with server.cursor() as cursor:
        cursor.execute(statement, arguments)
        return int(cursor.rowcount)


def dictionaries(server: Server, query: str, arguments: list[Any]) -> list[dict[str, Any]]:
    with server.cursor() as cursor:
        cursor.execute(query, arguments)
        names = [column.name for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) | {"server": server.name} for row in cursor.fetchall()]
    for row in rows:
        if "args" in row:
            row["args"] = orjson.loads(row["args"])
    return rows
