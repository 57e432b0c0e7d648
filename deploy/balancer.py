"""Take app hosts out of the load balancers and put them back, through HAProxy's admin socket on each.

Out is `drain`: no new requests, those in flight go on; out() waits until none are left. Nothing survives a restart of
HAProxy: a host that a broken-off deploy left out comes back with it, or with `fab lb.in`. A load balancer that is dead
sends nobody anything: while another does what it is told, the dead one is left alone, and named.
"""

import csv
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from deploy.inventory import Host, Inventory
from deploy.remote import Answer, Fleet, failed

#: Runs on the load balancer's host: sends each argument to the socket; "await B S N..." waits until servers N of
#: backend B have nothing in flight, S seconds at most. Python is there on every Debian; socat and nc -U are not.
_SAY = r"""
import socket, sys, time
def say(line):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(5)
        try: s.connect(sys.argv[1])
        except ConnectionRefusedError: sys.exit("@DEAD")
        s.sendall(line.encode() + b"\n")
        out = b""
        while part := s.recv(65536): out += part
    return out.decode()
for line in sys.argv[2:]:
    if line.startswith("await "):
        _, backend, seconds, *names = line.split()
        ends = time.monotonic() + float(seconds)
        while True:
            rows = [row.split(",") for row in say("show stat").splitlines()]
            busy = [row[1] for row in rows if row[0] == backend and row[1] in names and int(row[4] or 0) > 0]
            if not busy or time.monotonic() > ends: break
            time.sleep(0.05)
        continue
    out = say(line).strip()
    # Nothing is said of what worked; to take away what is not there is no mistake.
    if line.startswith("del map ") and out == "Key not found.": continue
    if line.startswith(("set ", "add ", "del ")) and out: sys.exit(out)
    if out: print(out)
"""

_DEAD = "HAProxy does not run"
_SAY = _SAY.replace("@DEAD", _DEAD)

#: The lines for one load balancer's socket.
Lines = Callable[[Host], list[str]]


class BalancerError(Exception):
    """A load balancer did not do what it was told; the sentence names it."""


@dataclass(frozen=True)
class Traffic:
    """What a load balancer counted for one host since it started.

    errors: answers of 500 and above, none at all, and what was asked of another host because of either.
    """

    state: str = ""
    in_flight: int = 0
    answers: int = 0
    errors: int = 0


#: Of each load balancer: host name -> what it counted.
Counts = dict[str, dict[str, Traffic]]


class Balancers:
    """All load balancers of an inventory, told the same."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._inventory: Inventory = fleet.inventory
        self._hosts = self._inventory.with_role("lb")
        #: Those that were found dead, by name: they are asked nothing any more.
        self.away: dict[str, Answer] = {}

    def out(self, hosts: Iterable[Host]) -> None:
        """Send these hosts nothing new; return when nothing is in flight or drain_s is over. Raises BalancerError."""
        names = [host.name for host in hosts]
        if not names:
            return  # workers: there is nothing to tell
        self._say(
            lambda lb: [
                *(f"set server {lb.backend}/{name} state drain" for name in names),
                f"await {lb.backend} {self._inventory.rollout.drain_s} {' '.join(names)}",
            ]
        )

    def back(self, hosts: Iterable[Host]) -> None:
        """Send these hosts requests again. Raises BalancerError."""
        names = [host.name for host in hosts]
        if not names:
            return
        # Believed well at once: who puts a host back has asked it. The balancer's own checks go on.
        self._say(
            lambda lb: [
                line
                for name in names
                for line in (f"set server {lb.backend}/{name} health up", f"set server {lb.backend}/{name} state ready")
            ]
        )

    def counts(self) -> Counts:
        """Return what each load balancer that answers has counted. Raises BalancerError."""
        return {each.host.name: _counted(each) for each in self._say(lambda _: ["show stat"], read=True)}

    def traffic(self) -> dict[str, Traffic]:
        """Return what was counted per app host, over all balancers. Raises BalancerError."""
        found: dict[str, Traffic] = {}
        for counted in self.counts().values():
            for name, seen in counted.items():
                before = found.get(name, Traffic())
                found[name] = Traffic(
                    seen.state,
                    before.in_flight + seen.in_flight,
                    before.answers + seen.answers,
                    before.errors + seen.errors,
                )
        return found

    def since(self, before: Counts, hosts: Iterable[Host]) -> tuple[int, int]:
        """Return (answers, errors) of hosts since `before`, by the balancers that answered both times."""
        names, answers, errors = [host.name for host in hosts], 0, 0
        for balancer, now in self.counts().items():
            for name in names:
                if (then := before.get(balancer, {}).get(name)) and name in now:
                    answers += now[name].answers - then.answers
                    errors += now[name].errors - then.errors
        return answers, errors

    def tell(self, lines: Lines, *, read: bool = False) -> list[Answer]:
        """Say lines to the socket of every load balancer that is not known to be dead; each answers for itself."""
        say = self._fleet.read if read else self._fleet.run
        return say(
            [host for host in self._hosts if host.name not in self.away],
            lambda lb: ["/usr/bin/python3", "-c", _SAY, lb.socket, *lines(lb)],
            seconds=self._inventory.rollout.drain_s + 20,
        )

    def _say(self, lines: Lines, *, read: bool = False) -> list[Answer]:
        """Return the answers of those that did it. Raises BalancerError when one did not, or all are dead."""
        answers = self.tell(lines, read=read)
        dead = [answer for answer in failed(answers) if answer.away or _DEAD in answer.text]
        did = [answer for answer in answers if answer.ok]
        if bad := [answer for answer in failed(answers) if answer not in dead] or (dead if not did else []):
            raise BalancerError(f"load balancer {bad[0].host.name}: {bad[0].text}")
        for each in dead:
            self.away[each.host.name] = Answer(
                each.host, False, f"{each.text}; told nothing since: if it serves, fab lb.in --hosts app", away=True
            )
        return did


def _counted(answer: Answer) -> dict[str, Traffic]:
    lines = answer.text.splitlines()
    if lines:
        lines[0] = lines[0].removeprefix("# ")
    found = {}
    for row in csv.DictReader(io.StringIO("\n".join(lines))):
        if row["pxname"] != answer.host.backend or row["svname"] in {"BACKEND", "FRONTEND"}:
            continue
        answers = sum(int(row[f"hrsp_{kind}xx"] or 0) for kind in "12345")
        # What HAProxy asks another host instead (retry-on) is no answer of this one, and is in none of the first three.
        errors = sum(int(row[kind] or 0) for kind in ("hrsp_5xx", "econ", "eresp", "wretr", "wredis"))
        found[row["svname"]] = Traffic(row["status"], int(row["scur"] or 0), answers, errors)
    return found
