"""manage.py dead_letters: list the jobs that failed too often, requeue or discard them."""

from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser

from instagram.operating import WHY_HELP, tell
from jobs import dead_letters
from sharding import ShardUnavailable, all_servers


class Command(BaseCommand):
    """List dead letters, one JSON object per line; put them back into their outbox; or delete them."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the verbs and what narrows them."""
        parser.add_argument("verb", choices=["list", "requeue", "discard"])
        parser.add_argument("ids", nargs="*", type=int, help="only these (ids are per server: give --server too)")
        parser.add_argument("--server", choices=[server.name for server in all_servers()], help="only this server's")
        parser.add_argument("--task", help="only this task's")
        parser.add_argument("--all", action="store_true", help="discard without narrowing")
        parser.add_argument("--why", default="", help=WHY_HELP)

    def handle(self, *args: Any, **options: Any) -> None:
        """List, requeue or discard."""
        if options["ids"] and not options["server"]:
            raise CommandError("ids are per server: say --server too", returncode=2)
        if options["verb"] == "discard" and not (options["ids"] or options["task"] or options["all"]):
            raise CommandError("say which: ids, --task, or --all", returncode=2)
        away = []
        self.done: dict[str, int] = {}
        for server in all_servers():
            if options["server"] in (None, server.name):
                try:
                    self._one_server(server, options)
                except ShardUnavailable:
                    away.append(server.name)
        if any(self.done.values()):
            kind, target = ("task", options["task"]) if options["task"] else ("command", "dead_letters")
            narrowed = {"ids": options["ids"][:100]} if options["ids"] else {}
            tell(f"jobs.{options['verb']}", kind=kind, target=target, why=options["why"], after=self.done | narrowed)
        if away:
            raise CommandError(f"not reached: {', '.join(away)}", returncode=1)

    def _one_server(self, server: Any, options: dict[str, Any]) -> None:
        verb, ids = options["verb"], set(options["ids"])
        done = 0
        # In portions: the letters of a bad night may be many.
        most = 100_000 if ids or verb == "list" else 1_000
        while letters := dead_letters.latest(server, task=options["task"], most=most):
            chosen = [letter for letter in letters if not ids or letter["id"] in ids]
            if verb == "list":
                for letter in chosen:
                    self.stdout.write(orjson.dumps(letter).decode())
                return
            row_ids = [letter["id"] for letter in chosen]
            done += (dead_letters.requeue if verb == "requeue" else dead_letters.discard)(server, row_ids)
            self.done[server.name] = done  # at once: what is done is told even if the server dies over the rest
            if ids or not row_ids:
                break
        if verb != "list":
            self.stdout.write(f"{server.name}: {done} {'requeued' if verb == 'requeue' else 'discarded'}")
