"""Figures that are asked for when somebody reads them: each source a function that returns gauges, all side by side.

A source that does not answer in METRICS_TIMEOUT_S is left out and named in `source_away`; it ends by a time-out of its
own. databases.py, caches.py, host.py and others.py hold the sources.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from django.conf import settings
from django.db import connections

from jobs.metrics import Gauge
from jobs.metrics import gauges as gauges_of_jobs
from jobs.status import status

from . import caches, databases, host, others

log = logging.getLogger(__name__)

Source = Callable[[], list[Gauge]]


def read(wanted: Callable[[str], bool] = lambda _: True) -> list[Gauge]:
    """Ask the sources whose names are wanted; gauges of one name are put together.

    Cost: a few short queries on every server that is asked.
    """
    sources = {"jobs": _jobs} | databases.sources() | caches.sources() | host.sources() | others.sources()
    sources = {name: source for name, source in sources.items() if wanted(name)}
    if not sources:
        return []
    pool = ThreadPoolExecutor(max_workers=len(sources), thread_name_prefix="gauges")
    try:
        pending: dict[str, Future[list[Gauge]]] = {name: pool.submit(source) for name, source in sources.items()}
        wait(pending.values(), timeout=settings.METRICS_TIMEOUT_S)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    found: dict[str, Gauge] = {}
    away = []
    for name, future in pending.items():
        if not future.done() or future.exception() is not None:
            log.info("no figures of %s: %s", name, future.exception() if future.done() else "it takes too long")
            away.append(({"source": name}, 1.0))
            continue
        away.append(({"source": name}, 0.0))
        for gauge in future.result():
            found.setdefault(gauge.name, Gauge(gauge.name, gauge.help, [])).values.extend(gauge.values)
    return [
        *found.values(),
        Gauge("source_away", "Sources of figures that did not answer: 1, those that did: 0.", away),
    ]


def _jobs() -> list[Gauge]:
    """Return what waits, runs and died, by task."""
    try:
        return gauges_of_jobs(status())
    finally:
        connections.close_all()  # of this thread, which ends
