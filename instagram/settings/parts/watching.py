"""Watching."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from .environment import BASE_DIR, env


def _release() -> str:
    """Return the name a deploy wrote beside manage.py, empty in a clone."""
    file = BASE_DIR / "RELEASE"
    return file.read_text().strip() if file.exists() else ""


#: Seconds each dependency has to answer a health check; all are asked side by side.
HEALTH_TIMEOUT_S = env.float("HEALTH_TIMEOUT_S", default=1.0)
#: Free disk below this is unwell, MB: PostgreSQL stops at zero, and a log or a dump needs some before that.
HEALTH_DISK_FREE_MB = env.int("HEALTH_DISK_FREE_MB", default=500)
#: A job this many seconds past its lease is unwell: the relay takes it up within a second while it lives.
HEALTH_JOBS_LATE_S = env.float("HEALTH_JOBS_LATE_S", default=60.0)
#: What runs here: the release's name, which a deploy writes into the file RELEASE beside manage.py. Health pages and
#: error reports carry it; empty: a clone, not a release.
RELEASE = env.str("RELEASE", default=_release())
#: Where errors are reported; empty: nowhere.
SENTRY_DSN = env.str("SENTRY_DSN", default="")
#: Least severity that is logged: DEBUG, INFO, WARNING, ERROR.
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
#: How log lines look: "line", to read, or "json", one object a line, to search. Production: json.
LOG_FORMAT = env.str("LOG_FORMAT", default="line")
#: A request that takes longer is slow, s: its stack is sampled and a line tells where its time went. 0: nobody looks.
SLOW_REQUEST_S = env.float("SLOW_REQUEST_S", default=1.0)
#: The same for a job and for a relay's periodic work, s: network jobs wait for others' servers. 0: nobody looks.
SLOW_JOB_S = env.float("SLOW_JOB_S", default=10.0)


def logging_as(log_format: str, level: str) -> dict[str, Any]:
    """Return Django's LOGGING: every line to stderr, in one of the two forms."""
    formatters = {
        "line": {
            "()": "monitoring.logs.LineFormatter",
            "format": "{asctime} {levelname} {name} {asked_by}{message}",
            "style": "{",
        },
        "json": {"()": "monitoring.logs.JsonFormatter"},
    }
    if log_format not in formatters:
        raise ImproperlyConfigured(f"LOG_FORMAT may be line or json, not {log_format}")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {log_format: formatters[log_format]},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": log_format}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # libvips tells every step of every picture at INFO.
            # urllib3 would tell addresses with the tokens of linked accounts at DEBUG, tweepy answers.
            **{name: {"level": "WARNING"} for name in ("pyvips", "urllib3", "oauthlib", "requests_oauthlib", "tweepy")},
            # Gunicorn has handlers of its own, with a form of its own: ours instead.
            "gunicorn.error": {"handlers": [], "propagate": True},
        },
    }


LOGGING = logging_as(LOG_FORMAT, LOG_LEVEL)
