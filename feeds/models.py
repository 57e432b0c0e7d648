"""The home inbox: photo ids that were pushed to a person when they were posted; and the list of Popular."""

from django.db import models

from sharding.models import ShardedModel


class Inbox(ShardedModel):
    """One photo in one person's inbox, on that person's shard."""

    pk = models.CompositePrimaryKey("user_id", "photo_id")
    user_id = models.BigIntegerField()
    photo_id = models.BigIntegerField()
    author_id = models.BigIntegerField()


class PopularList(models.Model):
    """What is popular, in main: one row, so that a memcached that comes back empty costs one look-up."""

    #: [[photo id, author id], ...], most popular first.
    photos = models.JSONField()
    computed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{len(self.photos)} photos of {self.computed_at:%Y-%m-%d %H:%M}"
