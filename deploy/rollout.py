"""Put a release on the hosts: one canary, then batches, each out of the load balancer while it changes.

A batch that is not well, or a canary that answers with errors, ends it: every host that has the release gets back what
it ran before, also out of the load balancer meanwhile. Requests go on all the time; docs/operations.md tells the rest.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from shlex import quote

from deploy import preflight
from deploy.artifact import BuildError, Release, static, wheels
from deploy.balancer import BalancerError, Balancers
from deploy.inventory import RELEASED, Host
from deploy.manage import Said, keeper, manage
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
        #: The name of what goes out, as soon as it is known.
        self.release = ""
        #: What each host ran before the release that runs now, by check().
        self._previous: dict[str, str] = {}
        #: Brings the release to all but the canary; nothing to do when every host has it.
        self._ship_rest: Callable[[], None] = lambda: None
        self._is_given_up = threading.Event()
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
        facts = self._look()
        if bad := [f"{name}: {each.problem}" for name, each in facts.items() if each.problem]:
            raise RolloutError("nothing was changed; " + "; ".join(bad))
        return facts

    def check_way_back(self) -> dict[str, preflight.Facts]:
        """Ask every host what it has; leave those alone that cannot turn, a dead host above all.

        What only a new release needs (disk, Python) is no reason not to go back. Raises RolloutError when no host can.
        """
        facts = self._look()
        stuck = [each for each in facts.values() if each.hinders]
        self.progress.note(Answer(each.host, False, f"left as it is: {each.hinders}") for each in stuck)
        self.hosts = [host for host in self.hosts if not facts[host.name].hinders]
        if not self.hosts:
            words = "; ".join(f"{each.host.name}: {each.hinders}" for each in stuck)
            raise RolloutError(f"nothing was changed; {words}")
        return {host.name: facts[host.name] for host in self.hosts}

    def _look(self) -> dict[str, preflight.Facts]:
        with self.phase("look"):
            facts = {each.host.name: each for each in preflight.look(self.fleet, self.hosts)}
        self._previous = {name: each.previous for name, each in facts.items()}
        return facts

    def ship(self, release: Release, facts: dict[str, preflight.Facts]) -> None:
        """Bring the release to the canary, where it lacks it; to the others while that is watched. Raises RolloutError.

        A release that cannot start on the canary is never sent to the rest.
        """
        self.release = release.name
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
            archive = _made(wheels, release)
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
            files = _made(static, release)
            self._all(self.fleet.put(bare, files, lambda host: f"{host.base}/incoming/{files.name}"), "static files")
        if self._is_given_up.is_set():
            return
        self._all(
            self.fleet.put(lacking, release.file, lambda host: f"{host.base}/incoming/{release.file.name}"), "shipped"
        )
        if self._is_given_up.is_set():
            return
        unpack, prune = script("unpack"), script("prune")
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
        self.release = release
        apps = [host for host in self.hosts if "app" in host.roles]
        workers = [host for host in self.hosts if "app" not in host.roles]
        turned: list[Host] = []
        # Waited for only when the hosts are back: on one of those it is brought to, it may take its time.
        with ThreadPoolExecutor(1) as pool:
            try:
                for number, batch in enumerate(_batches(apps, self.rules.batch)):
                    turned += batch
                    with self.phase("batches" if number else "canary"):
                        self._turn(batch, release)
                        if number == 0:
                            shipping = pool.submit(self._ship_rest)
                            self._watch(batch)
                            shipping.result()
                    self.say(f"{self._would}turned: {len(turned)} of {len(apps)} app hosts run {release}")
                if not apps:
                    self._ship_rest()
                for batch in _batches(workers, self.rules.batch):
                    turned += batch
                    with self.phase("workers"):
                        self._all(self._activate(batch, dict.fromkeys(_names(batch), release)), release)
            except (RolloutError, BalancerError) as error:
                self._is_given_up.set()
                self.say(f"{error}; going back")
                with self.phase("going back"):
                    outcome = self.back(turned, before)
                raise RolloutError(f"{error}; {outcome}", went_back=True) from error
            finally:
                self.progress.note(self.balancers.away.values())

    def back(self, hosts: list[Host], before: dict[str, str]) -> str:
        """Give hosts the release they ran before; return what came of it, as a sentence.

        It goes on whatever a load balancer says: a request that fails is less than a bad release that stays. An app
        host that ran nothing before has nothing to go back to: nobody is sent to it any more.
        """
        known = [host for host in hosts if before.get(host.name)]
        new = [host for host in hosts if "app" in host.roles and host not in known]
        bad: list[Answer] = []
        untold = _tried(self.balancers.out, new)
        for batch in _batches(known, self.rules.batch):
            apps = [host for host in batch if "app" in host.roles]
            untold |= _tried(self.balancers.out, apps)
            answers = self._activate(batch, before, self._previous)
            self.progress.note(answers)
            bad += failed(answers)
            untold |= _tried(self.balancers.back, [host for host in apps if host not in _hosts(failed(answers))])
        said = f"all {len(known)} hosts that had it run what they ran before"
        if bad:
            names = ", ".join(_names(_hosts(bad)))
            said = f"{len(known) - len(bad)} hosts run what they ran before, not so {names}"
        left = [f"{', '.join(_names(new))} ran nothing before: out of the load balancers"] if new else []
        return "; ".join([said, *left, *sorted(untold)])

    def restart(self, hosts: list[Host], unit: str = "") -> list[Answer]:
        """Restart units in batches, app hosts out of the load balancer meanwhile; a bad batch is the last one."""
        again, said = script("restart"), []
        for batch in _batches(hosts, self.rules.batch):
            apps = [host for host in batch if "app" in host.roles]
            try:
                self.balancers.out(apps)
            except BalancerError:
                _tried(self.balancers.back, apps)  # the load balancers that did it
                raise
            answers = self.fleet.run(
                batch,
                lambda host: " ".join(
                    [
                        again,
                        host.base,
                        host.services,
                        _health(host),
                        str(int(self.rules.healthy_s)),
                        str(int(self.rules.steady_s)),
                        *([unit] if unit else host.units),
                    ]
                ),
                seconds=2 * self.rules.healthy_s + 60,
            )
            said += answers
            self.balancers.back([host for host in apps if host not in _hosts(failed(answers))])
            if failed(answers):
                break
        return [*said, *self.balancers.away.values()]

    def seconds(self) -> float:
        """Return how long this has taken."""
        return round(time.monotonic() - self._began, 1)

    def _turn(self, batch: list[Host], release: str) -> None:
        self.balancers.out(batch)
        answers = self._activate(batch, dict.fromkeys(_names(batch), release))
        self._all(answers, release)
        self.balancers.back(batch)

    def _activate(
        self, hosts: list[Host], releases: dict[str, str], previous: dict[str, str] | None = None
    ) -> list[Answer]:
        """Have hosts run a release each. previous: what `previous` names then, of each; else what they run now."""
        activate = script("activate")

        def command(host: Host) -> str:
            before = "now" if previous is None else previous.get(host.name) or "none"
            within = [str(int(each)) for each in (self.rules.healthy_s, self.rules.unwell_s, self.rules.steady_s)]
            words = [host.base, releases[host.name], before, host.services, _health(host), *within, *host.units]
            return f"{activate} {' '.join(words)}"

        return self.fleet.run(hosts, command, seconds=2 * self.rules.healthy_s + 60)

    def _watch(self, batch: list[Host]) -> None:
        """Let the canary take real requests for a while and count its errors; send a photo through it meanwhile.

        Raises RolloutError.
        """
        if self.fleet.dry or not self.fleet.inventory.with_role("lb"):
            return
        names = ", ".join(_names(batch))
        first, began = self.balancers.counts(), time.monotonic()
        photo = self._canary_photo(batch[0])
        time.sleep(max(0.0, self.rules.canary_s - (time.monotonic() - began)))
        answers, errors = self.balancers.since(first, batch)
        if errors > self.rules.canary_errors * max(answers, 1):
            raise RolloutError(f"the canary {names} gave {errors} errors beside {answers} answers")
        self.say(f"the canary {names} answered {answers} requests, {errors} with an error; {photo}")

    def _canary_photo(self, host: Host) -> str:
        """Post a photo through the canary host and see it arrive; return what came of it. Raises RolloutError."""
        if not self.rules.canary_photo:
            return "no canary photo was asked for (canary_photo)"

        def fly(*words: str) -> Said:
            return manage(self.fleet, host, "canary", "--once", "--json", *words)

        # To the host itself: the load balancer would give it to any of them.
        said = fly("--at", f"http://{host.address}:{host.serves}")
        if not said.ok and "unrecognized arguments: --at" in said.text:
            said = fly()  # a way back to a release of before there was such an option
        if not said.known:
            return "its release knows no canary photo"
        if not said.ok:
            raise RolloutError(f"the canary photo from {host.name} did not arrive: {said.text.splitlines()[-1][-300:]}")
        return "the canary photo arrived"

    def _all(self, answers: list[Answer], word: str) -> None:
        self.progress.note(answers, "" if self.fleet.dry else word)
        if bad := failed(answers):
            raise RolloutError("; ".join(f"{answer.host.name}: {answer.text}" for answer in bad))


def _names(hosts: Iterable[Host]) -> list[str]:
    return [host.name for host in hosts]


def _hosts(answers: Iterable[Answer]) -> list[Host]:
    return [answer.host for answer in answers]


def _tried(tell: Callable[[list[Host]], None], hosts: list[Host]) -> set[str]:
    """Tell the load balancers; return what they said against it."""
    try:
        tell(hosts)
    except BalancerError as error:
        return {str(error)}
    return set()


def _made(make: Callable[[Release], Path], release: Release) -> Path:
    """Make what a release needs beside itself; hosts may have turned already, so that it must lead to going back."""
    try:
        return make(release)
    except BuildError as error:
        raise RolloutError(str(error)) from error


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


#: What a script stands on, put before it: it travels alone.
_BEFORE = {"activate": ("steady",), "restart": ("steady",)}


def script(name: str) -> str:
    """Return a shell command that runs deploy/host/<name> of this clone, whatever release a host has."""
    folder = Path(__file__).parent / "host"
    text = "".join((folder / part).read_text() for part in (*_BEFORE.get(name, ()), name))
    return f"bash -c {quote(text)} {name}"
