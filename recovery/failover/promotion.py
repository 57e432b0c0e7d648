"""Promotion of a PostgreSQL node. Each step looks first whether it is done: run it again when it was broken off."""

import time
from dataclasses import dataclass
from typing import Any

from instagram.topology import Node
from recovery.failover import loss, postgres, rebuild
from recovery.failover.loss import Loss
from recovery.failover.postgres import Status
from recovery.failover.sites import FailoverError, Refused, Site, Unreachable

#: Seconds that transactions get to end, and bytes that a standby may be behind, when a switch is planned.
PAUSE_S, BEHIND_MAX = 4.0, 16 * 2**20
#: Seconds until a standby has received the last of a primary that ended in order.
DRAIN_S = 5.0


@dataclass(frozen=True)
class Wish:
    """What the operator wants and allows.

    to: the node's name, "" for the one that is not primary. planned: the primary is well, switch without an error.
    force: end a primary that still answers. accept_loss: also when acknowledged writes are lost or may be.
    gone: the old primary's machine cannot be reached and will not come back by itself. dry: only look and tell.
    rebuild: the node is primary already, the other one shall follow it.
    """

    to: str = ""
    planned: bool = False
    force: bool = False
    accept_loss: bool = False
    gone: bool = False
    dry: bool = False
    rebuild: bool = False


def choose(site: Site, server: str, to: str) -> tuple[Node, Node]:
    """Return the node to promote and the other one. to: its name, "" for the replica. Raises Refused."""
    there = site.nodes(server)
    if len(there) < 2:
        raise Refused(f"{server} has no replica to promote: bin/up --full makes one here, docs/failover.md on hosts")
    facts = site.facts(server)
    names = {node.name: node for node in there}
    begun = facts.get("moving", {}).get("to", "")
    if begun and to and begun != to:
        raise Refused(f"a promotion of {begun} was broken off; finish that first: promote {server}")
    wanted = begun or to
    if wanted and wanted not in names:
        raise Refused(f"{server} has no node {wanted}; it has {', '.join(names)}")
    primary = names.get(facts.get("primary", ""), there[0])
    target = names[wanted] if wanted else next(node for node in there if node != primary)
    if begun:
        site.say(f"going on with the promotion of {begun} that was broken off")
    return target, next(node for node in there if node != target)


