"""The nouns of photos. All on the author's shard, but `Liked`, which is on the liker's."""

from django.db import models

from sharding.models import ShardedModel


class State(models.IntegerChoices):
    """Whether a photo or comment is there."""

    VISIBLE = 0
    DELETED = 1


class Photo(ShardedModel):
    """A photo; its id says when it was posted and on which shard it is."""

    id = models.BigAutoField(primary_key=True)
    author_id = models.BigIntegerField()
    #: 32 hex digits: the renditions' names begin with it.
    image_stem = models.CharField(max_length=32)
    caption = models.TextField(default="")
    #: Of the comments' id space; null without a caption.
    caption_id = models.BigIntegerField(null=True)
    filter = models.TextField(default="Normal")
    latitude = models.FloatField(null=True)
    longitude = models.FloatField(null=True)
    location_id = models.BigIntegerField(null=True)
    location_name = models.TextField(default="")
    taken_at = models.BigIntegerField(null=True)
    state = models.SmallIntegerField(choices=State.choices, default=State.VISIBLE)


class Upload(ShardedModel):
    """A retry key: what the author's device called this upload."""

    pk = models.CompositePrimaryKey("author_id", "upload_id")
    author_id = models.BigIntegerField()
    upload_id = models.CharField(max_length=64)
    photo_id = models.BigIntegerField()
    created_at = models.DateTimeField()


class Like(ShardedModel):
    """Somebody likes a photo; `id` orders likes in time."""

    pk = models.CompositePrimaryKey("photo_id", "user_id")
    photo_id = models.BigIntegerField()
    user_id = models.BigIntegerField()
    id = models.BigIntegerField()
    owner_id = models.BigIntegerField()


class Liked(ShardedModel):
    """What I like: a copy on the liker's shard, of the newer versions only."""

    pk = models.CompositePrimaryKey("user_id", "photo_id")
    user_id = models.BigIntegerField()
    photo_id = models.BigIntegerField()
    like_id = models.BigIntegerField()
    active = models.BooleanField()


class Comment(ShardedModel):
    """A comment under a photo."""

    id = models.BigAutoField(primary_key=True)
    photo_id = models.BigIntegerField()
    owner_id = models.BigIntegerField()
    author_id = models.BigIntegerField()
    text = models.TextField()
    state = models.SmallIntegerField(choices=State.choices, default=State.VISIBLE)
