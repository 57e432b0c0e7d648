"""This host: disk, load, memory. Of other hosts Munin's own plugins tell."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from jobs.metrics import Gauge


def sources() -> dict[str, Callable[[], list[Gauge]]]:
    """Return how the host is asked."""
    return {"host": _host}


def _host() -> list[Gauge]:
    place = Path(settings.STATE_DIR)
    disk = shutil.disk_usage(place if place.exists() else settings.BASE_DIR)
    memory = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    return [
        Gauge("disk_free_bytes", "Free disk where data and logs are.", [({}, float(disk.free))]),
        Gauge("disk_bytes", "That disk.", [({}, float(disk.total))]),
        Gauge("load_per_core", "Processes that run or wait, by core, mean of a minute.", [({}, _load())]),
        Gauge(
            "memory_available_bytes",
            "Memory that programs could have.",
            [({}, float(memory["MemAvailable"].split()[0]) * 1024)],
        ),
    ]


def _load() -> float:
    return os.getloadavg()[0] / (os.cpu_count() or 1)
