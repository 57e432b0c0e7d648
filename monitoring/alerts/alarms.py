"""What alerts, and what PagerDuty is owed. No clock, no files, no network: watch.py brings those."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

OK, WARNING, CRITICAL = "ok", "warning", "critical"
LEVELS = (OK, WARNING, CRITICAL)
#: Events of one alarm that wait for PagerDuty at most: beyond, pairs in the middle are left out.
MOST_OWED = 4
#: Evaluations without a value after which an alarm is given up: its server is no more.
FORGOTTEN_AFTER = 240


@dataclass
class Event:
    """One thing that PagerDuty is to be told: action "trigger" with a level, or "resolve"."""

    action: str
    key: str
    level: str
    summary: str
    at: float
    details: dict[str, Any] = field(default_factory=dict)


@dataclass
class Alarm:
    """One figure of one server (or none), or what another program reported.

    level: as it counts now; recent: the levels last seen. asked: the level that PagerDuty was, or will be, told of.
    """

    key: str
    level: str = OK
    recent: list[str] = field(default_factory=list)
    since: float = 0.0
    summary: str = ""
    act: str = ""
    asked: str = OK
    muted_by: str = ""
    missing: int = 0
    owed: list[Event] = field(default_factory=list)

    @property
    def is_quiet(self) -> bool:
        """Return whether there is nothing to keep of it."""
        return self.level == OK and self.asked == OK and not self.owed and set(self.recent) <= {OK}


@dataclass
class Alarms:
    """All alarms by key."""

    by_key: dict[str, Alarm] = field(default_factory=dict)

    def see(self, key: str, level: str, *, summary: str, act: str, hold: int, at: float) -> None:
        """Note a level that was seen just now. hold: so many in a row must agree before it counts, or counts no more.

        What flaps between two levels stays at the one it had.
        """
        alarm = self.by_key.get(key)
        if alarm is None:
            if level == OK:
                return
            alarm = self.by_key[key] = Alarm(key)
        alarm.missing = 0
        alarm.recent = [*alarm.recent, level][-hold:]
        before = alarm.level
        if len(alarm.recent) == hold:
            # Held up by the mildest and down by the worst of what was seen lately.
            seen = sorted(map(LEVELS.index, alarm.recent))
            alarm.level = LEVELS[min(max(LEVELS.index(before), seen[0]), seen[-1])]
        if alarm.level != before:
            alarm.since = at
        if level == alarm.level or alarm.level != before:
            alarm.summary, alarm.act = summary, act

    def miss(self, seen: set[str], owners: Callable[[str], bool]) -> None:
        """Count a look that gave no value for alarms of ours that are not among `seen`; long gone ones end."""
        for key, alarm in self.by_key.items():
            if key not in seen and owners(key):
                alarm.missing += 1
                if alarm.missing >= FORGOTTEN_AFTER:
                    alarm.level, alarm.recent = OK, []

    def decide(self, muted: Callable[[str], str], at: float) -> None:
        """Say what PagerDuty is owed. muted: key -> why nobody is told of it now, empty if somebody is.

        A muted alarm is told of when the silence ends, if it still stands. An end is told whatever is muted: whoever
        was called should know.
        """
        for alarm in self.by_key.values():
            alarm.muted_by = muted(alarm.key) if alarm.level != OK else ""
            if alarm.level == alarm.asked or alarm.muted_by:
                continue
            action = "resolve" if alarm.level == OK else "trigger"
            details = {"since": alarm.since, "what to do": alarm.act}
            alarm.owed.append(Event(action, alarm.key, alarm.level, alarm.summary, at, details))
            alarm.asked = alarm.level
            if len(alarm.owed) > MOST_OWED:
                del alarm.owed[1:3]
        self.by_key = {key: alarm for key, alarm in self.by_key.items() if not alarm.is_quiet}

    def firing(self) -> list[Alarm]:
        """Return what alerts now, worst first."""
        standing = [alarm for alarm in self.by_key.values() if alarm.level != OK]
        return sorted(standing, key=lambda alarm: (-LEVELS.index(alarm.level), alarm.since))

    def owed(self) -> Iterable[Alarm]:
        """Return alarms of which PagerDuty has to be told, who waits longest first."""
        return sorted((alarm for alarm in self.by_key.values() if alarm.owed), key=lambda alarm: alarm.owed[0].at)

    def as_json(self) -> list[dict[str, Any]]:
        """Return all as plain JSON."""
        return [asdict(alarm) for alarm in self.by_key.values()]

    @classmethod
    def of_json(cls, data: list[dict[str, Any]]) -> "Alarms":
        """Read what as_json() made. Raises KeyError, TypeError for anything else."""
        alarms = [Alarm(**(facts | {"owed": [Event(**event) for event in facts["owed"]]})) for facts in data]
        return cls({alarm.key: alarm for alarm in alarms})
