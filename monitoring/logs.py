"""Log lines: each says which request, person and job it belongs to, and holds no secret.

Two forms (setting LOG_FORMAT): "json", one object a line, and "line", for reading. docs/observing.md shows both.
"""

import logging
import os
import time
from functools import lru_cache
from typing import Any

import orjson
from django.conf import settings

from instagram import tracing

from .scrubbing import without_secrets

# No line here says these; records are cheaper without (Python's "Logging HOWTO", Optimization).
logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def context() -> dict[str, Any]:
    """Return what is known of the work in hand: request_id, user, shard (the user's logical one), task, job."""
    facts: dict[str, Any] = {}
    if named := tracing.request_id.get():
        facts["request_id"] = named
    trace = tracing.current()
    if trace is not None:
        if trace.user_id is not None:
            facts |= {"user": trace.user_id, "shard": f"s{trace.user_id % settings.LOGICAL_SHARDS:04d}"}
        facts |= trace.facts
    return facts


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, then what is known. Cost: some 20 us a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; a text that is no Unicode comes with its odd characters replaced."""
        line: dict[str, Any] = {
            "time": f"{_second(int(record.created))}.{int(record.msecs):03d}+00:00",
            "level": record.levelname,
            "logger": record.name,
            "message": without_secrets(record.getMessage()),
            **context(),
            **getattr(record, "facts", {}),
        }
        if settings.RELEASE:
            line["release"] = settings.RELEASE
        line["process"] = os.getpid()
        if record.exc_info:
            line["exception"] = without_secrets(self.formatException(record.exc_info))
        try:
            return orjson.dumps(line, default=str).decode()
        except orjson.JSONEncodeError:  # a lone surrogate out of somebody's bytes
            return orjson.dumps(_encodable(line)).decode()


class LineFormatter(logging.Formatter):
    """A line to read: time, level, logger, [request id], message; an exception below it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        facts = context() | getattr(record, "facts", {})
        record.asked_by = f"[{facts['request_id']}] " if "request_id" in facts else ""
        return without_secrets(super().format(record))


@lru_cache(maxsize=4)
def _second(moment: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment))


def _encodable(value: Any) -> Any:
    match value:
        case str():
            return value.encode(errors="replace").decode()
        case dict():
            return {str(name): _encodable(each) for name, each in value.items()}
        case list() | tuple():
            return [_encodable(each) for each in value]
        case int() | float() | bool() | None:
            return value
    return _encodable(str(value))
