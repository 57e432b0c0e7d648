"""Telling somebody that something of theirs was removed, and why."""

from accounts import mail
from accounts.models import User

from .models import Decision, Kind


def warn(decision_id: int) -> None:
    """Mail the owner, unless the decision was undone meanwhile.

    Raises NotNow when the mail server is away, or they were warned MAILS_PER_HOUR times: the mail goes later.
    """
    decision = Decision.objects.filter(pk=decision_id, undone_at=None).first()
    if decision is None:
        return
    user = User.objects.filter(pk=decision.about_user_id).exclude(email="").first()
    if user is not None:
        # The release before this one has no words for the owner beside the reason: it mails that.
        facts = {"what": Kind(decision.kind).label.lower(), "reason": decision.told or decision.reason}
        mail.send("warning", user, facts, none_is_lost=True)
