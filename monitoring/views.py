"""The three health pages: is the process alive, should it get traffic, is the whole service well.

All answer JSON, 200 when well and 503 when not, uncached, to anyone: they name components and say what is wrong
in plain words, never an address's secret or a trace.
"""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from . import checks


@require_safe
@never_cache
def live(_request: HttpRequest) -> JsonResponse:
    """Say whether this process still works: it can start a thread and open files. Restart it when not.

    Asks nobody else, so that a dead database never gets every process restarted.
    """
    results = checks.run_all(checks.process_checks())
    return _answer(results, ok=all(result.ok for result in results))


@require_safe
@never_cache
def ready(_request: HttpRequest) -> JsonResponse:
    """Say whether a balancer should send this process requests: main answers, and at least one shard server.

    Not every shard server: a dead one harms its own users, and taking all processes out of rotation for it would
    harm everybody. Redis, memcached, gearmand and the object store may be away: pages are served without them.
    """
    results = checks.run_all(checks.database_checks())
    main, shards = results[0], results[1:]
    return _answer(results, ok=main.ok and any(result.ok for result in shards))


@require_safe
@never_cache
def deep(_request: HttpRequest) -> JsonResponse:
    """Say how everything is that the service stands on, and what share of people is affected by what is not."""
    placement = checks.Check("placement", "placement", checks.logical_shards_by_server)
    *results, placed = checks.run_all([*checks.all_checks(), placement])
    return _answer(results, ok=all(result.ok for result in results), placement=placed.facts)


def _answer(results: list[checks.Result], *, ok: bool, placement: dict[str, int] | None = None) -> JsonResponse:
    shown = [_shown(result, placement or {}) for result in results]
    body: dict[str, Any] = {"ok": ok, "release": settings.RELEASE, "checks": shown}
    if placement is not None:
        body["people_affected"] = _people_affected(results, placement)
    return JsonResponse(body, status=200 if ok else 503)


def _shown(result: checks.Result, placement: dict[str, int]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": result.name,
        "kind": result.kind,
        "ok": result.ok,
        "milliseconds": result.milliseconds,
        "error": result.error,
    } | result.facts
    if result.name in placement:
        shown["logical_shards"] = placement[result.name]
        shown["share_of_people"] = _share(placement[result.name])
    return shown


def _people_affected(results: list[checks.Result], placement: dict[str, int]) -> float | None:
    """Return the share of people whose pages fail; None when nobody can say, since main holds the placement."""
    down = {result.name for result in results if result.kind == "postgresql" and not result.ok}
    if "main" in down:
        return 1.0  # tokens and profiles are there: what caches hold lasts a minute
    if not placement:
        return None
    return _share(sum(number for server, number in placement.items() if server in down))


def _share(logical_shards: int) -> float:
    # People are spread evenly: the logical shard is the user id modulo their number.
    return round(logical_shards / settings.LOGICAL_SHARDS, 4)
