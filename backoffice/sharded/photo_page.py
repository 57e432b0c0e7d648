"""The page of a photo: everything there is to know of it, from whichever shard, and taking it down."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts.models import User
from accounts.queries import profiles
from backoffice import audit
from backoffice.audit import Target
from backoffice.audit_pages import shown_entry
from backoffice.cases.facts import history_of, is_open, why_not_decide
from backoffice.deeds import Deed, perform
from backoffice.frame import page, shown
from feeds.progress import progress_of
from instagram.errors import NotFound
from moderation import decisions, queue
from moderation.models import Case, Kind, Verdict
from photos import storage
from photos.hashtags import hashtags_in
from photos.models import Photo, State
from photos.queries import comments_of, counts_of, likers_of
from photos.queries.receipts import receipts_of
from sharding import Shard, photo_map, shard_of_object
from sharding.ids import created_at_of, parts, shortcode_of

from .photo_list import state_of

LIKERS, COMMENTS = 12, 12


@page("photos/<int:photo_id>/", name="photo", act="photos.view", example={"photo_id": 1})
def photo(request: HttpRequest, photo_id: int) -> HttpResponse:
    """Show a photo. Cost: some eight queries on its shard, five on main."""
    return _shown(request, photo_id, with_private=False)


@page(
    "photos/<int:photo_id>/private/", name="photo-private", act="people.private_photos", methods=("POST",),
    example={"photo_id": 1},
)  # fmt: skip
def private_photo(request: HttpRequest, photo_id: int) -> HttpResponse:
    """Show a photo of a private account with its words, or a picture that was taken down; write down who looked."""
    _known(photo_id)
    audit.record(audit.actor_of(request), "people.private_photos", target=Target("photo", photo_id))
    return _shown(request, photo_id, with_private=True)


@page(
    "photos/<int:photo_id>/take_down/", name="photo-take-down", act="photos.take_down",
    methods=("GET", "HEAD", "POST"), example={"photo_id": 1},
)  # fmt: skip
def take_down(request: HttpRequest, photo_id: int) -> HttpResponse:
    """Take a photo down without a report."""
    _, row = _known(photo_id)
    back = reverse("admin:photo", args=[photo_id])
    return perform(request, TakeDown(row, by=request.user), back=back, crumbs=[(reverse("admin:photos"), "Photos")])


class TakeDown(Deed):
    """Remove a photo, as a decision on a case that staff opens."""

    act, button = "photos.take_down", "Take it down"

    def __init__(self, row: Photo, *, by: Any) -> None:
        """Take the photo, and who acts."""
        self.row, self.by = row, by

    @property
    def target(self) -> Target:
        """Return the photo."""
        return Target("photo", self.row.id)

    @property
    def title(self) -> str:
        """Return what is done to which photo."""
        return f"Take down photo {self.row.id}"

    def refused(self, by: Any) -> str:
        """Refuse what is not shown, and one's own."""
        if self.row.state != State.VISIBLE:
            return "This photo is not shown to anybody."
        return why_not_decide(by, Verdict.REMOVE, User.objects.filter(pk=self.row.author_id).first())

    def consequences(self) -> list[str]:
        """Say what goes, and for how long it can come back."""
        return [
            "Nobody sees it any more, its owner neither; its addresses open nothing. It takes a few seconds.",
            f"For {settings.UNDO_DAYS} days it can be put back as it was (Decisions, Undo); then it is gone for good.",
            "Copies that are posted later are shown to moderators.",
        ]

    def state(self) -> dict[str, Any]:
        """Return the decisions that stand."""
        return {"decisions": [each.pk for each in history_of(Kind.MEDIA, self.row.id) if each.undone_at is None]}

    def do(self, answers: dict[str, Any]) -> str:
        """Open a case and decide it."""
        finding = {"source": "staff", "by": self.by.username}
        queue.flag(kind=Kind.MEDIA, target_id=self.row.id, about_user_id=self.row.author_id, finding=finding)
        case = Case.objects.get(kind=Kind.MEDIA, target_id=self.row.id, closed_at=None)
        decisions.decide(case.pk, moderator_id=self.by.pk, verdict=Verdict.REMOVE, reason=self.why, effects_now=False)
        return "The photo is taken down."


def _known(photo_id: int) -> tuple[Shard, Photo]:
    try:
        shard = shard_of_object(photo_id)
    except ValueError:
        raise NotFound(what="photo") from None
    row = shard.model(Photo).objects.filter(id=photo_id).first()
    if row is None:
        raise NotFound(what="photo")
    return shard, row


def _shown(request: HttpRequest, photo_id: int, *, with_private: bool) -> HttpResponse:
    shard, row = _known(photo_id)
    owner = User.objects.filter(pk=row.author_id).first()
    sees = (with_private or (row.state == State.VISIBLE and is_open(owner))) and row.state != State.DELETED
    reads = with_private or is_open(owner)
    numbers = parts(photo_id)
    case = Case.objects.filter(kind=Kind.MEDIA, target_id=photo_id, closed_at=None).first()
    facts: dict[str, Any] = {
        "title": f"Photo {photo_id}", "crumbs": [(reverse("admin:photos"), "Photos")], "photo": row, "owner": owner,
        "state": state_of(row), "shard": shard, "code": shortcode_of(photo_id), "made_at": created_at_of(photo_id),
        "numbers": numbers, "sees": sees, "reads": reads,
        "hidden": not reads or (not sees and row.state != State.DELETED),
        "image": storage.image_url(row.image_stem, 612) if sees else "",
        "files": _files(row, sees=sees), "case": case, "history": history_of(Kind.MEDIA, photo_id),
        "entries": [shown_entry(entry) for entry in audit.about(Target("photo", photo_id))],
        "mapped": photo_map.users_of([photo_id], lambda _: {}).get(photo_id),
        "tags": hashtags_in(row.caption) if reads else [],
    }  # fmt: skip
    facts |= _around(shard, photo_id, reads=reads)
    return shown(request, "photo", facts)


def _around(shard: Shard, photo_id: int, *, reads: bool) -> dict[str, Any]:
    """Return what hangs on a photo. reads: comments, too. Cost: six queries on its shard, one multi-get."""
    likers = likers_of(photo_id)[:LIKERS]
    written = comments_of(photo_id)[-COMMENTS:][::-1] if reads else []
    people = profiles([*likers, *(each.author_id for each in written)])
    likes, comments = counts_of([photo_id]).get(photo_id, (0, 0))
    return {
        "likes": likes, "comments": comments, "receipt": receipts_of(shard, [photo_id]).get(photo_id),
        "likers": [people[each] for each in likers if each in people],
        "written": [(people.get(each.author_id), each) for each in written],
        "fan_out": progress_of(photo_id),
    }  # fmt: skip


def _files(row: Photo, *, sees: bool) -> list[tuple[int, str, str]]:
    """Return side, key and address of each rendition; no address for who may not see the picture."""
    if row.state == State.DELETED:
        return []
    return [
        (side, storage.key(row.image_stem, side), storage.image_url(row.image_stem, side) if sees else "")
        for side in sorted(storage.SUFFIXES, reverse=True)
    ]
