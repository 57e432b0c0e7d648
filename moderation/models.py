"""The nouns of moderation, all in main: cases that wait for a person, and what was decided."""

import math
import time

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Extract, Greatest, Ln, Now
from django.utils import timezone

from accounts.models import Report

Kind = Report.Kind


def today() -> float:
    """Return the days since 1970, with their fraction."""
    return time.time() / 86_400


class Case(models.Model):
    """One target that somebody or something found wrong, however many did: the unit of the queue."""

    kind = models.CharField(max_length=10, choices=Kind.choices)
    target_id = models.BigIntegerField()
    #: Whose photo, comment or account it is.
    about_user_id = models.BigIntegerField(db_index=True)
    #: People whose reports are open, and how many gave which reason.
    reporters = models.IntegerField(default=0)
    reasons = models.JSONField(default=dict)
    #: What programs and staff found: a list of {"source": "look_alike", "spam" or "staff", …}.
    flags = models.JSONField(default=list)
    #: moderation/weights.py.
    weight = models.FloatField(default=0.0)
    #: Since when it waits, in days since 1970.
    waits_from = models.FloatField(default=today, db_default=Extract(Now(), "epoch") / 86_400.0)
    #: The order of the queue, highest first: each day that a case waits counts as its weight once more doubled, so that
    #: light ones have their turn. It stands still, for all grow alike: an index can hold it.
    rank = models.GeneratedField(
        expression=Ln(Greatest(models.F("weight"), models.Value(0.01, output_field=models.FloatField())))
        / models.Value(math.log(2), output_field=models.FloatField())
        - models.F("waits_from"),
        output_field=models.FloatField(),
        db_persist=True,
    )
    opened_at = models.DateTimeField(default=timezone.now)
    last_at = models.DateTimeField(default=timezone.now)
    #: When its reports were last read and weighed.
    noted_at = models.DateTimeField(null=True, blank=True)
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    claimed_until = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    #: Closed without a decision, since its target was deleted.
    is_gone = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "target_id"], condition=models.Q(closed_at=None), name="one_open_case_per_target"
            )
        ]
        indexes = [
            models.Index(fields=["-rank", "id"], condition=models.Q(closed_at=None), name="cases_by_rank"),
            models.Index(fields=["kind", "target_id"], name="cases_by_target"),
            # What programs found is rare beside what people report: the weight's index would be read to its end.
            GinIndex(
                fields=["flags"],
                opclasses=["jsonb_path_ops"],
                condition=models.Q(closed_at=None),
                name="cases_by_finding",
            ),
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
    #: For staff alone.
    reason = models.CharField(max_length=1000)
    #: What its owner reads: in the mail of a warning, or when a suspension keeps them out.
    told = models.CharField(max_length=300, blank=True, db_default="")
    #: Of a suspension; null: until staff ends it.
    suspend_until = models.DateTimeField(null=True, blank=True)
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
            models.Index(fields=["moderator", "-id"], name="decisions_by_moderator"),
            models.Index(fields=["verdict", "-id"], name="decisions_by_verdict"),
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
