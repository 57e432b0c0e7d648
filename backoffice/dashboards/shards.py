"""The shards: how large, how busy, where, until when; and what to do about it."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts.models import User
from backoffice.frame import Menu, page
from sharding.ids import logical_shard_of

from . import svg
from .advice import advice
from .cards import Card, LastDay, drawn, link, tag
from .measuring import NAMED, LogicalShard, ServerFacts, measured

#: Logical shards in the table: the busiest, then the largest.
COUNT = 20


@page("dashboards/shards/", name="shards", act="dashboards.view", menu=Menu("Dashboards", "Shards", 20))
def shards(request: HttpRequest) -> HttpResponse:
    """Show them. Cost: four queries per server and two on main, whatever the number of people; of catalogues, so that
    they grow with the number of logical shards: 4 ms for 32 schemas. Five round trips to Redis.
    """
    servers, away = measured()
    day = LastDay("writes", "size")
    moment = datetime.now(UTC)
    every = [(shard, number, server.name) for number, server in enumerate(servers) for shard in server.shards]
    every.sort(key=lambda each: each[0].number)
    names = [server.name for server in servers]
    is_known = any(shard.writes is not None for shard, _, _ in every)
    cards = [
        Card("Advice", texts=advice(servers, away, moment), wide=True),
        Card(
            "Servers", wide=True, empty="No server answers.",
            head=["server", "size", "logical shards", "people", "rows written", "growth", "free disk", "full on"],
            rows=[_row(server, moment) for server in servers] + [[name, tag("away", "bad")] for name in away],
        ),
        Card(
            "Size of each logical shard", svg.columns(
                [(_label(shard, name), float(shard.size), number) for shard, number, name in every],
                title="Size of each logical shard", unit="bytes", legend=names,
            ),
        ),
        Card(
            "Rows written a second, by logical shard", svg.columns(
                [(_label(shard, name), shard.writes or 0.0, number) for shard, number, name in every],
                title="Rows written by logical shard", unit="1/s", legend=names,
            ) if is_known else "",
            texts=[] if is_known else ["A rate needs two looks: come back in half a minute."],
        ),
        Card("Rows written by server", day.drawn("Rows written by server", "writes")),
        Card("Size by server", day.drawn("Databases on disk", "size")),
        Card("Most active people of the last hour", head=["person", "acts", "logical shard"], rows=_people(servers),
             empty="Nobody did anything."),
        Card("Most liked and commented photos of the last hour", head=["photo", "times", "logical shard"],
             rows=_photos(servers), empty="Nobody liked or commented."),
        Card(
            "Logical shards", wide=True, head=["shard", "server", "size", "rows", "rows written a second"],
            rows=_table(every), texts=[_left_out(len(every))] if len(every) > COUNT else [],
        ),
    ]  # fmt: skip
    note = (
        "Sizes and rows of logical shards, and people, are PostgreSQL's own estimates: nothing is counted. "
        "Acts are posts, likes, comments and follows."
    )
    return drawn(request, "Shards", cards, away=away, note=note)


def _row(server: ServerFacts, moment: datetime) -> list[object]:
    full = server.full_on(moment)
    growth = "–" if server.growth is None else f"{svg.shown(server.growth, 'bytes')} a day"
    return [
        server.name, svg.shown(server.size, "bytes"), len(server.shards), f"about {server.people:,}",
        svg.shown(server.writes, "1/s"), growth, svg.shown(server.free, "bytes"), f"{full:%Y-%m-%d}" if full else "–",
    ]  # fmt: skip


def _label(shard: LogicalShard, server: str) -> str:
    return f"s{shard.number:04d} on {server}"


def _people(servers: Sequence[ServerFacts]) -> list[list[object]]:
    found = sorted((each for server in servers for each in server.active), key=lambda each: -each[1])[:NAMED]
    people = User.objects.in_bulk([user_id for user_id, _ in found])
    homes = {shard.number: server.name for server in servers for shard in server.shards}
    rows: list[list[object]] = []
    for user_id, times in found:
        number = user_id % settings.LOGICAL_SHARDS
        name = people[user_id].username if user_id in people else user_id
        rows.append(
            [link(reverse("admin:person", args=[user_id]), name), times, f"s{number:04d} on {homes.get(number, '?')}"]
        )
    return rows


def _photos(servers: Sequence[ServerFacts]) -> list[list[object]]:
    touched: Counter[int] = Counter()
    for server in servers:
        touched.update(server.touched)
    homes = {shard.number: server.name for server in servers for shard in server.shards}
    return [
        [link(reverse("admin:photo", args=[photo_id]), photo_id), times,
         f"s{logical_shard_of(photo_id):04d} on {homes.get(logical_shard_of(photo_id), '?')}"]
        for photo_id, times in touched.most_common(NAMED)
    ]  # fmt: skip


def _table(every: Sequence[tuple[LogicalShard, int, str]]) -> list[list[object]]:
    busiest = sorted(every, key=lambda each: (-(each[0].writes or 0.0), -each[0].size))[:COUNT]
    return [
        [f"s{shard.number:04d}", server, svg.shown(shard.size, "bytes"), svg.shown(shard.rows), svg.shown(shard.writes)]
        for shard, _, server in busiest
    ]


def _left_out(number: int) -> str:
    return f"The {COUNT} busiest and largest of {number}."
