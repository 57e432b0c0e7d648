"""The nouns of moderation, all in main: cases that wait for a person, and what was decided."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.models import Report

Kind = Report.Kind


class Case(models.Model):
    """One target that somebody or something found wrong, however many did: the unit of the queue."""

    kind = models.CharField(max_length=10, choices=Kind.choices)
    target_id = models.BigIntegerField()
    #: Whose photo, comment or account it is.
    about_user_id = models.BigIntegerField(db_index=True)
    #: People whose reports are open, and how many gave which reason.
    reporters = models.IntegerField(default=0)
    reasons = models.JSONField(default=dict)
    #: What programs found: a list of {"source": "look_alike" or "spam", …}.
    flags = models.JSONField(default=list)
    #: moderation/weights.py: the heaviest comes first.
    weight = models.FloatField(default=0.0)
    opened_at = models.DateTimeField(default=timezone.now)
    last_at = models.DateTimeField(default=timezone.now)
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    claimed_until = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "target_id"], condition=models.Q(closed_at=None), name="one_open_case_per_target"
            )
        ]
        indexes = [
            models.Index(fields=["-weight", "id"], condition=models.Q(closed_at=None), name="cases_by_weight"),
            models.Index(fields=["kind", "target_id"], name="cases_by_target"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.target_id}"


class Verdict(models.TextChoices):
    """What a moderator can decide."""

    DISMISS = "dismiss", "Dismiss: nothing is wrong with it"
    HIDE = "hide", "Hide: it stays with its owner, out of Popular, tags and places"
    REMOVE = "remove", "Remove: nobody sees it any more"
    REMOVE_AND_WARN = "remove_and_warn", "Remove, and warn its owner by mail"
    SUSPEND = "suspend", "Suspend its owner: everything of theirs is hidden, they cannot sign in"


REMOVALS = (Verdict.REMOVE, Verdict.REMOVE_AND_WARN)


class Decision(models.Model):
    """What was decided about a target, by whom and why; it can be undone until it is final."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="decisions")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    target_id = models.BigIntegerField()
    about_user_id = models.BigIntegerField()
    verdict = models.CharField(max_length=20, choices=Verdict.choices)
    reason = models.CharField(max_length=1000)
    moderator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    #: What an undo restores and a reader wants to compare: {"reviews": by report id}, and the target as it was
    #: (standing.standing_of()).
    before = models.JSONField(default=dict)
    #: The target as it was once the decision had taken effect; empty until then.
    after = models.JSONField(default=dict, db_default={})
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    undo_reason = models.CharField(max_length=1000, blank=True)
    #: Since when it cannot be undone: what it removed is being deleted for good.
    final_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["kind", "target_id"], name="decisions_by_target"),
            models.Index(fields=["about_user_id", "-made_at"], name="decisions_by_person"),
            models.Index(fields=["made_at"], condition=models.Q(undone_at=None, final_at=None), name="decisions_open"),
        ]

    def __str__(self) -> str:
        return f"{self.says}: {self.kind} {self.target_id}"

    @property
    def says(self) -> str:
        """Return the verdict in a word or three."""
        return Verdict(self.verdict).label.split(":")[0]


class RemovedPrint(models.Model):
    """A fingerprint of a picture that was removed, or of a crop of it: later uploads are compared with all of them."""

    decision = models.ForeignKey(Decision, on_delete=models.CASCADE, related_name="prints")
    #: 64 bits, read as a signed number.
    bits = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.bits & (1 << 64) - 1:016x}"


class SpamRule(models.Model):
    """A rule against spam: a kind of moderation/spam/rules.py with its numbers."""

    name = models.CharField(max_length=60, unique=True)
    kind = models.CharField(max_length=30)
    numbers = models.JSONField(default=dict)
    is_on = models.BooleanField(default=True)
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name
