"""What was backed up, until when each server can be restored, when that was last proven, and what was deployed.

In main; a few rows a day. The backups know all of theirs themselves (their manifests), and `fab` keeps a log of
deployments: the rows are for health, admin and `manage.py backups`.
"""

from django.db import models


class Backup(models.Model):
    """One backup of the servers of one host."""

    class State(models.TextChoices):
        """How it ended."""

        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        #: Its time was over, or the backup it needed is gone.
        PRUNED = "pruned"

    #: When it began, UTC, and the first of its servers: 20261126-030000-main.
    label = models.CharField(max_length=32, unique=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.RUNNING)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    #: Names, separated by commas.
    servers = models.CharField(max_length=500)
    stores = models.CharField(max_length=50)
    #: Of the databases, as they are and as they are stored (in one store, without what an older backup has).
    database_bytes = models.BigIntegerField(default=0)
    stored_bytes = models.BigIntegerField(default=0)
    #: In the photos' store when it was listed.
    object_count = models.BigIntegerField(default=0)
    #: A sentence, when it failed.
    why = models.TextField(default="", blank=True)

    def __str__(self) -> str:
        return f"{self.label} ({self.state})"


class Archived(models.Model):
    """Until when a server's WAL is in the archive: any moment before can be restored."""

    server = models.CharField(max_length=63, primary_key=True)
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "archived"

    def __str__(self) -> str:
        return f"{self.server} until {self.at:%Y-%m-%d %H:%M:%S}"


class Drill(models.Model):
    """A backup was restored into scratch servers and held against what it was taken of."""

    label = models.CharField(max_length=32)
    began_at = models.DateTimeField()
    #: "proven at".
    ended_at = models.DateTimeField()
    ok = models.BooleanField()
    #: "restorable to": the WAL was replayed until here, on all of its servers. Null when it did not come to that.
    restorable_to = models.DateTimeField(null=True)
    servers = models.CharField(max_length=500)
    tables = models.IntegerField(default=0)
    rows = models.BigIntegerField(default=0)
    photos = models.IntegerField(default=0)
    seconds = models.FloatField()
    #: A sentence, when it is not ok.
    why = models.TextField(default="", blank=True)

    def __str__(self) -> str:
        return f"drill of {self.label} at {self.ended_at:%Y-%m-%d %H:%M}: {'ok' if self.ok else 'FAILED'}"


class Deployment(models.Model):
    """A release that an operator put on the hosts, or tried to. `fab deploy` and `rollback` write it when they end."""

    at = models.DateTimeField()
    release = models.CharField(max_length=100)
    #: The release that ran before.
    before = models.CharField(max_length=100, blank=True)
    who = models.CharField(max_length=150)
    #: done, rolled back, failed.
    outcome = models.CharField(max_length=20)
    seconds = models.FloatField()
    hosts = models.IntegerField()
    #: A sentence, when it is not done.
    why = models.TextField(default="", blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["at", "who"], name="one_row_per_deployment")]

    def __str__(self) -> str:
        return f"{self.release} by {self.who} at {self.at:%Y-%m-%d %H:%M}: {self.outcome}"
