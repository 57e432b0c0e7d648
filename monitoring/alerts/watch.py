"""The watch: looks at the figures, decides what alerts, tells PagerDuty, and writes all of it down in a folder.

One at a time: the folder is locked while it is open. What was decided is on disk before PagerDuty hears of it, so a
kill loses nothing; at worst an event is sent twice, which its key makes harmless.
"""

import contextlib
import fcntl
import json
import logging
import math
import os
from collections import deque
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import Error

from monitoring.figures.figure import Figure
from monitoring.figures.readings import Reading
from monitoring.figures.table import FIGURES

from . import pager, silences, spool
from .alarms import Alarms
from .files import write_down
from .pager import Told
from .silences import Standing

log = logging.getLogger(__name__)

#: Seconds over which rates and shares are taken: short ones swing.
WINDOW_S = 60.0
#: Seconds without a try at PagerDuty after one in vain: first, doubled each time, and longest.
RETRY_S, RETRY_MAX_S = 5.0, 60.0


class Busy(Exception):
    """Another watch has the folder."""


class Watch:
    """Open it with `with`: raises Busy while another process has it."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or Path(settings.WATCH_DIR)
        self.alarms = Alarms()
        self.silences: list[Standing] = []
        self._readings: deque[Reading] = deque()
        self._waits_s, self._not_before = 0.0, 0.0

    def __enter__(self) -> "Watch":
        self.folder.mkdir(parents=True, exist_ok=True)
        # The folder itself: a file would belong to whoever came first, root or the service's account.
        self._lock = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise Busy(f"another watch has {self.folder}") from None
        self._load()
        return self

    def __exit__(self, *_exc: object) -> None:
        os.close(self._lock)

    def cycle(self, now: Reading) -> None:
        """Look at a reading, take up what others report, and tell PagerDuty."""
        self._look(now)
        self.pass_on(now.at)

    def pass_on(self, at: float) -> None:
        """Take up what others report, and tell PagerDuty what it is owed."""
        taken = []
        # The last known ones if main is away; each has its end.
        with contextlib.suppress(Error):
            self.silences = silences.standing()
        for path, report in spool.take(self.folder / "spool"):
            self.alarms.see(report.key, report.level, summary=report.summary, act=report.act, hold=1, at=at)
            self._decide(at)  # each by itself: an alert that is over again was one
            taken.append(path)
        self._decide(at)
        self._save(at)
        for path in taken:
            path.unlink(missing_ok=True)
        self._tell(at)

    def _look(self, now: Reading) -> None:
        while len(self._readings) > 1 and self._readings[1].at <= now.at - WINDOW_S:
            self._readings.popleft()
        before = self._readings[0] if self._readings else None
        self._readings.append(now)
        seen = set()
        for figure in FIGURES.values():
            if figure.warning is None and figure.critical is None:
                continue
            for instance, value in figure.values(now, before):
                if value is None:
                    continue
                key = f"{figure.name}:{instance}" if instance else figure.name
                seen.add(key)
                level = figure.level(value)
                summary = figure.sentence(instance, value, level)
                self.alarms.see(key, level, summary=summary, act=figure.act, hold=held(figure), at=now.at)
        self.alarms.miss(seen, lambda key: key.partition(":")[0] in FIGURES)

    def _decide(self, at: float) -> None:
        self.alarms.decide(lambda key: silences.why_muted(self.silences, key, at), at)

    def _tell(self, at: float) -> None:
        if at < self._not_before:
            return
        for alarm in list(self.alarms.owed()):
            while alarm.owed:
                event = alarm.owed[0]
                told = pager.tell(event)
                if told is Told.LATER:
                    self._waits_s = min(max(RETRY_S, self._waits_s * 2), RETRY_MAX_S)
                    self._not_before = at + self._waits_s
                    return
                log.warning("%s %s %s: %s (%s)", event.action, event.level, event.key, event.summary, told.value)
                del alarm.owed[0]
                self._save(at)
        self._waits_s = self._not_before = 0.0

    def _load(self) -> None:
        try:
            data = json.loads((self.folder / "state.json").read_text())
            self.alarms = Alarms.of_json(data["alarms"])
            self.silences = [Standing(**facts) for facts in data["silences"]]
        except FileNotFoundError:
            pass
        except (ValueError, KeyError, TypeError):
            log.exception("%s cannot be read: the watch begins anew", self.folder / "state.json")

    def _save(self, at: float) -> None:
        data = {
            "at": at,
            "alarms": self.alarms.as_json(),
            "silences": [vars(silence) for silence in self.silences],
        }
        write_down(self.folder / "state.json", data)


def held(figure: Figure) -> int:
    """Return how many looks in a row must agree on a figure's level."""
    return max(1, math.ceil(figure.for_s / settings.WATCH_PERIOD_S))


def last_known(folder: Path | None = None) -> dict[str, Any] | None:
    """Return what a watch wrote down last: at, alarms, silences; None if none ever did."""
    try:
        found: dict[str, Any] = json.loads(((folder or Path(settings.WATCH_DIR)) / "state.json").read_text())
    except (OSError, ValueError):
        return None
    return found
