"""What was switched, by whom and why: rows are added and never changed, the latest of a switch and target counts."""

from django.db import models
from django.utils import timezone

REASON_MAX_CHARS, BY_MAX_CHARS = 200, 100


class Change(models.Model):
    """Somebody turned a switch."""

    name = models.CharField(max_length=30)
    #: Empty: everybody; else a physical shard's name or a logical shard's number.
    target = models.CharField(max_length=63, blank=True)
    on = models.BooleanField()
    reason = models.CharField(max_length=REASON_MAX_CHARS)
    by = models.CharField(max_length=BY_MAX_CHARS)
    at = models.DateTimeField(default=timezone.now)
    #: It is off again from then on; None: until somebody turns it off.
    until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "switches"
        indexes = [models.Index(fields=["name", "target", "-id"], name="switches_latest")]

    def __str__(self) -> str:
        return f"{self.name} {self.target or 'for everybody'} {'on' if self.on else 'off'}"
