"""From checks and switches to sentences: whether each part of the service works, and for what share of people."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from monitoring.checks import Result
from switches.catalogue import EVERYBODY
from switches.state import Switched

from . import people
from .people import Affected

WORKS, LATE, SOME, PAUSED, DOWN = "works", "late", "some", "paused", "down"
_NOBODY = Affected(0.0, 0)


@dataclass(frozen=True)
class Part:
    """One thing people do. state: one of the words above. lacking: for how many people it does not work."""

    name: str
    title: str
    state: str
    said: str
    lacking: Affected


@dataclass
class Facts:
    """What was found: names of what does not answer, and what is switched."""

    down: set[str]
    kinds_down: set[str]
    jobs_are_late: bool
    on: dict[tuple[str, str], Switched]
    #: Logical shards that cannot be read; that must not be written to.
    unread: set[int] = field(default_factory=set)
    unwritten: set[int] = field(default_factory=set)

    @property
    def main_is_down(self) -> bool:
        """Return whether nobody's name, token or follow can be looked up."""
        return "main" in self.down

    def switched(self, name: str) -> bool:
        """Return whether a switch is on for everybody."""
        return (name, EVERYBODY) in self.on


def found(results: Iterable[Result], switched: Iterable[Switched]) -> Facts:
    """Sort out what the checks and the switches say."""
    results = list(results)
    bad = [result for result in results if not result.ok]
    servers = {result.name for result in bad if result.kind == "postgresql"}
    facts = Facts(
        down=servers,
        kinds_down={
            result.kind for result in bad if all(not other.ok for other in results if other.kind == result.kind)
        },
        # A server that is away cannot be asked for its jobs: that is told as what it is.
        jobs_are_late=any(result.kind == "outbox" and _server_of(result) not in servers for result in bad),
        on={(each.name, each.target): each for each in switched},
    )
    facts.unread = people.shards_of(servers - {"main"})
    targets = {target for name, target in facts.on if name == "read_only" and target != EVERYBODY}
    facts.unwritten = people.shards_of(targets) | {int(target) for target in targets if target.isdigit()}
    return facts


def parts(facts: Facts) -> list[Part]:
    """Return what works for whom."""
    read_only = facts.switched("read_only")
    jobs_late = facts.jobs_are_late or "gearmand" in facts.kinds_down
    some_wait = bool(facts.unread)
    return [
        _part("posting", "Posting photos", facts, writes=True, needs="s3"),
        _part("feeds", "Feeds", facts, late="new photos arrive late" if jobs_late else ""),
        _images(facts),
        _part("engagement", "Likes and comments", facts, writes=True),
        _told("push", "Notifications on phones", facts, "push_paused", late=jobs_late or "apns" in facts.kinds_down),
        _told("cross_posts", "Sharing to other services", facts, "cross_posts_paused", late=jobs_late or some_wait),
        _sign_up(facts, is_closed=facts.switched("sign_up_closed") or read_only),
    ]


def _part(name: str, title: str, facts: Facts, *, writes: bool = False, needs: str = "", late: str = "") -> Part:
    """Judge what lives on the shards. needs: the kind of a check without which nothing goes."""
    everybody = people.affected(_all_shards())
    if facts.main_is_down or needs in facts.kinds_down or len(facts.unread) == settings.LOGICAL_SHARDS:
        return Part(name, title, DOWN, "does not work for the moment", everybody)
    if writes and facts.switched("read_only"):
        return Part(name, title, PAUSED, "paused on purpose: what is there can be seen", everybody)
    lacking_shards = facts.unread | (facts.unwritten if writes else set())
    # A server that is away, whose shards this process cannot name, still is one of so many.
    lacking = people.affected(lacking_shards) if lacking_shards else _of_servers(facts.down)
    if lacking.share:
        if not facts.down:
            return Part(name, title, PAUSED, "paused on purpose for some people", lacking)
        return Part(name, title, SOME, "does not work for some people", lacking)
    if late:
        return Part(name, title, LATE, late, _NOBODY)
    return Part(name, title, WORKS, "works", _NOBODY)


def _of_servers(names: set[str]) -> Affected:
    return Affected(round(len(names) / len(settings.SHARD_SERVERS), 4), None) if names else _NOBODY


def _images(facts: Facts) -> Part:
    if "edge" in facts.kinds_down:
        return Part("images", "Images", DOWN, "do not load for the moment", people.affected(_all_shards()))
    if "s3" in facts.kinds_down:
        return Part("images", "Images", SOME, "those that were not seen lately do not load", _NOBODY)
    return Part("images", "Images", WORKS, "works", _NOBODY)


def _told(name: str, title: str, facts: Facts, switch: str, *, late: bool) -> Part:
    if facts.switched(switch):
        return Part(name, title, PAUSED, "paused on purpose: what waits is sent later", _NOBODY)
    if facts.main_is_down or late:
        return Part(name, title, LATE, "comes late", _NOBODY)
    return Part(name, title, WORKS, "works", _NOBODY)


def _sign_up(facts: Facts, *, is_closed: bool) -> Part:
    if facts.main_is_down:
        return Part("sign_up", "Signing up", DOWN, "does not work for the moment", _NOBODY)
    if is_closed:
        return Part("sign_up", "Signing up", PAUSED, "closed on purpose for a while", _NOBODY)
    return Part("sign_up", "Signing up", WORKS, "works", _NOBODY)


def _all_shards() -> set[int]:
    return set(range(settings.LOGICAL_SHARDS))


def _server_of(result: Result) -> str:
    return result.name.removeprefix("jobs of ")


def worth_showing(results: Iterable[Result]) -> dict[str, Any]:
    """Return what some checks tell beside well and unwell, where they are there: the last drill, the replicas' lag."""
    told = [result.facts for result in results]
    shown = {name: facts[name] for facts in told for name in ("restorable_to", "proven_at") if facts.get(name)}
    lags = [facts["lag_s"] for facts in told if "lag_s" in facts]
    return shown | ({"replica_lag_s": max(lags)} if lags else {})
