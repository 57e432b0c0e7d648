"""Totals of tags: from the tags' shards to the directory in main, newer versions only."""

from psycopg2 import sql

from sharding import Server, Shard, main_server, shard_numbered

#: Changes read in one go, and tags counted anew in one call.
BATCH = 1_000


def copy_changed(server: Server) -> int:
    """Copy the totals that changed on a server to main; return how many changes that were.

    Changes are deleted when main has them, so that a kill repeats rather than loses. Several may run at once.
    Cost: three statements per BATCH changes, and one on main.
    """
    copied = 0
    while True:
        with server.cursor() as cursor:
            cursor.execute("SELECT id, logical_shard, tag FROM local.tag_changed ORDER BY id LIMIT %s", [BATCH])
            changes = cursor.fetchall()
        # In order, each once: one that changes all the time is copied once. The shard may have moved since.
        servers: dict[Server, dict[Shard, list[str]]] = {}
        for number, tag in sorted({(number, tag) for _, number, tag in changes}):
            shard = shard_numbered(number)
            servers.setdefault(shard.server, {}).setdefault(shard, []).append(tag)
        for holder, tags in servers.items():
            _store(_totals(holder, tags))
        if changes:
            with server.cursor() as cursor:
                cursor.execute("DELETE FROM local.tag_changed WHERE id = ANY(%s)", [[row[0] for row in changes]])
        copied += len(changes)
        if len(changes) < BATCH:
            return copied


def recount(shard: Shard) -> None:
    """Count a shard's tags anew and have main read them. Cost: a count of all its index rows."""
    past: str | None = ""
    while past is not None:
        with shard.cursor() as cursor:
            cursor.execute("SELECT local.recount_tags(%s, %s, %s)", [shard.number, past, BATCH])
            past = cursor.fetchone()[0]


def _totals(server: Server, tags: dict[Shard, list[str]]) -> list[tuple[str, int, int]]:
    selects = [
        sql.SQL("SELECT tag, media_count, version FROM {} WHERE tag = ANY(%s)").format(shard.table("photos_tagtotal"))
        for shard in tags
    ]
    with server.cursor() as cursor:
        cursor.execute(sql.SQL(" UNION ALL ").join(selects), list(tags.values()))
        return sorted(cursor.fetchall())  # two at once lock rows of main in the same order


def _store(totals: list[tuple[str, int, int]]) -> None:
    with main_server().cursor() as cursor:
        cursor.execute(
            "INSERT INTO photos_tag AS tag (name, media_count, version, hidden)"
            " SELECT name, media_count, version, false FROM unnest(%s::text[], %s::bigint[], %s::bigint[])"
            " AS given (name, media_count, version) ON CONFLICT (name) DO UPDATE"
            " SET media_count = excluded.media_count, version = excluded.version WHERE tag.version < excluded.version",
            list(map(list, zip(*totals, strict=True))) or [[], [], []],
        )
