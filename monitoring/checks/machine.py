"""Checks of this machine and process, and of the canary photo that flies from it."""

import errno
import resource
import shutil
import threading
from pathlib import Path
from typing import Any

from django.conf import settings

from monitoring.canary import alert_text, last_results

from .running import Unwell


def canary() -> dict[str, Any]:
    """See that the canary photo flies and arrives; seconds from the upload to the last feed."""
    result = last_results()
    said = alert_text(result)
    if said:
        raise Unwell(said)
    flights = result["flights"] if result else []
    return {
        "age_s": result["age_s"] if result else None,
        "post_to_feed_s": {flight["server"]: flight["post_to_feed_s"] for flight in flights},
        "paused": [flight["server"] for flight in flights if flight["paused"]],
    }


def disk() -> dict[str, Any]:
    place = Path(settings.STATE_DIR)
    free_mb = shutil.disk_usage(place if place.exists() else settings.BASE_DIR).free // 2**20
    if free_mb < settings.HEALTH_DISK_FREE_MB:
        raise Unwell(f"only {free_mb} MB free")
    return {"free_mb": free_mb}


def process() -> dict[str, Any]:
    """Start a thread, count open files: what runs out in a process that looks alive and serves nobody."""
    done = threading.Event()
    threading.Thread(target=done.set, name="health-probe", daemon=True).start()
    if not done.wait(settings.HEALTH_TIMEOUT_S):
        raise TimeoutError
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    try:
        used = sum(1 for _ in Path("/proc/self/fd").iterdir())
    except OSError as error:
        if error.errno == errno.EMFILE:
            raise Unwell("no file can be opened any more") from error
        return {"threads": threading.active_count()}  # no /proc here: threads must do
    if used > limit * 0.95:
        raise Unwell(f"{used} of {limit} files are open")
    return {"threads": threading.active_count(), "files": used}
