"""What is kept in memory: the photo map in Redis, and the cache in memcached."""

from django.http import HttpRequest, HttpResponse

from backoffice.frame import Menu, page

from . import svg
from .cards import Card, LastDay, Now, drawn, now, share

#: What the map is built for: a sentence says what it would take.
PHOTOS_PLANNED = 300_000_000


@page("dashboards/photo_map/", name="photo-map", act="dashboards.view", menu=Menu("Dashboards", "Photo map", 40))
def photo_map(request: HttpRequest) -> HttpResponse:
    """Show it. Cost: INFO and a sample of keys of each Redis, three round trips."""
    at = now(lambda name: name.startswith("redis "))
    day = LastDay("map_memory", "map_hits")
    memory, keys, entry = at.gauges("map_memory_bytes"), at.gauges("map_keys"), at.gauges("map_entry_bytes")
    evicted = at.gauges("map_evicted_total")
    hits, misses = at.reading.total("map_hits_total", {}), at.reading.total("map_misses_total", {})
    rows = [
        [server, svg.shown(memory[server], "bytes"), svg.shown(keys.get(server)),
         svg.shown(entry.get(server), "bytes"), svg.shown(evicted.get(server))]
        for server in memory
    ]  # fmt: skip
    texts = []
    if entry:
        mean = sum(entry.values()) / len(entry)
        texts.append(
            f"A photo takes {svg.shown(mean, 'bytes')}; {PHOTOS_PLANNED // 10**6} million of them would take "
            f"{svg.shown(mean * PHOTOS_PLANNED, 'bytes')}. Of few photos it says little: a bucket costs its key, too."
        )
    if sum(evicted.values()):
        texts.append("Entries were thrown out for want of memory: give these servers more, then rebuild the map.")
    looked = "No photo was looked for since counting began."
    if hits + misses:
        looked = f"{svg.shown(share(hits, hits + misses), '%')} of {svg.shown(hits + misses)} photos were found in it."
    cards = [
        Card(
            "Servers", svg.bars(list(memory.items()), title="Memory by server", unit="bytes"), texts=texts,
            head=["server", "memory", "keys", "bytes a photo", "evicted"], rows=rows, empty="No server answers.",
        ),
        Card("Found in the map", day.drawn("Photos found in the map", "map_hits"), texts=[looked]),
        Card("Memory", day.drawn("Memory of the photo map", "map_memory")),
    ]  # fmt: skip
    return drawn(request, "Photo map", cards, away=at.away)


@page("dashboards/cache/", name="cache", act="dashboards.view", menu=Menu("Dashboards", "Cache", 50))
def cache(request: HttpRequest) -> HttpResponse:
    """Show it. Cost: the statistics of each memcached, three round trips to Redis."""
    at = now(lambda name: name.startswith("memcached "))
    day = LastDay("cache_hits", "evictions")
    used, most, items = (at.gauges(f"memcached_{name}") for name in ("bytes", "bytes_most", "items"))
    hits, misses, evictions = (at.gauges(f"memcached_{name}_total") for name in ("hits", "misses", "evictions"))
    rows = [
        [server, svg.shown(used[server], "bytes"), svg.shown(share(used[server], most[server]), "%"),
         svg.shown(items[server]), svg.shown(share(hits[server], hits[server] + misses[server]), "%"),
         svg.shown(evictions[server])]
        for server in used
    ]  # fmt: skip
    kinds = _by_kind(at)
    failures = at.reading.total("cache_server_failures_total", {})
    cards = [
        Card(
            "Servers", svg.bars([(server, share(used[server], most[server])) for server in used],
                                title="Memory in use by server", unit="%"),
            head=["server", "memory", "of its limit", "entries", "hits", "evicted"], rows=rows,
            texts=[f"Processes gave a server up {svg.shown(failures)} times since counting began."],
            empty="No server answers.",
        ),
        Card("Entries found", day.drawn("Entries found in memcached", "cache_hits")),
        Card("Thrown out for want of memory", day.drawn("Evictions", "evictions")),
        Card(
            "Hits by kind", svg.bars([(kind, rate) for kind, _, _, rate in kinds[:10]], title="Hits by kind", unit="%"),
            head=["kind", "found", "asked", "hits"], empty="Nothing was asked.",
            rows=[
                [kind, svg.shown(found), svg.shown(asked), svg.shown(rate, "%")] for kind, found, asked, rate in kinds
            ],
        ),
    ]  # fmt: skip
    return drawn(request, "Cache", cards, away=at.away)


def _by_kind(at: Now) -> list[tuple[str, float, float, float | None]]:
    """Return (kind, found, asked, percentage), the most asked first, as the service's processes counted."""
    found, missed = at.counts("cache_hits", "kind"), at.counts("cache_misses", "kind")
    asked = {kind: found.get(kind, 0.0) + missed.get(kind, 0.0) for kind in found | missed}
    ordered = sorted(asked, key=lambda kind: -asked[kind])
    return [(kind, found.get(kind, 0.0), asked[kind], share(found.get(kind, 0.0), asked[kind])) for kind in ordered]
