"""The door around every door: follows each request, logs one line of it, and tells staff its way when they ask.

X-Trace-Path: 1, from a staff person's session or with a staff person's token of an application of our own, gives
X-Request-Path (JSON) and Server-Timing. Everybody else gets the answer they would have got.
"""

import logging
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import orjson
from django.contrib.admindocs.utils import (
    remove_non_capturing_groups,
    replace_metacharacters,
    replace_named_groups,
    replace_unnamed_groups,
)
from django.db import Error
from django.http import HttpRequest, HttpResponse

from accounts.models import User
from instagram import tracing

from . import costs

log = logging.getLogger("request")

#: Longest X-Request-Path, bytes: nginx takes 4 to 16 kB of headers.
PATH_MAX_BYTES = 3_000
_CONVERTER = re.compile(r"<\w+:")
#: Logged at DEBUG when all is well: probes come every few seconds, and say nothing.
_PROBES = re.compile(r"/health/")


class Watched:
    """Follow every request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Serve it, then say so."""
        verb = request.method or "-"
        with tracing.follow("request", f"{verb} -") as trace:
            trace.sent = lambda: sent_by(request)
            trace.who = lambda: _session_person(request)
            asked = "HTTP_X_TRACE_PATH" in request.META
            if asked:
                trace.schemas = set()
            response = self.get_response(request)
            try:
                # Of the path its template: nginx's line of the same request id has the path itself.
                trace.name = f"{verb} {template_of(request)}"
                trace.facts["status"] = response.status_code
                _log(trace, verb, request.path)
                if asked:
                    _tell(request, response, trace)
            except Exception:  # the answer is there: no fault in telling of it may cost it
                log.exception("a request cannot be told of")
        return response

    def process_view(self, request: HttpRequest, *_view: Any) -> None:
        """Name the trace before the view runs, for whoever looks at it meanwhile."""
        trace = tracing.current()
        if trace is not None:
            trace.name = f"{request.method} {template_of(request)}"


def template_of(request: HttpRequest) -> str:
    """Return the path with names instead of values, "/v1/users/<user_id>"; "-" for a path that is none of ours."""
    match = request.resolver_match
    return _readable(match.route) if match is not None else "-"


def sent_by(request: HttpRequest) -> list[str]:
    """Return what a caller sent in parameters and cookies, and what they are called: to be kept out of reports."""
    found = [*request.COOKIES.values()]
    for values in (request.GET, getattr(request, "_post", None)):  # not .POST: that would read what nobody has read
        if values is not None:
            found += [each for _, many in values.lists() for each in many if isinstance(each, str)]
    user = getattr(request, "_cached_user", None)
    if user is not None and user.is_authenticated:
        found += [user.username, user.email]
    return found


@lru_cache(maxsize=1_000)
def _readable(route: str) -> str:
    bare = _CONVERTER.sub("<", route.removesuffix(r"(?:\.json)?/?\Z").replace("^", ""))
    words = replace_unnamed_groups(replace_named_groups(remove_non_capturing_groups(bare)))
    return "/" + re.sub(r"\\(.)", r"\1", replace_metacharacters(words)).lstrip("/")


def _session_person(request: HttpRequest) -> int | None:
    """Return who is signed in, if the request has looked that up."""
    user = getattr(request, "_cached_user", None)
    return user.pk if user is not None and user.is_authenticated else None


def _log(trace: tracing.Trace, verb: str, path: str) -> None:
    ms, status = round(trace.seconds * 1000, 1), trace.facts["status"]
    quiet = status < 400 and _PROBES.match(path)
    level = logging.DEBUG if quiet else logging.INFO
    if log.isEnabledFor(level):
        facts = {"verb": verb, "path": trace.name.partition(" ")[2], "ms": ms} | costs.in_short(trace)
        # Not log.log(): that walks the stack for a line number which says nothing here.
        words = (trace.name, status, ms)
        record = log.makeRecord(log.name, level, __file__, 0, "%s %d in %.1f ms", words, None, extra={"facts": facts})
        log.handle(record)


def _tell(request: HttpRequest, response: HttpResponse, trace: tracing.Trace) -> None:
    path = costs.whole(trace)  # before the look at who asks, which is no part of it
    if not _is_staff(request, trace):
        return
    found = {"request": trace.name, "request_id": trace.request_id} | path
    written = orjson.dumps(found)
    if len(written) > PATH_MAX_BYTES:
        found.pop("logical_shards_named", None)
        written = orjson.dumps(found)
    response["X-Request-Path"] = written.decode()
    parts = [f"total;dur={path['total_ms']}", f"own-code;dur={path['own_code_ms']}"]
    parts += [f'sql-{name};dur={spent["ms"]};desc="{spent["queries"]} queries"' for name, spent in path["sql"].items()]
    parts += [f"{name};dur={path[name]['ms']}" for name in costs.OTHERS if path[name]["times"]]
    response["Server-Timing"] = ", ".join(parts)


def _is_staff(request: HttpRequest, trace: tracing.Trace) -> bool:
    """Return whether a staff person asks. Cost: one query on main."""
    try:
        if trace.first_party and trace.user_id is not None:
            return User.objects.filter(pk=trace.user_id, is_staff=True, is_active=True).exists()
        user = getattr(request, "user", None)
        staff = user is not None and user.is_active and user.is_staff
    except Error:  # main is away: then nobody is
        return False
    return staff