class Promotion:
    """One promotion of one server."""

    def __init__(self, site: Site, server: str, wish: Wish) -> None:
        self.site, self.server, self.wish = site, server, wish
        self.began = time.monotonic()
        self.served_after: float | None = None
        self.target_node, self.old_node = choose(site, server, wish.to)
        self.target, self.old = site.machine(self.target_node), site.machine(self.old_node)
        self.moving: dict[str, Any] = site.facts(server).get("moving", {})
        #: Asked for, now or when it was begun; and no more once the old primary has ended.
        self.planned = wish.planned or bool(self.moving.get("planned"))

    def run(self) -> None:
        """Do what is left to do. Raises Refused (nothing was begun), FailoverError (run it again)."""
        target, old = postgres.status(self.target), postgres.status(self.old)
        self._show(target, old)
        if self.moving and old.up and not old.standby and target.standby and not self.wish.dry:
            # Broken off before anything was ended; perhaps while everybody was made to wait.
            self.site.repoint(self.server)
            self.site.resume(self.server)
        if self._is_done(target, old):
            self.site.say(f"{self.target_node.name} is the primary of {self.server} already, and followed")
            return
        lost = self._judge(target, old)
        if self.wish.dry:
            self._say_what_would_be(target, old)
            return
        self.site.note(self.server, moving={"to": self.target_node.name, "planned": self.planned})
        if target.standby:
            self._take_over()
        self._serve()
        how = self._rebuild()
        self.site.note(self.server, moving=None)
        self.site.record(
            server=self.server,
            primary=self.target_node.name,
            planned=self.planned,
            lost=str(lost),
            served_after_s=round(self.served_after or 0.0, 2),
            rebuilt=how,
            seconds=self._seconds(),
        )

    def _is_done(self, target: Status, old: Status) -> bool:
        written = self.site.facts(self.server)
        return (
            target.up
            and not target.standby
            and old.standby
            and written.get("primary", self.site.nodes(self.server)[0].name) == self.target_node.name
            and not written.get("moving")
        )

    def _judge(self, target: Status, old: Status) -> Loss:
        """Return what will be lost. Raises Refused when this must not be done, or not without being told to."""
        if not target.up:
            raise Refused(f"{self.target_node.name} does not answer ({target.why}): there is nothing to promote")
        if not target.standby:
            return Loss(0, 0, None)
        if self.wish.rebuild:
            raise Refused(f"{self.target_node.name} is a standby: promote {self.server}")
        if old.up and not old.standby:
            lost = self._judge_living(target, old)
        elif self.wish.planned and not self.moving:
            raise Refused(f"{self.old_node.name} does not answer: this is no planned switch, leave out --planned")
        else:
            self.planned = False
            lost = loss.on_disk(self.old, target)
        self.site.say(f"  {lost}")
        if not self.planned and not lost.none_acknowledged and not self.wish.accept_loss:
            if self.wish.dry:
                self.site.say("  without --accept-loss this would be refused")
            else:
                raise Refused(f"{lost}; add --accept-loss to go on")
        return lost

    def _judge_living(self, target: Status, old: Status) -> Loss:
        behind = max(0, old.received - target.received)
        if self.planned:
            if not target.streaming or behind > BEHIND_MAX:
                raise Refused(f"{self.target_node.name} is {behind} bytes behind or does not receive: wait for it")
            return Loss(0, 0, True)
        if not self.wish.force and not self.wish.dry:
            raise Refused(
                f"{self.old_node.name} answers as primary: --planned switches without an error, --force ends it"
            )
        return loss.ahead(old, target)

    def _take_over(self) -> None:
        """Fence the old primary, promote the target. A planned switch that cannot go on is undone."""
        if self.planned:
            self.old.sql("CHECKPOINT", seconds=60)  # so that ending takes moments
            self.site.pause(self.server, PAUSE_S)
            self._say("those who want it wait in PgBouncer")
        try:
            self._end_the_old_one()
        except BaseException:
            # Whatever it is: who waits shall not wait for ever.
            self.site.resume(self.server)
            raise

    def _end_the_old_one(self) -> None:
        self._fence()
        if self.planned:
            self._wait_for_the_last_of_it()
        # Else every commit would wait for a replica that is not there yet.
        postgres.wait_for(self.target, "")
        postgres.promote(self.target)
        self._say(f"{self.target_node.name} is promoted")

    def _fence(self) -> None:
        try:
            self.old.fence(gently=self.planned)
        except Unreachable as error:
            if not self.wish.gone:
                self._undo(release=False)
                raise Refused(
                    f"{error}: it could still serve somebody; make sure it is off, then add --old-is-gone"
                ) from error
            self._say(f"{self.old_node.name} cannot be reached; you said that it is gone")
        else:
            self._say(f"{self.old_node.name} is ended and held")

    def _wait_for_the_last_of_it(self) -> None:
        """Return once the target has all that the old primary wrote before it ended."""
        ends = time.monotonic() + DRAIN_S
        while (left := loss.on_disk(self.old, postgres.status(self.target))).transactions != 0:
            if time.monotonic() > ends:
                self._undo()
                raise Refused(f"{left}: the old primary serves again")
            time.sleep(0.05)

    def _undo(self, *, release: bool = True) -> None:
        if release:
            self.old.release()
        if self.planned:
            self.site.repoint(self.server)
            self.site.resume(self.server)
        self.site.note(self.server, moving=None)

    def _serve(self) -> None:
        """Let everybody come to the new primary."""
        databases = self.site.databases(self.server)
        # A primary that ended in order has sent its sequences as they were: then nobody has to wait for this.
        first, later = ([], databases) if self.planned else (databases[:1], databases[1:])
        postgres.push_clocks(self.target, first)
        self.site.note(self.server, primary=self.target_node.name)
        self.site.repoint(self.server)
        self.site.resume(self.server)
        self.served_after = time.monotonic() - self.began
        self._say(f"{self.server} serves again, from {self.target_node.name}")
        postgres.push_clocks(self.target, later)

    def _rebuild(self) -> str:
        try:
            # If this was broken off before, the old one may be alive and believe that it is primary.
            how = rebuild.rebuild(self.site, self.old, self.target)
        except Unreachable as error:
            self.site.say(f"  {error}: once it is back, promote {self.server} again makes it a replica")
            raise FailoverError(f"{self.server} is served by {self.target_node.name}, without a replica") from error
        self._say(f"{self.old_node.name} follows, by {how}")
        synchronous = rebuild.settle_synchrony(self.site, self.server, self.target, self.old)
        self._say(f"replication is {'synchronous' if synchronous else 'asynchronous'}")
        self.site.repoint(self.server)
        return how

    def _show(self, target: Status, old: Status) -> None:
        for node, status, mark in ((self.old_node, old, ""), (self.target_node, target, " (to be primary)")):
            facts: dict[str, Any] = {}
            if status.up and status.standby:
                facts = {"receives": "yes" if status.streaming else "no", "behind_s": status.age_s}
            elif status.up:
                facts = {"followed by": " ".join(status.followers) or "nobody"}
            words = ", ".join(f"{name} {value}" for name, value in facts.items())
            self.site.say(f"  {node.name} {node.address}: {status.role}{', ' if words else ''}{words}{mark}")

    def _say_what_would_be(self, target: Status, old: Status) -> None:
        verbs = [f"promote {self.target_node.name}"] if target.standby else []
        if target.standby:
            pause = ["pause PgBouncer"] if self.planned else []
            verbs = [*pause, f"end {self.old_node.name}", *verbs]
        verbs += ["push the clocks", "repoint PgBouncer", f"rebuild {self.old_node.name} as replica"]
        self.site.say("would " + ", ".join(verbs))

    def _say(self, words: str) -> None:
        self.site.say(f"  {self._seconds():6.2f} s  {words}")

    def _seconds(self) -> float:
        return round(time.monotonic() - self.began, 2)
