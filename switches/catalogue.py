"""The switches there are."""

from dataclasses import dataclass

from django.conf import settings

#: The target of a switch that concerns everybody.
EVERYBODY = ""


@dataclass(frozen=True)
class Switch:
    """One thing that can be turned off. does: what happens while it is on, for operators; said: the same for people."""

    name: str
    does: str
    said: str
    #: It may concern one physical or logical shard instead of everybody.
    has_target: bool = False


SWITCHES = {
    switch.name: switch
    for switch in (
        Switch(
            "read_only",
            "writes are refused (503), reads go on, jobs wait; for everybody, or for the people of one shard",
            "photos and feeds can be seen, but nothing can be posted or changed",
            has_target=True,
        ),
        Switch("sign_up_closed", "nobody can sign up (503)", "new accounts cannot be made"),
        Switch("push_paused", "pushes to phones wait", "phones are not notified for the moment"),
        Switch("cross_posts_paused", "photos for other services wait", "photos reach other services later"),
        Switch("short_feeds", "pages of lists hold SHORT_PAGE entries at most", "feeds come in shorter pages"),
    )
}


class UnknownSwitchError(ValueError):
    """No such switch, or it cannot concern that; the sentence says which there are."""


def checked(name: str, target: str) -> tuple[Switch, str]:
    """Return the switch and its target in the one spelling. Raises UnknownSwitchError."""
    switch = SWITCHES.get(name)
    if switch is None:
        raise UnknownSwitchError(f"no switch is called {name!r}: there are {', '.join(SWITCHES)}")
    target = target.strip().lower()
    if target in ("", "site"):
        return switch, EVERYBODY
    if not switch.has_target:
        raise UnknownSwitchError(f"{name} concerns everybody: it takes no target")
    if target in settings.SHARD_SERVERS:
        return switch, target
    if target.isascii() and target.isdigit() and int(target) < settings.LOGICAL_SHARDS:
        return switch, str(int(target))
    known = ", ".join(settings.SHARD_SERVERS)
    raise UnknownSwitchError(
        f"no shard is called {target!r}: give a server ({known}) or a logical shard, 0 to {settings.LOGICAL_SHARDS - 1}"
    )
