"""Why a photo is, or is not, in somebody's feed: every cause, with its facts. For operators and the admin."""

from dataclasses import dataclass

from django.conf import settings

from .facts import facts_of
from .names import person_named, photo_named
from .reading import read
from .reasons import REASONS, SHOWN, Cause


@dataclass(frozen=True, slots=True)
class Explanation:
    """A verdict in one sentence, the cause it names, and the facts it rests on: (what, value)."""

    photo_id: int
    viewer_id: int
    shown: bool
    cause: Cause
    verdict: str
    facts: list[tuple[str, str]]


def explain(photo_id: int, viewer_id: int) -> Explanation:
    """Explain a photo's place, or absence, in a viewer's home feed.

    Cost: some fifteen queries on the author's shard, the viewer's and main. What is away is a cause, no error.
    """
    found = read(photo_id, viewer_id)
    cause, verdict = next(answer for answer in (reason(found) for reason in REASONS) if answer)
    if found.shown and cause not in SHOWN:
        verdict += f" It still shows: the cache has old facts, for {settings.CACHE_PERMISSION_TTL_S} s at most."
    return Explanation(photo_id, viewer_id, found.shown, cause, verdict, facts_of(found))


__all__ = ["Cause", "Explanation", "explain", "person_named", "photo_named"]
