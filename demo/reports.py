"""What the demo's moderators find waiting: reports by its people, one decided case, and a copy of what was removed.

Filed through the services that the API calls. Everything may be repeated after an interrupted load.
"""

import tempfile
from dataclasses import replace
from pathlib import Path

from accounts.models import Report, User
from accounts.reports import report
from backoffice import audit
from moderation import decisions, queue
from moderation.models import Case, Decision, Kind, Verdict
from photos.queries import comments_of, photos_by
from photos.services import publish

from .load import Plan
from .photos import prepared, rendered
from .words import REPORTS, SPAM, SPAM_COPY

#: Whose photos are reported: so many authors, from the last of the people backwards; and their newest photos looked at.
AUTHORS, PHOTOS = 12, 3
_WHY = "Sells pills: the demo's example of a decision."


def file_reports(plan: Plan, ids: list[int]) -> None:
    """File a dozen reports about photos, a comment and an account; have one photo reported, removed and remembered.

    ids: of the plan's people. The people to log in as report, and are not reported. Cost: some sixty queries, one
    picture.
    """
    others = ids[2:]
    photos = [(number, author) for author in others[-AUTHORS:] for number in photos_by(author, count=1)]
    targets = [(Kind.MEDIA, number, author) for number, author in photos]
    targets[:0] = _a_comment(others, avoiding=set(ids[:2]))
    targets.insert(0, (Kind.USER, others[-1], others[-1]))
    reasons = list(Report.Reason)
    for number, (kind, target_id, owner) in enumerate(targets[: len(REPORTS)]):
        reporters = [each for each in [ids[number % 2], ids[1 - number % 2]] if each != owner]
        # The first three are reported by both: heavier than the others, and not hidden yet.
        for reporter in reporters[: 2 if number < 3 else 1]:
            reason = reasons[number % len(reasons)]
            report(reporter_id=reporter, kind=kind, target_id=target_id, about_user_id=owner, reason=reason,
                   text=REPORTS[number])  # fmt: skip
    if plan.photos:
        _remove_one(plan, author=others[0], reporter=ids[0])


def post_copy(plan: Plan, ids: list[int]) -> None:
    """Post the removed picture once more, by somebody else: it comes into the queue. After the removal's jobs."""
    if plan.photos and len(ids) > 3:
        publish(author_id=ids[3], image=_picture(plan), caption=SPAM_COPY, upload_id=f"{plan.key}-copy")


def _a_comment(authors: list[int], *, avoiding: set[int]) -> list[tuple[Kind, int, int]]:
    """Return a comment under a photo of one of the authors, none where nobody wrote one."""
    for author in authors[-AUTHORS:]:
        for photo_id in photos_by(author, count=PHOTOS):
            for each in comments_of(photo_id):
                if each.author_id not in avoiding:
                    return [(Kind.COMMENT, each.id, each.author_id)]
    return []


def _remove_one(plan: Plan, *, author: int, reporter: int) -> None:
    moderator = User.objects.get(username="moderator").pk
    if Decision.objects.filter(about_user_id=author, moderator=moderator, reason=_WHY).exists():
        return
    photo = publish(author_id=author, image=_picture(plan), caption=SPAM, upload_id=f"{plan.key}-spam")
    spam = Report.Reason.SPAM
    report(reporter_id=reporter, kind=Kind.MEDIA, target_id=photo, about_user_id=author, reason=spam, text=REPORTS[0])
    queue.note_reports(kind=Kind.MEDIA, target_id=photo, about_user_id=author)  # its job would, in a moment
    case = Case.objects.get(kind=Kind.MEDIA, target_id=photo, closed_at=None)

    def note(decision: Decision) -> None:
        actor = audit.Actor(moderator, "moderator")
        after = {"decision": decision.pk, "verdict": decision.verdict}
        audit.record(actor, "reports.decide", target=audit.Target("photo", photo), reason=_WHY, after=after)

    decisions.decide(case.pk, moderator_id=moderator, verdict=Verdict.REMOVE, reason=_WHY, noted=note)


def _picture(plan: Plan) -> bytes:
    """Return the plan's last picture as nobody else uploads it: the other way round."""
    photo = plan.photos[-1]
    crop = replace(photo.crop, mirrored=not photo.crop.mirrored)
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        return rendered(prepared(photo.picture, Path(folder)), crop)
