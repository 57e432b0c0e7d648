"""The audit log's noun, in main."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.utils import timezone


class Entry(models.Model):
    """One thing staff did. Written once: a trigger refuses UPDATE, DELETE and TRUNCATE, whoever asks.

    For good, so it holds ids of people, never their names, addresses or words; only staff is named.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(default=timezone.now)
    #: Null: somebody at the command line. No foreign key: it would delete, or update, with the account.
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=100)
    #: Name of a line of acts.ACTS.
    act = models.CharField(max_length=60)
    target_kind = models.CharField(max_length=30, blank=True)
    #: Text, since not everything is called by a number.
    target_id = models.CharField(max_length=100, blank=True)
    reason = models.TextField(blank=True)
    #: Network address; empty at the command line.
    address = models.CharField(max_length=45, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        verbose_name_plural = "entries"
        indexes = [
            models.Index(fields=["actor_id", "-id"], name="audit_by_actor"),
            # Of the command line, and of names that somebody else bears by now, there is no id.
            models.Index(fields=["actor_name", "-id"], name="audit_by_name"),
            models.Index(fields=["act", "-id"], name="audit_by_act"),
            models.Index(fields=["target_kind", "target_id", "-id"], name="audit_by_target"),
            models.Index(fields=["at"], name="audit_by_time"),
            models.Index(fields=["request_id"], name="audit_by_request"),
            GinIndex(SearchVector("reason", config="simple"), name="audit_words"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name}: {self.act} {self.target_kind} {self.target_id}"
