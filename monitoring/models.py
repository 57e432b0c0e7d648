"""What operators tell the watch."""

from django.db import models
from django.db.models import Q
from django.utils import timezone


class Silence(models.Model):
    """Alerts that nobody is called for, until a moment that is set from the beginning."""

    #: A key as `manage.py alerts` shows it, * for any characters; a figure's name silences it for every server.
    alert = models.CharField(max_length=200, default="*", help_text="key of the alert, * for any characters: pool_*")
    until = models.DateTimeField()
    why = models.CharField(max_length=300)
    by = models.CharField(max_length=100)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    #: Ended before its time; None: not.
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(why=""), name="silence_says_why")]
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.alert} until {self.until:%Y-%m-%d %H:%M} UTC: {self.why}"
