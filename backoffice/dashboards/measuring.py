"""What the dashboard of shards measures: each server by a few queries that read catalogues, never all rows."""

import json
import shutil
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings

from accounts.queries import about_how_many
from monitoring import history
from sharding import Server, gather, physical_servers, redis_servers
from sharding.ids import first_id_at

#: Seconds that "lately" is, for the most active people and photos; deeds and photos of it that are looked at, at most.
LATELY_S, LOOKED_AT = 3_600, 20_000
#: People and photos named of each server.
NAMED = 5
#: Seconds between two samples of written rows: a rate is over one or two of them.
SAMPLE_S, SAMPLE_LASTS_S = 30.0, 3_600
#: Growth is believed from this many seconds of history on.
BELIEVED_S = 3_600.0
_BLOCK = 8_192

# Sizes and rows are the planner's estimates, as of the last (auto)vacuum or analyze; written rows are counted exactly.
_SCHEMAS = """
SELECT n.nspname, sum(c.relpages)::bigint * %(block)s,
  coalesce(sum(greatest(c.reltuples, pg_stat_get_live_tuples(c.oid), 0)) FILTER (WHERE c.relkind = 'r'), 0)::bigint,
  coalesce(sum(pg_stat_get_tuples_inserted(c.oid) + pg_stat_get_tuples_updated(c.oid)
    + pg_stat_get_tuples_deleted(c.oid)) FILTER (WHERE c.relkind = 'r'), 0)::bigint
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname ~ '^s[0-9]{4}$' AND c.relkind IN ('r', 'i') GROUP BY 1 ORDER BY 1
"""
_ACTIVE = """
SELECT who, sum(times)::int FROM (
  SELECT actor_id AS who, count(*) AS times FROM
    (SELECT actor_id FROM local.deed WHERE id > %(since)s ORDER BY id DESC LIMIT %(most)s) AS deeds GROUP BY 1
  UNION ALL
  SELECT author_id, count(*) FROM
    (SELECT author_id FROM local.newest_photo WHERE photo_id > %(since)s ORDER BY photo_id DESC LIMIT %(most)s)
    AS photos GROUP BY 1
) AS acts GROUP BY who ORDER BY 2 DESC, 1 LIMIT %(named)s
"""
_TOUCHED = """
SELECT object_id, count(*) FROM
  (SELECT object_id, kind FROM local.deed WHERE id > %(since)s ORDER BY id DESC LIMIT %(most)s) AS deeds
 WHERE kind IN ('like', 'comment') GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class LogicalShard:
    """One logical shard. size: bytes; writes: rows a second, None before there are two samples."""

    number: int
    size: int
    rows: int
    writes: float | None


@dataclass(slots=True)
class ServerFacts:
    """One server, as it answered. size: bytes of its database; people: an estimate."""

    name: str
    size: int
    shards: list[LogicalShard]
    #: (person, acts), the most active first; photo -> likes and comments given by this server's people.
    active: list[tuple[int, int]]
    touched: dict[int, int]
    people: int = 0
    #: Bytes a day, None while nobody knows; free: bytes of its disk.
    growth: float | None = None
    free: int | None = None
    #: Bytes a day of all databases on that disk, where they share it; else None: its own growth fills it.
    filling: float | None = None
    #: Rows a second over all of its shards.
    writes: float | None = None

    def full_on(self, today: datetime) -> datetime | None:
        """Return when its disk is full at this growth; None when nobody knows, or not within twenty years."""
        growth = self.filling if self.filling is not None else self.growth
        if not growth or growth <= 0 or self.free is None:
            return None
        days = self.free / growth
        return today + timedelta(days=days) if days < 7_300 else None


def measured() -> tuple[list[ServerFacts], list[str]]:
    """Return the facts of each server that answers, and the names of the others.

    Cost: four queries per server (catalogues, and what happened lately), one on main, three round trips to Redis.
    """
    servers = physical_servers()
    answers = gather(dict.fromkeys(servers), lambda server, _: _asked(server))
    found = [answers[server] for server in servers if server in answers]
    grown = growth(time.time())
    here = _free_here()
    filling = sum(bytes_a_day for name, bytes_a_day in grown.items() if shares_disk(name))
    people = about_how_many()
    for each in found:
        each.growth = grown.get(each.name)
        each.people = people * len(each.shards) // settings.LOGICAL_SHARDS
        known = [shard.writes for shard in each.shards if shard.writes is not None]
        each.writes = sum(known) if known else None
        each.free = free_of(each.name, each.size, here)
        each.filling = filling if each.growth is not None and shares_disk(each.name) else None
    return found, [server.name for server in servers if server not in answers]


def growth(now: float) -> dict[str, float]:
    """Return bytes a day by server: over the months that are kept, else over the last day. Cost: four round trips."""
    found: dict[str, float] = {}
    for span in (history.DAY, history.SEASON):  # the longer one, where it has something to say, is believed
        for server, points in history.read(span, ["size"], until=now)["size"].items():
            (first_at, first), (last_at, last) = points[0], points[-1]
            if last_at - first_at >= (BELIEVED_S if span is history.DAY else 86_400):
                found[server] = (last - first) * 86_400 / (last_at - first_at)
    return found


def free_of(server: str, size: int, here: int | None) -> int | None:
    """Return the free bytes of a server's disk: of the disk said in SHARD_DISK_GB, else of this host if it is here."""
    gigabytes = settings.SHARD_DISK_GB.get(server)
    if gigabytes is not None:
        return max(0, int(gigabytes) * 10**9 - size)
    return here if shares_disk(server) else None


