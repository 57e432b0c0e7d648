"""Where the local data centre keeps its things, all below settings.STATE_DIR.

captures/ holds what stand-ins of the outside world were sent; data/ belongs to the servers' account; etc/ is rendered
afresh at each start; log/ has one file per component; run/ says what runs (pid files, the supervisor's control file).
"""

from pathlib import Path

from django.conf import settings


def state() -> Path:
    # Resolved: .local may be a symlink out of a home directory that the servers' account cannot enter.
    return Path(settings.STATE_DIR).resolve()


def data(name: str) -> Path:
    return state() / "data" / name


def etc(name: str) -> Path:
    return state() / "etc" / name


def log(name: str) -> Path:
    return state() / "log" / f"{name}.log"


def run(name: str) -> Path:
    return state() / "run" / name


def code() -> Path:
    return Path(settings.BASE_DIR)


def make_all() -> None:
    """Make the directories, if they are missing."""
    for name in ("captures", "data", "etc", "log", "run"):
        (state() / name).mkdir(parents=True, exist_ok=True)
