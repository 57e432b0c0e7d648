"""What a moderator sees of a case's target, wherever it is kept."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from django.urls import reverse

from accounts.models import Report, User
from moderation.effects import photo_of_comment
from moderation.models import Case, Decision, Kind
from photos import storage
from photos.models import Comment, Photo, State
from photos.queries import counts_of
from sharding import Shard, ShardUnavailable, shard_of_object
from sharding.ids import created_at_of, shortcode_of

REPORTS, DECISIONS = 50, 20
#: What staff calls what the tables call a kind; also the audit log's kinds of targets.
WORDS = {Kind.MEDIA: "photo", Kind.COMMENT: "comment", Kind.USER: "person"}


class Picture(Protocol):
    """A photo's row, or what a list has read of it."""

    @property
    def image_stem(self) -> str:
        """Name its files."""

    @property
    def state(self) -> int:
        """Say whether there are any."""


@dataclass
class Target:
    """A photo, comment or account as it is now. state: visible, held, deleted, gone, or the server that is silent."""

    title: str
    state: str
    address: str = ""
    text: str = ""
    image: str = ""
    side: int = 0
    made_at: Any = None
    facts: list[tuple[str, Any]] = field(default_factory=list)


def word_of(kind: str) -> str:
    """Return staff's word for a kind of target."""
    return WORDS[Kind(kind)]


def saying(decision: Decision) -> str:
    """Return a decision in a few words."""
    return f"{decision.says}: {word_of(decision.kind)} {decision.target_id}"


def target_of(kind: str, target_id: int, about_user_id: int, *, with_image: bool) -> Target:
    """Return a case's target. with_image: the photo itself, too. Cost: one to three queries on its shard."""
    try:
        if kind == Kind.MEDIA:
            return _photo(target_id, with_image=with_image)
        if kind == Kind.COMMENT:
            return _comment(target_id, with_image=with_image)
    except ShardUnavailable as error:
        return Target(f"{word_of(kind)} {target_id}", f"database {error.server_name} does not answer")
    except ValueError:
        return Target(f"{word_of(kind)} {target_id}", "gone")
    user = User.objects.filter(pk=target_id).first()
    if user is None:
        return Target(f"person {target_id}", "gone")
    state = "suspended" if not user.is_active else "deactivated" if user.deactivated_at else "visible"
    return Target(
        user.username, state, reverse("admin:person", args=[user.pk]), text=user.bio, made_at=user.date_joined
    )


def may_see_image(case: Case, owner: User | None, viewer: Any, *, holds_claim: bool) -> bool:
    """Return whether a viewer of the page is shown the picture: of a private account only who has the case."""
    return holds_claim or (owner is not None and not owner.is_private)


def history_of(kind: str, target_id: int) -> list[Decision]:
    """Return what was decided about a target, newest first. Cost: one query on main."""
    found = Decision.objects.filter(kind=kind, target_id=target_id).select_related("moderator", "undone_by")
    return list(found.order_by("-id")[:DECISIONS])


def reports_of(kind: str, target_id: int) -> list[Report]:
    """Return the reports of a target, newest first. Cost: one query on main."""
    found = Report.objects.filter(kind=kind, target_id=target_id).select_related("reporter")
    return list(found.order_by("-id")[:REPORTS])


def thumbnail_of(photo: Picture | None, side: int = 150) -> str:
    """Return the address of a photo's picture, empty for one without files."""
    if photo is None or photo.state == State.DELETED:
        return ""
    return storage.image_url(photo.image_stem, side)


def _photo(photo_id: int, *, with_image: bool) -> Target:
    shard = shard_of_object(photo_id)
    photo = _row(shard, photo_id)
    if photo is None:
        return Target(f"photo {photo_id}", "gone", made_at=created_at_of(photo_id))
    likes, comments = counts_of([photo_id]).get(photo_id, (0, 0))
    return Target(
        f"photo {photo_id}",
        State(photo.state).name.lower(),
        f"/p/{shortcode_of(photo_id)}/" if photo.state == State.VISIBLE else "",
        text=photo.caption,
        image=thumbnail_of(photo, 612) if with_image else "",
        side=612,
        made_at=created_at_of(photo_id),
        facts=[("likes", likes), ("comments", comments), ("filter", photo.filter), ("place", photo.location_name)],
    )


def _comment(comment_id: int, *, with_image: bool) -> Target:
    shard = shard_of_object(comment_id)
    photo_id = photo_of_comment(comment_id)
    comment = shard.model(Comment).objects.filter(id=comment_id).first()
    if comment is None or photo_id is None:
        return Target(f"comment {comment_id}", "gone", made_at=created_at_of(comment_id))
    return Target(
        f"comment {comment_id}",
        State(comment.state).name.lower(),
        f"/p/{shortcode_of(photo_id)}/",
        text=comment.text,
        image=thumbnail_of(_row(shard, photo_id), 306) if with_image else "",
        side=306,
        made_at=created_at_of(comment_id),
        facts=[("under photo", photo_id)],
    )


def _row(shard: Shard, photo_id: int) -> Photo | None:
    return shard.model(Photo).objects.filter(id=photo_id).first()