def shares_disk(server: str) -> bool:
    """Return whether a server's data is on this host's disk, beside the others', and nothing else was said of it."""
    here = Path(settings.STATE_DIR) / "data" / f"postgres_{server}"
    return server not in settings.SHARD_DISK_GB and here.exists()


def _free_here() -> int | None:
    place = Path(settings.STATE_DIR)
    return shutil.disk_usage(place).free if place.exists() else None


def _asked(server: Server) -> ServerFacts:
    since = first_id_at(time.time() - LATELY_S)
    lately: dict[str, Any] = {"since": since, "most": LOOKED_AT, "named": NAMED}
    with server.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        size = cursor.fetchone()[0]
        cursor.execute(_SCHEMAS, {"block": _BLOCK})
        schemas = cursor.fetchall()
        cursor.execute(_ACTIVE, lately)
        active = [(int(who), int(times)) for who, times in cursor.fetchall()]
        cursor.execute(_TOUCHED, lately)
        touched = dict(cursor.fetchall())
    rates = _rates(server, {int(name[1:]): int(written) for name, _, _, written in schemas})
    shards = [
        LogicalShard(int(name[1:]), int(pages), int(rows), rates.get(int(name[1:])))
        for name, pages, rows, _ in schemas
    ]  # fmt: skip
    return ServerFacts(server.name, int(size), shards, active, touched)


def _rates(server: Server, written: dict[int, int]) -> dict[int, float]:
    """Return rows a second by logical shard since a sample that an earlier look left; leave one if it is time."""
    now = time.time()
    key = f"written:{settings.METRICS_PREFIX}{settings.DB_SUFFIX}{server.name}"
    answers = redis_servers.ask({settings.METRICS_REDIS: [("LRANGE", key, 0, 1)]})
    texts = answers.get(settings.METRICS_REDIS, [[]])[0]
    samples = [json.loads(text) for text in texts]
    samples = [sample for sample in samples if now - sample["at"] < SAMPLE_LASTS_S]
    if not samples or now - samples[0]["at"] >= SAMPLE_S:
        sample = json.dumps({"at": now, "written": written})
        commands = [("LPUSH", key, sample), ("LTRIM", key, 0, 1), ("EXPIRE", key, SAMPLE_LASTS_S)]
        redis_servers.ask({settings.METRICS_REDIS: commands})
    if not samples or now - samples[-1]["at"] < 1.0:
        return {}
    before, seconds = samples[-1]["written"], now - samples[-1]["at"]
    # A shard that is new here, or statistics that began anew, count from nothing.
    return {number: max(0, now_written - min(before.get(str(number), 0), now_written)) / seconds
            for number, now_written in written.items()}  # fmt: skip
