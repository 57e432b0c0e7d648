"""Opening a case without a report: on a photo, a comment or a person, from where it is seen, for the desk to decide."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts.models import User
from instagram.errors import NotFound
from moderation import queue
from moderation.models import Case, Kind
from photos.models import Comment, Photo, State
from sharding import shard_of_object

from .audit import Target
from .deeds import Deed, perform
from .frame import page

#: What the addresses call a kind of target, as the audit log does.
_KINDS = {"photo": Kind.MEDIA, "comment": Kind.COMMENT, "person": Kind.USER}


class OpenCase(Deed):
    """Put something into the queue; the desk decides, as on every case."""

    act, button = "reports.open", "Open a case"

    def __init__(self, word: str, target_id: int, *, owner_id: int, gone: bool, by: Any) -> None:
        """Take what it is, whose, and who asks. gone: it is deleted."""
        self.word, self.target_id, self.owner_id, self.gone, self.by = word, target_id, owner_id, gone, by

    @property
    def target(self) -> Target:
        """Return it."""
        return Target(self.word, self.target_id)

    @property
    def title(self) -> str:
        """Return what is opened about what."""
        return f"Open a case: {self.word} {self.target_id}"

    def refused(self, by: Any) -> str:
        """Refuse what is gone, and what one could not decide."""
        if self.gone:
            return f"This {self.word} is deleted: there is nothing to decide."
        return "It is yours: somebody else opens such a case." if by.pk == self.owner_id else ""

    def consequences(self) -> list[str]:
        """Say what will happen."""
        return [
            "It waits in the queue, beside what people report; nothing is hidden before somebody decides.",
            "You go to the case, which you can take and decide at once.",
        ]

    def state(self) -> dict[str, Any]:
        """Return the open case, if there is one."""
        found = self._cases().values_list("pk", flat=True).first()
        return {"case": found}

    def do(self, answers: dict[str, Any]) -> str:
        """Open it, or add to the one that waits; go there."""
        finding = {"source": "staff", "by": self.by.username}
        queue.flag(kind=_KINDS[self.word], target_id=self.target_id, about_user_id=self.owner_id, finding=finding)
        self.leads_to = reverse("admin:case", args=[self._cases().get().pk])
        return "The case is open."

    def _cases(self) -> Any:
        return Case.objects.filter(kind=_KINDS[self.word], target_id=self.target_id, closed_at=None)


@page(
    "open_case/<str:word>/<int:target_id>/", name="open-case", act="reports.open", methods=("GET", "HEAD", "POST"),
    example={"word": "photo", "target_id": 1},
)  # fmt: skip
def open_case(request: HttpRequest, word: str, target_id: int) -> HttpResponse:
    """Open a case on a photo, a comment or a person. Cost: one query on its shard, a handful on main."""
    found = _found(word, target_id)
    if found is None:
        raise NotFound(what=word if word in _KINDS else "page")
    owner_id, gone, back = found
    deed = OpenCase(word, target_id, owner_id=owner_id, gone=gone, by=request.user)
    return perform(request, deed, back=back, crumbs=[(reverse("admin:cases"), "Reports")])


def _found(word: str, target_id: int) -> tuple[int, bool, str] | None:
    """Return whose it is, whether it is deleted, and the page it is seen on; None if it is nowhere."""
    if target_id >= 2**63:
        return None
    if word == "person":
        there = User.objects.filter(pk=target_id).exists()
        return (target_id, False, reverse("admin:person", args=[target_id])) if there else None
    if word not in _KINDS:
        return None
    try:
        shard = shard_of_object(target_id)
    except ValueError:
        return None
    if word == "photo":
        photo = shard.model(Photo).objects.filter(id=target_id).first()
        address = reverse("admin:photo", args=[target_id])
        return photo and (photo.author_id, photo.state == State.DELETED, address)
    comment = shard.model(Comment).objects.filter(id=target_id).first()
    return comment and (
        comment.author_id, comment.state == State.DELETED, reverse("admin:photo", args=[comment.photo_id])
    )  # fmt: skip
