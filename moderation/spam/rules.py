"""The kinds of rules against spam, and what each says of a text. A rule itself is a row (models.SpamRule)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction

from instagram.errors import InvalidParameters, NotFound
from moderation.models import SpamRule

from .texts import Said

Parameters = Mapping[str, int]
NAME_MAX_CHARS = 60


@dataclass(frozen=True, slots=True)
class RuleKind:
    """What a kind of rule asks, the numbers it takes (name: default, least, most), and whom it brings to the queue.

    says: from a text and what its author wrote before it, newest first with the text itself, why it is caught, or None.
    about_person: the account goes to the queue, once, not each of its texts. looks_back_s: how far it looks at what
    was written before.
    """

    title: str
    numbers: Mapping[str, tuple[int, int, int]]
    says: Callable[[Said, Sequence[Said], Parameters], str | None]
    about_person: bool = False
    looks_back_s: Callable[[Parameters], int] = lambda _: 0


def _minutes(numbers: Parameters) -> int:
    return 60 * numbers["minutes"]


def _hours(numbers: Parameters) -> int:
    return 3_600 * numbers["hours"]


def _too_many(said: Said, before: Sequence[Said], numbers: Parameters) -> str | None:
    since = said.said_at - _minutes(numbers)
    texts = sum(each.said_at >= since for each in before)
    if texts < numbers["texts"]:
        return None
    return f"{numbers['texts']} or more texts within {numbers['minutes']} minutes"


def _repeated(said: Said, before: Sequence[Said], numbers: Parameters) -> str | None:
    if said.characters < numbers["characters"]:
        return None
    since = said.said_at - _hours(numbers)
    same = sum(each.text_hash == said.text_hash and each.said_at >= since for each in before)
    if same < numbers["times"]:
        return None
    return f"the same text {numbers['times']} times or more within {numbers['hours']} hours"


def _links_of_a_new_account(said: Said, _: Sequence[Said], numbers: Parameters) -> str | None:
    if said.account_hours >= numbers["account_hours"] or said.links < numbers["links"]:
        return None
    return f"{said.links} links from an account {said.account_hours} hours old"


def _stuffed(said: Said, _: Sequence[Said], numbers: Parameters) -> str | None:
    if said.hashtags < numbers["hashtags"]:
        return None
    return f"{said.hashtags} hashtags"


KINDS: Mapping[str, RuleKind] = {
    "rate": RuleKind(
        "Too many texts in a short time",
        {"texts": (30, 2, 500), "minutes": (10, 1, 1_440)},
        _too_many,
        about_person=True,
        looks_back_s=_minutes,
    ),
    "repeated_text": RuleKind(
        "The same text again and again",
        {"times": (4, 2, 100), "hours": (24, 1, 168), "characters": (8, 1, 1_000)},
        _repeated,
        about_person=True,
        looks_back_s=_hours,
    ),
    "new_account_links": RuleKind(
        "A new account that posts links",
        {"account_hours": (48, 1, 8_760), "links": (1, 1, 20)},
        _links_of_a_new_account,
    ),
    "hashtag_stuffing": RuleKind("Hashtags without end", {"hashtags": (25, 2, 100)}, _stuffed),
}


def checked(kind: str, numbers: Mapping[str, object]) -> dict[str, int]:
    """Return a rule's numbers, with defaults for those that are missing. Raises InvalidParameters, saying which."""
    if kind not in KINDS:
        raise InvalidParameters(f"kind: one of {', '.join(KINDS)}")
    known = KINDS[kind].numbers
    unknown = numbers.keys() - known.keys()
    if unknown:
        raise InvalidParameters(f"{', '.join(sorted(unknown))}: not a number of {kind}")
    found = {}
    for name, (default, least, most) in known.items():
        value = numbers.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise InvalidParameters(f"{name}: a whole number from {least} to {most}")
        found[name] = value
    return found


def numbers_of(rule: SpamRule) -> dict[str, int]:
    """Return a rule's numbers, with the defaults of those that it was written without."""
    kind = KINDS.get(rule.kind)
    defaults = {name: default for name, (default, _, _) in kind.numbers.items()} if kind else {}
    return defaults | rule.numbers


def change(rule_id: int, *, is_on: bool, numbers: Mapping[str, object]) -> SpamRule:
    """Give a rule other numbers, turn it on or off. Raises InvalidParameters, NotFound."""
    with transaction.atomic():
        rule = SpamRule.objects.select_for_update().filter(pk=rule_id).first()
        if rule is None:
            raise NotFound(what="rule")
        rule.is_on, rule.numbers = is_on, checked(rule.kind, numbers)
        rule.save(update_fields=["is_on", "numbers", "changed_at"])
    return rule


def add(*, name: str, kind: str, numbers: Mapping[str, object], is_on: bool) -> SpamRule:
    """Make a rule. Raises InvalidParameters: a name that is there, or none; a kind or numbers that are not."""
    name = " ".join(name.split())
    if not 0 < len(name) <= NAME_MAX_CHARS:
        raise InvalidParameters(f"name: 1 to {NAME_MAX_CHARS} characters")
    rule, is_new = SpamRule.objects.get_or_create(
        name=name, defaults={"kind": kind, "numbers": checked(kind, numbers), "is_on": is_on}
    )
    if not is_new:
        raise InvalidParameters(f"name: there is a rule {name} already")
    return rule


def delete(rule_id: int) -> None:
    """Delete a rule; what it has found stays in the queue. Raises NotFound."""
    if not SpamRule.objects.filter(pk=rule_id).delete()[0]:
        raise NotFound(what="rule")


def looks_back_s(kind: str, numbers: Parameters) -> int:
    """Return how far from a text such a rule looks at what its author wrote before, seconds."""
    return KINDS[kind].looks_back_s(numbers)


def says(kind: str, numbers: Parameters, said: Said, before: Sequence[Said]) -> str | None:
    """Return why a rule catches a text, None if it does not."""
    return KINDS[kind].says(said, before, numbers)
