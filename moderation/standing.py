"""How a target stands: kept with a decision as it was before, and as it was once the effect was there."""

from typing import Any

from accounts.models import User
from accounts.queries import counts_of as counts_of_person
from accounts.reports import hidden_now
from photos.models import Comment, Photo, State
from photos.queries import counts_of
from sharding import ShardUnavailable, shard_of_object

from . import suspending
from .models import Decision, Kind


def standing_of(kind: str, target_id: int, about_user_id: int) -> dict[str, Any]:
    """Return a target's state, of a photo whether it is hidden, its numbers, and its owner's suspension.

    state: visible, held, deleted, gone, of an account also suspended or deactivated; left out, as numbers are, while
    its server does not answer. Cost: two to five queries on main, up to two on the target's shard.
    """
    facts: dict[str, Any] = {}
    try:
        facts |= _READ[Kind(kind)](target_id)
    except ShardUnavailable:
        pass  # the decision does not wait for it
    except ValueError:
        facts["state"] = "gone"
    if kind == Kind.MEDIA:
        facts["hidden"] = hidden_now(target_id)
    return facts | {"suspension": suspending.facts_of(about_user_id)}


def note_after(kind: str, target_id: int, about_user_id: int) -> None:
    """Write down with the latest decision about a target, which has taken effect, how it stands. Safe to repeat.

    Cost: one query on main, the first time also as standing_of().
    """
    latest = Decision.objects.filter(kind=kind, target_id=target_id, undone_at=None).order_by("-id").first()
    if latest is not None and not latest.after:
        latest.after = standing_of(kind, target_id, about_user_id)
        latest.save(update_fields=["after"])


def _photo(photo_id: int) -> dict[str, Any]:
    state = shard_of_object(photo_id).model(Photo).objects.filter(id=photo_id).values_list("state", flat=True).first()
    likes, comments = counts_of([photo_id]).get(photo_id, (0, 0))
    return {"state": _word(state), "likes": likes, "comments": comments}


def _comment(comment_id: int) -> dict[str, Any]:
    comments = shard_of_object(comment_id).model(Comment).objects.filter(id=comment_id)
    return {"state": _word(comments.values_list("state", flat=True).first())}


def _person(user_id: int) -> dict[str, Any]:
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        return {"state": "gone"}
    state = "suspended" if not user.is_active else "deactivated" if user.deactivated_at else "visible"
    try:
        return {"state": state, **counts_of_person(user_id)}
    except ShardUnavailable:
        return {"state": state}


_READ = {Kind.MEDIA: _photo, Kind.COMMENT: _comment, Kind.USER: _person}


def _word(state: int | None) -> str:
    return "gone" if state is None else State(state).name.lower()
