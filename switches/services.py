"""Turning switches."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from caching import delete_after_commit
from jobs import outbox
from sharding import ShardReadOnly, ShardUnavailable, all_servers, main_server

from . import state
from .catalogue import checked
from .models import BY_MAX_CHARS, REASON_MAX_CHARS, Change

#: A switch that is meant for longer has no end time.
LONGEST_DAYS = 366


class NotSwitchedError(ValueError):
    """Something is missing or makes no sense; the sentence says what."""


def turn_on(name: str, target: str = "", *, reason: str, by: str, until: datetime | None = None) -> Change:
    """Turn a switch on, or say anew why and until when. It acts in every process within some seconds.

    target: "" for everybody; a physical or logical shard. reason: people may read it. by: who did it.
    Raises UnknownSwitchError, NotSwitchedError, ShardUnavailable when main is away: nothing is switched then.
    """
    if until is not None and until <= timezone.now():
        raise NotSwitchedError("the end must be in the future")
    if until is not None and until > timezone.now() + timedelta(days=LONGEST_DAYS):
        raise NotSwitchedError("the end must be within a year")
    return _turn(name, target, on=True, reason=reason, by=by, until=until)


def turn_off(name: str, target: str = "", *, reason: str, by: str) -> Change | None:
    """Turn a switch off and let the jobs that waited for it run; None if it was not on. Raises as turn_on()."""
    switch, target = checked(name, target)
    latest = latest_of(name, target)
    if latest is None or not latest.on or (latest.until is not None and latest.until <= timezone.now()):
        return None
    change = _turn(name, target, on=False, reason=reason, by=by, until=None)
    # What waits because a shard refused it says so by the error's name.
    reasons = [held_because(switch.name)] + ([ShardReadOnly.__name__] if name == "read_only" else [])
    # After the commit: what runs before it meets the switch and waits once more.
    main_server().on_commit(lambda: _release(reasons))
    return change


def _release(reasons: list[str]) -> None:
    for server in all_servers():
        try:
            outbox.release(server, reasons=reasons)
        except ShardUnavailable:
            continue  # they come by themselves, a minute later at most


def latest_of(name: str, target: str) -> Change | None:
    """Return what was last done with a switch. Cost: one query on main."""
    return Change.objects.filter(name=name, target=target).order_by("-id").first()


def history(*, name: str | None = None, most: int = 50) -> list[Change]:
    """Return what was done, latest first. Cost: one query on main."""
    changes = Change.objects.order_by("-id")
    return list(changes.filter(name=name)[:most] if name else changes[:most])


def held_because(name: str) -> str:
    """Return what the row of a job says that waits for a switch."""
    return f"held by switch {name}"


def _turn(name: str, target: str, *, on: bool, reason: str, by: str, until: datetime | None) -> Change:
    _, target = checked(name, target)
    reason, by = " ".join(reason.split()), " ".join(by.split())
    for value, what, most in ((reason, "a reason", REASON_MAX_CHARS), (by, "who does it", BY_MAX_CHARS)):
        if not value or "\x00" in value:
            raise NotSwitchedError(f"say {what}")
        if len(value) > most:
            raise NotSwitchedError(f"{what}: at most {most} characters")
    with transaction.atomic():
        change = Change.objects.create(name=name, target=target, on=on, reason=reason, by=by, until=until)
        delete_after_commit(main_server(), state.KIND, [state.ALL])
        # At the latest when a transaction around this one commits.
        main_server().on_commit(state.look)
    return change
