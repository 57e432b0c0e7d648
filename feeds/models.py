"""The home inbox: photo ids that were pushed to a person when they were posted."""

from django.db import models

from sharding.models import ShardedModel


class Inbox(ShardedModel):
    """One photo in one person's inbox, on that person's shard."""

    pk = models.CompositePrimaryKey("user_id", "photo_id")
    user_id = models.BigIntegerField()
    photo_id = models.BigIntegerField()
    author_id = models.BigIntegerField()
