"""manage.py switch: what is switched off, turning it on and off, and who did what when.

manage.py switch list
manage.py switch on read_only shard_a --why "new disk" --until +30m
manage.py switch off read_only shard_a --why "disk is in"
manage.py switch history
"""

import getpass
import re
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from instagram.operating import tell
from sharding import ShardUnavailable
from switches import services, state
from switches.catalogue import SWITCHES, UnknownSwitchError
from switches.models import Change

_SPAN = re.compile(r"\+(\d{1,5})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Command(BaseCommand):
    """List switches, turn one on or off, show the history."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the verbs and their facts."""
        parser.add_argument("verb", choices=["list", "on", "off", "history"])
        parser.add_argument("name", nargs="?", help=", ".join(SWITCHES))
        parser.add_argument("target", nargs="?", default="", help="of read_only: a physical or logical shard")
        parser.add_argument("--why", help="the reason; people may read it")
        parser.add_argument("--by", help="who does it; default: the account this runs under")
        parser.add_argument("--until", help="off by itself then: +30m, +2h, or a time such as 2026-12-01T06:00 (UTC)")
        parser.add_argument("--most", type=int, default=50, help="entries of the history")
        parser.add_argument("--json", action="store_true", help="one JSON object per line")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked. Exit code 2: it was asked wrongly; 1: main is away."""
        try:
            self._do(options)
        except (UnknownSwitchError, services.NotSwitchedError) as error:
            raise CommandError(f"{error}.", returncode=2) from error
        except ShardUnavailable as error:
            sentence = "main does not answer: nothing was switched, and every process goes on with what it knew"
            raise CommandError(f"{sentence}.", returncode=1) from error

    def _do(self, options: dict[str, Any]) -> None:
        verb, name = options["verb"], options["name"]
        if verb == "list":
            self._list(as_json=options["json"])
        elif verb == "history":
            for change in services.history(name=name, most=max(1, min(options["most"], 10_000))):
                self._show(change, as_json=options["json"])
        elif not name or not options["why"]:
            raise services.NotSwitchedError(f"switch {verb} needs a switch and --why")
        else:
            facts = {"reason": options["why"], "by": options["by"] or getpass.getuser()}
            with transaction.atomic():
                self._turn(verb, name, options["target"], facts, options["until"])

    def _turn(self, verb: str, name: str, target: str, facts: dict[str, str], until: str | None) -> None:
        if verb == "on":
            change = services.turn_on(name, target, until=_moment(until), **facts)
            self._note(change)
            end = f" until {_shown(change.until)}" if change.until else ""
            self.stdout.write(f"{change}{end}: acts everywhere within some seconds")
        elif until:
            raise services.NotSwitchedError("--until belongs to switch on")
        elif (change_back := services.turn_off(name, target, **facts)) is None:
            self.stdout.write(f"{name} was not on")
        else:
            self._note(change_back)
            self.stdout.write(f"{name} is off: everywhere within some seconds")

    @staticmethod
    def _note(change: Change) -> None:
        """Have the audit log know, as of the page that turns switches."""
        until = change.until.isoformat() if change.until else "until turned off"
        after = {change.target or "everybody": until if change.on else None, "by": change.by}
        tell("switches.turn", kind="switch", target=change.name, why=change.reason, after=after)

    def _list(self, *, as_json: bool) -> None:
        on = [state.Switched(*row) for row in state.read_main()["on"]]
        if as_json:
            for each in on:
                self.stdout.write(orjson.dumps(each).decode())
            return
        for name, switch in SWITCHES.items():
            its = [each for each in on if each.name == name]
            self.stdout.write(f"{'ON ' if its else 'off'}  {name:<19} {switch.does}")
            for each in its:
                end = f", until {_shown(_at(each.until))}" if each.until else ""
                target, at = each.target or "everybody", _shown(_at(each.at))
                self.stdout.write(f"       {target}: {each.reason} ({each.by}, {at}{end})")

    def _show(self, change: Change, *, as_json: bool) -> None:
        if as_json:
            names = ("name", "target", "on", "reason", "by", "at", "until")
            self.stdout.write(orjson.dumps({name: getattr(change, name) for name in names}).decode())
            return
        end = f", until {_shown(change.until)}" if change.until else ""
        self.stdout.write(f"{_shown(change.at)}  {change}: {change.reason} ({change.by}{end})")


def _moment(text: str | None) -> datetime | None:
    """Read --until. Raises NotSwitchedError."""
    if not text:
        return None
    span = _SPAN.fullmatch(text.strip())
    try:
        if span:
            return timezone.now() + timedelta(**{_UNITS[span[2]]: int(span[1])})
        moment = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError):
        example = "+30m, +2h, or 2026-12-01T06:00"
        raise services.NotSwitchedError(f"--until cannot be read: write {example}") from None
    return timezone.make_aware(moment) if timezone.is_naive(moment) else moment


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, tz=timezone.get_current_timezone())


def _shown(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else ""
