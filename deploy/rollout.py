"""Put a release on the hosts: one canary, then batches, each out of the load balancer while it changes.

A batch that is not well, or a canary that answers with errors, ends it: every host that has the release gets back what
it ran before, also out of the load balancer meanwhile. Requests go on all the time; docs/operations.md tells the rest.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from shlex import quote

from deploy import preflight
from deploy.artifact import Release, static, wheels
from deploy.balancer import BalancerError, Balancers
from deploy.inventory import RELEASED, Host
from deploy.manage import keeper, manage
from deploy.remote import Answer, Fleet, failed


class RolloutError(Exception):
    """The release does not go out, or not everywhere; the sentence says why and what was done about it.

    went_back: hosts that had it were given what they ran before.
    """

    def __init__(self, words: str, *, went_back: bool = False) -> None:
        super().__init__(words)
        self.went_back = went_back


@dataclass
class Progress:
    """What became of each host, for the table at the end."""

    said: dict[str, str] = field(default_factory=dict)
    bad: set[str] = field(default_factory=set)

    def note(self, answers: Iterable[Answer], word: str = "") -> None:
        """Keep what hosts answered last. word: for those on which it worked."""
        for answer in answers:
            self.said[answer.host.name] = word if answer.ok and word else answer.text
            (self.bad.discard if answer.ok else self.bad.add)(answer.host.name)


class Rollout:
    """One release on its way. say: is told each step in a sentence."""

    def __init__(self, fleet: Fleet, say: Callable[[str], None]) -> None:
        self.fleet, self.say = fleet, say
        self.rules = fleet.inventory.rollout
        self.balancers = Balancers(fleet)
        self.progress = Progress()
        self.hosts = fleet.inventory.with_role(*RELEASED)
        self.phases: dict[str, float] = {}
        #: Brings the release to all but the canary; nothing to do when every host has it.
        self._ship_rest: Callable[[], None] = lambda: None
        self._began = time.monotonic()
        self._would = "would be " if fleet.dry else ""

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the seconds of a block under a name; those of blocks of the same name add up."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.phases[name] = round(self.phases.get(name, 0.0) + time.monotonic() - began, 2)

    def check(self) -> dict[str, preflight.Facts]:
        """Ask every host whether a release can go there. Raises RolloutError naming those where none can."""
        with self.phase("look"):
            facts = {each.host.name: each for each in preflight.look(self.fleet, self.hosts)}
        if bad := [f"{name}: {each.problem}" for name, each in facts.items() if each.problem]:
            raise RolloutError("nothing was changed; " + "; ".join(bad))
        return facts

    def ship(self, release: Release, facts: dict[str, preflight.Facts]) -> None:
        """Bring the release to the canary, where it lacks it; to the others while that is watched. Raises RolloutError.

        A release that is not well on the canary is never sent to the rest.
        """
        first = [host for host in self.hosts if host in (keeper(self.fleet), self._canary())]
        rest = [host for host in self.hosts if host not in first]
        with self.phase("ship"):
            self._ship(release, facts, first)
        self._ship_rest = lambda: self._ship(release, facts, rest)

    def _canary(self) -> Host:
        return next((host for host in self.hosts if "app" in host.roles), self.hosts[0])

    def _ship(self, release: Release, facts: dict[str, preflight.Facts], hosts: list[Host]) -> None:
        lacking = [host for host in hosts if release.name not in facts[host.name].releases]
        without = [host for host in lacking if release.venv not in facts[host.name].venvs]
        bare = [host for host in lacking if "app" in host.roles and release.static not in facts[host.name].static]
        if without and not self.fleet.dry:
            archive = wheels(release)
            self._all(self.fleet.put(without, archive, lambda host: f"{host.base}/incoming/{archive.name}"), "wheels")
            self._all(
                self.fleet.run(
                    without,
                    lambda host: (
                        f"cd {host.base} && mkdir -p wheels/{release.venv}"
                        f" && tar -xf incoming/{archive.name} -C wheels/{release.venv} && rm incoming/{archive.name}"
                    ),
                ),
                "wheels",
            )
        if bare and not self.fleet.dry:
            files = static(release)
            self._all(self.fleet.put(bare, files, lambda host: f"{host.base}/incoming/{files.name}"), "static files")
        self._all(
            self.fleet.put(lacking, release.file, lambda host: f"{host.base}/incoming/{release.file.name}"), "shipped"
        )
        unpack, prune = _script("unpack"), _script("prune")
        words = f"{release.name} {release.venv} {release.static}"
        self._all(
            self.fleet.run(
                lacking,
                # One command: a look at what is old costs less than another way there.
                lambda host: f"{unpack} {host.base} {words} && {prune} {host.base} {self.rules.keep}",
                seconds=300,
            ),
            "unpacked",
        )
        self.say(f"{self._would}shipped to {len(lacking)} of {len(hosts)} hosts")

    def turn(self, release: str, before: dict[str, str]) -> None:
        """Have every host run the release; on trouble give all of them back what they ran. Raises RolloutError.

        before: host name -> what it runs now; empty for a host that runs nothing yet.
        """
        apps = [host for host in self.hosts if "app" in host.roles]
        workers = [host for host in self.hosts if "app" not in host.roles]
        turned: list[Host] = []
        try:
            for number, batch in enumerate(_batches(apps, self.rules.batch)):
                turned += batch
                with self.phase("batches" if number else "canary"):
                    self._turn(batch, release)
                    if number == 0:
                        self._watch_and_ship(batch)
                self.say(f"{self._would}turned: {len(turned)} of {len(apps)} app hosts run {release}")
            if not apps:
                self._ship_rest()
            turned += workers
            with self.phase("workers"):
                self._all(self._activate(workers, {host.name: release for host in workers}), release)
        except (RolloutError, BalancerError) as error:
            self.say(f"{error}; going back")
            with self.phase("going back"):
                outcome = self.back(turned, before)
            raise RolloutError(f"{error}; {outcome}", went_back=True) from error

    def back(self, hosts: list[Host], before: dict[str, str]) -> str:
        """Give hosts the release they ran before; return what came of it, as a sentence."""
        known = [host for host in hosts if before.get(host.name)]
        bad: list[Answer] = []
        for batch in _batches(known, self.rules.batch):
            apps = [host for host in batch if "app" in host.roles]
            self.balancers.out(apps)
            answers = self._activate(batch, before)
            self.progress.note(answers)
            bad += failed(answers)
            self.balancers.back([host for host in apps if host not in [each.host for each in failed(answers)]])
        if bad:
            names = ", ".join(answer.host.name for answer in bad)
            return f"{len(known) - len(bad)} hosts run what they ran before, not so {names}"
        return f"all {len(known)} hosts that had it run what they ran before"

    def restart(self, hosts: list[Host], unit: str = "") -> list[Answer]:
        """Restart units in batches, app hosts out of the load balancer meanwhile; a bad batch is the last one."""
        script, said = _script("restart"), []
        for batch in _batches(hosts, self.rules.batch):
            apps = [host for host in batch if "app" in host.roles]
            self.balancers.out(apps)
            answers = self.fleet.run(
                batch,
                lambda host: " ".join(
                    [
                        script,
                        host.base,
                        host.services,
                        _health(host),
                        str(int(self.rules.healthy_s)),
                        *([unit] if unit else host.units),
                    ]
                ),
                seconds=self.rules.healthy_s + 60,
            )
            said += answers
            self.balancers.back([host for host in apps if host not in [each.host for each in failed(answers)]])
            if failed(answers):
                break
        return said

    def seconds(self) -> float:
        """Return how long this has taken."""
        return round(time.monotonic() - self._began, 1)

    def _turn(self, batch: list[Host], release: str) -> None:
        self.balancers.out(batch)
        answers = self._activate(batch, {host.name: release for host in batch})
        self._all(answers, release)
        self.balancers.back(batch)

    def _activate(self, hosts: list[Host], releases: dict[str, str]) -> list[Answer]:
        script = _script("activate")

        def command(host: Host) -> str:
            within = [str(int(self.rules.healthy_s)), str(int(self.rules.unwell_s))]
            words = [host.base, releases[host.name], host.services, _health(host), *within, *host.units]
            return f"{script} {' '.join(words)}"

        return self.fleet.run(hosts, command, seconds=self.rules.healthy_s + 60)

    def _watch_and_ship(self, canary: list[Host]) -> None:
        """Watch the canary; bring the release to the others meanwhile. Raises RolloutError for either."""
        with ThreadPoolExecutor(1) as pool:
            shipping = pool.submit(self._ship_rest)
            self._watch(canary)
            shipping.result()

    def _watch(self, batch: list[Host]) -> None:
        """Let the canary take real requests for a while and count its errors; send a photo through it meanwhile.

        Raises RolloutError.
        """
        names = [host.name for host in batch]
        if self.fleet.dry or not self.fleet.inventory.with_role("lb"):
            return
        first, began = self.balancers.traffic(), time.monotonic()
        photo = self._canary_photo(batch[0])
        time.sleep(max(0.0, self.rules.canary_s - (time.monotonic() - began)))
        now = self.balancers.traffic()
        answers = sum(now[name].answers - first[name].answers for name in names if name in now and name in first)
        errors = sum(now[name].errors - first[name].errors for name in names if name in now and name in first)
        if errors > self.rules.canary_errors * max(answers, 1):
            raise RolloutError(f"the canary {', '.join(names)} answered {errors} of {answers} requests with an error")
        self.say(f"the canary {', '.join(names)} answered {answers} requests, {errors} with an error; {photo}")

    def _canary_photo(self, host: Host) -> str:
        """Post a photo from the canary host and see it arrive; return what came of it. Raises RolloutError."""
        if not self.rules.canary_photo:
            return "no canary photo was asked for (canary_photo)"
        said = manage(self.fleet, host, "canary", "--once", "--json")
        if not said.known:
            return "its release knows no canary photo"
        if not said.ok:
            raise RolloutError(f"the canary photo from {host.name} did not arrive: {said.text.splitlines()[-1][-300:]}")
        return "the canary photo arrived"

    def _all(self, answers: list[Answer], word: str) -> None:
        self.progress.note(answers, "" if self.fleet.dry else word)
        if bad := failed(answers):
            raise RolloutError("; ".join(f"{answer.host.name}: {answer.text}" for answer in bad))


def _batches(hosts: list[Host], size: int) -> Iterator[list[Host]]:
    """Yield the canary alone, then batches."""
    rest = iter(hosts)
    if first := next(rest, None):
        yield [first]
    while batch := list(islice(rest, size)):
        yield batch


def _health(host: Host) -> str:
    """Return where deploy/host/ asks whether a host is well, "-" for nowhere."""
    return host.health if "app" in host.roles else "-"


def _script(name: str) -> str:
    """Return a shell command that runs deploy/host/<name> of this clone, whatever release a host has."""
    text = (Path(__file__).parent / "host" / name).read_text()
    return f"bash -c {quote(text)} {name}"
