"""Silences: alerts that nobody is called for, each with an end, a reason and a name."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase

from django.utils import timezone

from monitoring.models import Silence

#: Minutes of the longest silence: a week. Nobody remembers a longer one.
LONGEST_MIN = 7 * 24 * 60


class BadSilence(ValueError):
    """A silence that cannot be; the sentence says why."""


@dataclass(frozen=True)
class Standing:
    """A silence as the watch keeps it. until: seconds since 1970."""

    id: int
    alert: str
    until: float
    why: str
    by: str

    def mutes(self, key: str, at: float) -> bool:
        """Return whether nobody is told of an alarm now."""
        return at < self.until and any(fnmatchcase(key, pattern) for pattern in (self.alert, f"{self.alert}:*"))


def add(*, alert: str, minutes: float, why: str, by: str) -> Silence:
    """Silence alerts whose key matches, for so many minutes from now. Raises BadSilence."""
    alert, why, by = alert.strip(), why.strip(), by.strip()
    if not 0 < minutes <= LONGEST_MIN:
        raise BadSilence(f"a silence lasts more than 0 and at most {LONGEST_MIN} minutes, not {minutes:g}")
    if not alert or not why or not by:
        raise BadSilence("a silence says which alert, why, and who wants it")
    if len(alert) > 200 or len(why) > 300 or len(by) > 100:
        raise BadSilence("at most 200 characters of an alert's key, 300 of a reason, 100 of a name")
    return Silence.objects.create(alert=alert, until=timezone.now() + timedelta(minutes=minutes), why=why, by=by)


def end(silence_id: int) -> bool:
    """End a silence now; False if it has ended. Raises Silence.DoesNotExist."""
    silence = Silence.objects.get(pk=silence_id)
    now = timezone.now()
    standing = Silence.objects.filter(pk=silence.pk, ended_at=None, until__gt=now)
    return bool(standing.update(ended_at=now))


def standing() -> list[Standing]:
    """Return the silences of now. Cost: one query on main. Raises ShardUnavailable."""
    rows = Silence.objects.filter(ended_at=None, until__gt=timezone.now()).order_by("pk")
    return [Standing(row.pk, row.alert, row.until.timestamp(), row.why, row.by) for row in rows]


def why_muted(silences: Iterable[Standing], key: str, at: float) -> str:
    """Return who wants nobody told of an alarm and why; empty if nobody does."""
    for silence in silences:
        if silence.mutes(key, at):
            return f"{silence.by}: {silence.why}"
    return ""
