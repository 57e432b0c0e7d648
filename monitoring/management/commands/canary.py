"""manage.py canary: post a photo of each database server each minute, and see it arrive, as people would.

manage.py canary                 each minute, until stopped
manage.py canary --once          one photo of each server; exit code 1 and the stage in one line if one stalls
manage.py canary --once --json   the same as one JSON object
manage.py canary --once --at http://10.0.0.11:8000   through one app host, whatever the load balancer would choose
"""

import signal
import threading
import time
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import orjson
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import close_old_connections

from monitoring.canary import alert_text, bots, flight, results
from sharding import ShardUnavailable, physical_servers
from switches.state import active

#: Seconds from a stalled round to the next: an alert ends soon after its reason does.
AGAIN_S = 15.0


class Command(BaseCommand):
    """Fly the canary."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare once or always."""
        parser.add_argument("--once", action="store_true", help="one round; exit code 1 if a photo stalls")
        parser.add_argument("--json", action="store_true", help="each round as one JSON object a line")
        parser.add_argument("--at", default="", help="with --once: the origin of the app host that it passes through")

    def handle(self, *args: Any, **options: Any) -> None:
        """Fly once, or each CANARY_PERIOD_S until told to stop."""
        self._pairs: list[bots.Pair] = []
        self._is_whole = False
        self._at = _origin(options["at"], is_once=options["once"])
        if options["once"]:
            result = self._round(is_loop=False)
            self._say(result, as_json=options["json"])
            text = alert_text(result)
            if text:
                raise CommandError(text, returncode=1)
            return
        stopping = threading.Event()

        def stop(_signal: int, _frame: FrameType | None) -> None:
            stopping.set()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        while not stopping.is_set():
            began = time.monotonic()
            result = self._round(is_loop=True)
            self._say(result, as_json=options["json"])
            close_old_connections()
            period_s = settings.CANARY_PERIOD_S if result["ok"] else min(AGAIN_S, settings.CANARY_PERIOD_S)
            stopping.wait(max(1.0, period_s - (time.monotonic() - began)))
        results.kept([], is_loop=True, ended=True)

    def _round(self, *, is_loop: bool) -> dict[str, Any]:
        """Fly one photo of each server and store what came of it."""
        flights = self._grounded()
        flights += flight.fly([pair.speaking_to(self._at) for pair in self._pairs]) if self._pairs else []
        if any(each.stage == "upload" for each in flights):
            self._pairs = []  # an account that is gone, a token that was revoked, a shard that moved: looked up again
        return results.kept(flights, is_loop=is_loop) | {"age_s": 0.0}

    def _grounded(self) -> list[results.Flight]:
        """See that the bots are there; return a flight of each server that cannot fly."""
        switched = active("read_only")
        names = [server.name for server in physical_servers()]
        if switched is not None:
            self._pairs = []
            return [results.Flight(name, paused=f"read-only: {switched.reason}") for name in names]
        if self._pairs and self._is_whole:
            return []
        try:
            self._pairs, grounded = bots.pairs()
        except ShardUnavailable as error:
            said = f"its accounts cannot be had: {error.server_name} does not answer"
            return [results.Flight(name, stage="upload", error=said) for name in names]
        self._is_whole = not grounded
        return grounded

    def _say(self, result: dict[str, Any], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(orjson.dumps(result).decode())
            return
        for each in result["flights"]:
            times = ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in each["seconds"].items())
            state = each["paused"] or (f"stalls at {each['stage']}: {each['error']}" if each["stage"] else "well")
            self.stdout.write(f"{each['server']}: {state}{f' ({times})' if times else ''}")


def _origin(at: str, *, is_once: bool) -> str:
    """Return an origin without a slash at its end. Raises CommandError for what is none."""
    parts = urlsplit(at)
    if at and (parts.scheme not in {"http", "https"} or not parts.netloc or parts.path.strip("/") or parts.query):
        raise CommandError(f"--at is http://HOST:PORT, not {at!r}", returncode=2)
    if at and not is_once:
        raise CommandError("--at goes with --once: the loop flies as people do", returncode=2)
    return at.rstrip("/")
