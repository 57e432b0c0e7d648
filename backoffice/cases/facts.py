"""What a moderator sees of a case's target, wherever it is kept."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from django.urls import reverse

from accounts.models import Report, User
from accounts.reports import Record, records_of
from backoffice.roles import why_not_on
from moderation.models import Case, Decision, Kind, Verdict
from photos import storage
from photos.models import Comment, Photo, State
from photos.queries import bodies, counts_of, photos_by
from sharding import Shard, ShardUnavailable, shard_of_object
from sharding.ids import created_at_of

REPORTS, DECISIONS, PHOTOS = 50, 20, 12
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
    #: Of an account: its newest, as id and address.
    photos: list[dict[str, Any]] = field(default_factory=list)


def word_of(kind: str) -> str:
    """Return staff's word for a kind of target."""
    return WORDS[Kind(kind)]


def saying(decision: Decision) -> str:
    """Return a decision in a few words."""
    return f"{decision.says}: {word_of(decision.kind)} {decision.target_id}"


def target_of(kind: str, target_id: int, *, with_image: bool) -> Target:
    """Return a case's target. with_image: the photo itself, unless it was taken down, and its words, too.

    Cost: one or two queries on its shard.
    """
    try:
        if kind == Kind.MEDIA:
            return _photo(target_id, with_image=with_image)
        if kind == Kind.COMMENT:
            return _comment(target_id, with_image=with_image)
    except ShardUnavailable as error:
        return Target(f"{word_of(kind)} {target_id}", f"database {error.server_name} does not answer")
    except ValueError:
        return Target(f"{word_of(kind)} {target_id}", "gone")
    return _person(target_id, with_image=with_image)


def _person(user_id: int, *, with_image: bool) -> Target:
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        return Target(f"person {user_id}", "gone")
    try:
        photos = bodies(photos_by(user_id, count=PHOTOS)) if with_image else {}
    except ShardUnavailable:
        photos = {}  # its profile is in main
    state = "suspended" if not user.is_active else "deactivated" if user.deactivated_at else "visible"
    return Target(
        user.username,
        state,
        reverse("admin:person", args=[user.pk]),
        text=user.bio,
        made_at=user.date_joined,
        photos=[
            {"id": number, "address": storage.image_url(body.image_stem, 150)}
            for number, body in sorted(photos.items(), reverse=True)
        ],
    )


def owner_of(about: Case | Decision) -> User | None:
    """Return whose photo, comment or account it is. Cost: one query on main."""
    return User.objects.filter(pk=about.about_user_id).first()


def why_not_decide(by: Any, verdict: str, owner: User | None) -> str:
    """Return why a staff member (request.user) may not decide so, or undo it; "" if they may.

    Nobody decides about themselves, and a suspension is an act on its person, however it comes about.
    """
    if owner is None or (owner.pk != by.pk and verdict != Verdict.SUSPEND):
        return ""
    return why_not_on(by, owner)


def owner_of_picture(case: Case) -> User | None:
    """Return whose picture a case's page shows: of a comment the photo's owner. Cost: one query, of a comment two."""
    user_id: int | None = case.about_user_id
    if case.kind == Kind.COMMENT:
        try:
            rows = shard_of_object(case.target_id).model(Comment).objects.filter(id=case.target_id)
            user_id = rows.values_list("owner_id", flat=True).first()
        except (ShardUnavailable, ValueError):
            return None
    return None if user_id is None else User.objects.filter(pk=user_id).first()


def is_open(owner: User | None) -> bool:
    """Return whether all of the staff may see somebody's pictures: a private account's only who has the case."""
    return owner is not None and not owner.is_private


def history_of(kind: str, target_id: int) -> list[Decision]:
    """Return what was decided about a target, newest first. Cost: one query on main."""
    found = Decision.objects.filter(kind=kind, target_id=target_id).select_related("moderator", "undone_by")
    return list(found.order_by("-id")[:DECISIONS])


@dataclass(frozen=True, slots=True)
class Reports:
    """Reports of a target, the newest of `number`, each with its reporter's record."""

    rows: list[tuple[Report, Record]]
    number: int


def reports_of(kind: str, target_id: int) -> Reports:
    """Return the reports of a target, newest first. Cost: two queries on main, three of very many."""
    every = Report.objects.filter(kind=kind, target_id=target_id)
    found = list(every.select_related("reporter").order_by("-id")[: REPORTS + 1])
    number = len(found) if len(found) <= REPORTS else every.count()
    records = records_of({each.reporter_id for each in found[:REPORTS]})
    return Reports([(each, records[each.reporter_id]) for each in found[:REPORTS]], number)


def linked(reports: Iterable[Report]) -> list[dict[str, Any]]:
    """Return reports with the addresses of what they are about and of its latest case. Cost: one query on main."""
    found = list(reports)
    cases = Case.objects.filter(kind__in=list(Kind), target_id__in={each.target_id for each in found})
    latest = {(each.kind, each.target_id): each.pk for each in cases.order_by("id")}
    return [
        {"report": each, "target": _page_of(each), "case": latest.get((each.kind, each.target_id))} for each in found
    ]


def _page_of(report: Report) -> str:
    """Return the page of what was reported; a comment has none but its case."""
    pages = {Kind.MEDIA: "admin:photo", Kind.USER: "admin:person"}
    name = pages.get(Kind(report.kind))
    return reverse(name, args=[report.target_id]) if name else ""


def thumbnail_of(photo: Picture | None, side: int = 150) -> str:
    """Return the address of a photo's picture, empty for one that is not shown any more."""
    return "" if photo is None or photo.state != State.VISIBLE else storage.image_url(photo.image_stem, side)


def _photo(photo_id: int, *, with_image: bool) -> Target:
    shard = shard_of_object(photo_id)
    photo = _row(shard, photo_id)
    if photo is None:
        return Target(f"photo {photo_id}", "gone", made_at=created_at_of(photo_id))
    likes, comments = counts_of([photo_id]).get(photo_id, (0, 0))
    place = photo.location_name if with_image else ""
    return Target(
        f"photo {photo_id}",
        State(photo.state).name.lower(),
        reverse("admin:photo", args=[photo_id]),
        text=photo.caption if with_image else "",
        image=thumbnail_of(photo, 612) if with_image else "",
        side=612,
        made_at=created_at_of(photo_id),
        facts=[("likes", likes), ("comments", comments), ("filter", photo.filter), ("place", place)],
    )


def _comment(comment_id: int, *, with_image: bool) -> Target:
    shard = shard_of_object(comment_id)
    comment = shard.model(Comment).objects.filter(id=comment_id).first()
    if comment is None:
        return Target(f"comment {comment_id}", "gone", made_at=created_at_of(comment_id))
    return Target(
        f"comment {comment_id}",
        State(comment.state).name.lower(),
        reverse("admin:photo", args=[comment.photo_id]),
        text=comment.text if with_image else "",
        image=thumbnail_of(_row(shard, comment.photo_id), 306) if with_image else "",
        side=306,
        made_at=created_at_of(comment_id),
        facts=[("under photo", comment.photo_id)],
    )


def _row(shard: Shard, photo_id: int) -> Photo | None:
    return shard.model(Photo).objects.filter(id=photo_id).first()
