"""Watching."""

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
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    # libvips tells every step of every picture at INFO.
    # urllib3 would tell addresses with the tokens of linked accounts at DEBUG, tweepy answers.
    "loggers": {
        name: {"level": "WARNING"} for name in ("pyvips", "urllib3", "oauthlib", "requests_oauthlib", "tweepy")
    },
}
