"""Errors to Sentry, without what is nobody's business.

What leaves: the exception's type and a scrubbed sentence, the stack (files, functions, lines of our source; no values),
release, request id, task, job, command, the physical and logical shard, the person's internal id (so that "how many are
affected" has an answer; outside of our databases the number says nothing), and where the time went. What does not:
names, addresses, tokens, captions, parameters, bodies, cookies, headers, local variables, SQL.
"""

import re
import sys
from pathlib import Path
from typing import Any

from django.conf import settings

from instagram import tracing
from instagram.tracing import Trace
from jobs import current_job
from jobs.worker import outline
from sharding import ShardBusy, ShardUnavailable

from . import costs
from .scrubbing import GONE, without_people

#: Seconds a process that ends waits for reports that are under way.
SHUTDOWN_S = 2
#: Exceptions whose quoted words are names in our code, not somebody's text.
_OF_CODE = {"AttributeError", "ImportError", "ModuleNotFoundError", "NameError", "TypeError", "UnboundLocalError"}
#: PostgreSQL's second lines quote rows: "DETAIL: Key (email)=(…) already exists".
_DETAIL = re.compile(r"\n.*", re.DOTALL)
_VALUE = re.compile(r": [\"'“].*", re.DOTALL)
#: Of a frame: nothing that holds values.
_FRAME = (
    "abs_path",
    "filename",
    "function",
    "module",
    "lineno",
    "in_app",
    "pre_context",
    "context_line",
    "post_context",
)


def start() -> None:
    """Start reporting from this process, to SENTRY_DSN; empty: nothing is reported.

    Reports are sent by a thread of the library's, which drops what does not fit its queue of 100: a Sentry that is away
    or hangs costs the request nothing.
    """
    if not settings.SENTRY_DSN:
        return
    # A tenth of a second of CPU, which who reports nothing need not spend: a process's start counts in a deploy.
    import sentry_sdk  # noqa: PLC0415  # see above
    from sentry_sdk.integrations.django import DjangoIntegration  # noqa: PLC0415  # see above
    from sentry_sdk.integrations.logging import ignore_logger  # noqa: PLC0415  # see above

    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        release=settings.RELEASE or None,
        max_request_body_size="never",
        include_local_variables=False,
        auto_session_tracking=False,
        # Others patch Redis, boto3 and the like for what we do not send.
        auto_enabling_integrations=False,
        integrations=[DjangoIntegration(middleware_spans=False, signals_spans=False, cache_spans=False)],
        shutdown_timeout=SHUTDOWN_S,
        before_send=scrubbed,
        before_breadcrumb=plain,
    )
    # Its errors have been reported by the exception behind them; or there is none, as with a health page's 503.
    ignore_logger("django.request")


def scrubbed(event: Any, hint: Any) -> Any:
    """Return the event with what helps and without what is nobody's business."""
    trace = tracing.current()
    sent = _sent(trace)
    for unwanted in ("extra", "server_name", "user"):
        event.pop(unwanted, None)
    event.get("contexts", {}).pop("trace", None)
    event["request"] = {}
    for exception in event.get("exception", {}).get("values", []):
        _scrub_exception(exception, sent)
    for thread in event.get("threads", {}).get("values", []):
        _scrub_frames(thread)
    if entry := event.get("logentry"):
        # The words of our source, without what was filled in.
        event["logentry"] = {"message": without_people(str(entry.get("message", "")), sent=sent, quoted=True)}
    for crumb in event.get("breadcrumbs", {}).get("values", []):
        crumb["message"] = without_people(str(crumb.get("message", "")), sent=sent)
    event["tags"] = _tags((hint or {}).get("exc_info"), trace)
    event["transaction"] = trace.name if trace else _command()
    if trace is not None:
        event["request"] = {"method": trace.name.partition(" ")[0]} if trace.kind == "request" else {}
        event.setdefault("contexts", {})["time spent"] = {"words": costs.in_words(trace)}
        if trace.user_id is not None:
            event["user"] = {"id": str(trace.user_id)}
    job = current_job.get()
    if job is not None:
        event.setdefault("contexts", {})["job"] = {"args": outline(job.args), "attempts": job.attempts}
    return event


def plain(crumb: Any, hint: Any) -> Any:
    """Return what is remembered of the time before an error: log lines without values, and hosts; no SQL."""
    match crumb.get("category"):
        case "query":
            return None
        case "httplib":
            data = crumb.get("data", {})
            # Of the address its host: paths and queries of other services hold names and tokens.
            host = str(data.get("url", "")).partition("://")[2].partition("/")[0].rpartition("@")[2]
            crumb["data"] = {"host": host.partition("?")[0], "status": data.get("status_code")}
            return crumb
    record = (hint or {}).get("log_record")
    return {
        "type": "log",
        "category": crumb.get("category"),
        "level": crumb.get("level"),
        "timestamp": crumb.get("timestamp"),
        "message": str(record.msg) if record is not None else "",
    }


def _tags(exc_info: Any, trace: Trace | None) -> dict[str, str]:
    tags: dict[str, str] = {}
    if named := tracing.request_id.get():
        tags["request_id"] = named
    if command := _command():
        tags["command"] = command
    if trace is not None:
        tags |= {name: str(trace.facts[name]) for name in ("task", "job") if name in trace.facts}
        if trace.user_id is not None:
            schema, server = costs.home_of(trace.user_id)
            tags |= {"shard": schema} | ({"server": server} if server else {})
    job = current_job.get()
    if job is not None:
        tags.setdefault("server", job.server.name)
    error = exc_info[1] if exc_info else None
    if isinstance(error, ShardUnavailable | ShardBusy):
        tags["server"] = error.server_name
    return tags


def _command() -> str:
    """Return which management command this process is, without its arguments; empty for the web."""
    is_command = Path(sys.argv[0]).name in {"manage.py", "django-admin"} and len(sys.argv) > 1
    return sys.argv[1] if is_command else ""


def _sent(trace: Trace | None) -> list[str]:
    """Return what was handed in from outside: it must not come back out of an exception's sentence."""
    try:
        sent = trace.sent() if trace is not None and trace.sent is not None else []
    except Exception:  # a request that cannot even be read
        sent = []
    job = current_job.get()
    return sent + (list(_texts(job.args)) if job is not None else [])


def _texts(value: Any) -> list[str]:
    match value:
        case str():
            return [value]
        case dict():
            return [text for each in value.values() for text in _texts(each)]
        case list() | tuple():
            return [text for each in value for text in _texts(each)]
    return []


def _scrub_exception(exception: Any, sent: list[str]) -> None:
    kind, module = str(exception.get("type")), str(exception.get("module"))
    text = str(exception.get("value") or "")
    if module.startswith(("psycopg2", "django.db")):
        text = _VALUE.sub(f": {GONE}", _DETAIL.sub("", text))
    exception["value"] = without_people(text, sent=sent, quoted=kind in _OF_CODE)
    exception["mechanism"] = {
        name: value for name, value in (exception.get("mechanism") or {}).items() if name in ("type", "handled")
    }
    _scrub_frames(exception)


def _scrub_frames(holder: Any) -> None:
    for frame in (holder.get("stacktrace") or {}).get("frames", []):
        for name in [each for each in frame if each not in _FRAME]:
            del frame[name]
