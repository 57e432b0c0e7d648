"""A look-alike beside what was removed: both pictures for who has the case.

The removed one is shown from its own files, which are held for as long as the decision may be undone. Nothing of it is
kept beyond that: then it is deleted for good, with a proof, and a smaller copy that stays would break that word.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from moderation.models import Case, Decision
from photos import storage
from photos.models import Photo, State
from sharding import ShardUnavailable, shard_of_object

#: Findings that are compared: an upload is told of the nearest removal alone, so there is mostly one.
MOST = 4
SIDE = 306


@dataclass(frozen=True, slots=True)
class Likeness:
    """A removal whose picture looks like a case's. image: its address, "" where it is not shown; says: why not."""

    decision: Decision
    bits: int
    image: str
    says: str


def likenesses_of(case: Case, *, with_images: bool) -> list[Likeness]:
    """Return what a case's picture looks like. Cost: one query on main, one per finding on its shard."""
    found = _findings(case)
    return [_likeness(each, flag["bits"], with_image=with_images) for flag, each in found]


def removed_in(likenesses: Iterable[Likeness]) -> list[int]:
    """Return which removed photos are shown among likenesses."""
    return [each.decision.target_id for each in likenesses if each.image]


def _findings(case: Case) -> list[tuple[Mapping[str, Any], Decision]]:
    flags = [flag for flag in case.flags if flag["source"] == "look_alike"][-MOST:]
    known = Decision.objects.in_bulk([flag["decision"] for flag in flags])
    return [(flag, known[flag["decision"]]) for flag in flags if flag["decision"] in known]


def _likeness(decision: Decision, bits: int, *, with_image: bool) -> Likeness:
    if not with_image:
        return Likeness(decision, bits, "", "Shown to who has the case.")
    if decision.undone_at is not None:
        return Likeness(decision, bits, "", "Its removal was undone: it is on its page.")
    try:
        photo = shard_of_object(decision.target_id).model(Photo).objects.filter(id=decision.target_id).first()
    except ShardUnavailable as error:
        return Likeness(decision, bits, "", f"Database {error.server_name} does not answer.")
    if photo is None or photo.state != State.HELD:
        return Likeness(decision, bits, "", "Deleted for good: nothing of it is kept.")
    return Likeness(decision, bits, storage.image_url(photo.image_stem, SIDE), "")
