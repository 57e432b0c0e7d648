"""manage.py replicas: status, sync on|off SERVER, rebuild SERVER, guard."""

import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.table import Table

from instagram import topology
from instagram.operating import WHY_HELP, tell
from recovery.failover import postgres, redis
from recovery.failover.guard import guard
from recovery.failover.local import LocalSite, one_at_a_time
from recovery.failover.promotion import Wish
from recovery.failover.sites import FailoverError, Refused
from recovery.failover.verbs import promote


class Command(BaseCommand):
    """Look over replication and change it, in the data centre of this machine. Exit codes as promote's."""

    help = __doc__
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="status|sync|rebuild|guard")
        verbs.add_parser("status", help="role, position and followers of every node; exit code 1: a replica is missing")
        sync = verbs.add_parser(
            "sync", help="let commits wait for the replica, or no longer; as the settings say: auto"
        )
        sync.add_argument("word", choices=["on", "off", "auto"])
        sync.add_argument("server", choices=list(settings.POSTGRES_PORTS))
        rebuild = verbs.add_parser("rebuild", help="make the node that is not primary a replica again")
        rebuild.add_argument("server", choices=topology.servers())
        for verb in (sync, rebuild):
            verb.add_argument("--why", default="", help=WHY_HELP)
        verbs.add_parser("guard", help="switch waiting for replicas off and on as they go and come, until stopped")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the verb."""
        try:
            self.site = LocalSite(self.stdout.write, must_run=options["verb"] == "rebuild")
            getattr(self, f"_{options['verb']}")(options)
        except Refused as error:
            raise CommandError(f"{error}.", returncode=2) from error
        except FailoverError as error:
            raise CommandError(f"{error}. Run it again.", returncode=1) from error
        if options["verb"] in {"sync", "rebuild"}:
            after = {"verb": options["verb"], "server": options["server"], "word": options.get("word")}
            tell("operations.run", kind="command", target="replicas", why=options["why"], after=after)

    def _status(self, _options: dict[str, Any]) -> None:
        table = Table("server", "node", "role", "behind", "followed by", "commits wait for")
        lacking = []
        for server in topology.servers():
            primary = topology.primary(server)
            nodes = self.site.nodes(server)
            rows, follows = _redis_rows(self.site, server) if server.startswith("redis") else self._rows(server)
            for node, row in zip(nodes, rows, strict=True):
                table.add_row(server, f"{node.name}{' *' if node == primary else ''}", *row)
            if not follows and len(nodes) > 1:
                lacking.append(server)
        Console(file=getattr(self.stdout, "_out", None), soft_wrap=True).print(table)
        if lacking:
            raise CommandError(f"without a replica that follows: {', '.join(lacking)}", returncode=1)

    def _rows(self, server: str) -> tuple[list[tuple[str, ...]], bool]:
        nodes = self.site.nodes(server)
        found = [postgres.status(self.site.machine(node)) for node in nodes]
        ahead = max((each.received for each in found if each.up and not each.standby), default=0)
        rows: list[tuple[str, ...]] = []
        for each in found:
            behind = f"{max(0, ahead - each.replayed)} bytes" if each.standby else ""
            rows.append((each.role, behind, " ".join(each.followers), each.waits_for.strip('"')))
        return rows, any(each.followers for each in found)

    def _sync(self, options: dict[str, Any]) -> None:
        server, word = options["server"], options["word"]
        self.site.note(server, synchronous={"on": True, "off": False, "auto": None}[word])
        machine = self.site.machine(topology.primary(server))
        if not self.site.wants_synchrony(server):
            # At once, whether a guard runs or not: somebody waits.
            postgres.wait_for(machine, "")
            self.stdout.write(f"commits on {server} wait for no replica")
        else:
            self.stdout.write(f"commits on {server} wait for the replica as soon as the guard sees it follow")

    def _rebuild(self, options: dict[str, Any]) -> None:
        with one_at_a_time():
            promote(self.site, options["server"], Wish(to=topology.primary(options["server"]).name, rebuild=True))

    def _guard(self, _options: dict[str, Any]) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        guard(self.site, list(settings.POSTGRES_PORTS), stop)


def _redis_rows(site: LocalSite, server: str) -> tuple[list[tuple[str, ...]], bool]:
    rows: list[tuple[str, ...]] = []
    follows = False
    for node in site.nodes(server):
        facts = redis.replication(site.machine(node))
        link = facts.get("master_link_status", "")
        follows = follows or link == "up"
        role = {"master": "primary", "slave": "replica"}.get(facts.get("role", ""), "does not answer")
        rows.append((role, f"link {link}" if link else "", facts.get("connected_slaves", ""), ""))
    return rows, follows
