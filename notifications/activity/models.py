"""The nouns of activity: entries of one's own News, and how far one has seen them. Deeds (local.deed) have no model."""

from dataclasses import dataclass

from django.db import models

from sharding.models import ShardedModel


class Kind(models.TextChoices):
    """What somebody did. The first eight are the contract's types."""

    LIKE = "like"
    COMMENT = "comment"
    #: In a comment, or (without a comment id) in a photo's caption.
    MENTION = "mention"
    FOLLOW = "follow"
    FOLLOW_REQUEST = "follow_request"
    REQUEST_ACCEPTED = "request_accepted"
    #: One's own photo: the actor is oneself.
    POPULAR = "popular"
    FRIEND_JOINED = "friend_joined"
    #: Another service let us know that one withdrew our permission to post: the actor is oneself. Ours, as the photo is
    #: the one that was to go there.
    SERVICE_UNLINKED = "service_unlinked"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of somebody's News. at: epoch seconds."""

    id: int
    user_id: int
    kind: str
    actor_id: int
    photo_id: int | None
    comment_id: int | None
    at: int


class Activity(ShardedModel):
    """An act that concerns a person, on that person's shard; the key is the act."""

    pk = models.CompositePrimaryKey("user_id", "kind", "actor_id", "object_id")
    user_id = models.BigIntegerField()
    kind = models.TextField()
    actor_id = models.BigIntegerField()
    object_id = models.BigIntegerField()
    photo_id = models.BigIntegerField(null=True)
    comment_id = models.BigIntegerField(null=True)
    version = models.BigIntegerField()
    active = models.BooleanField()
    id = models.BigIntegerField()


class Seen(ShardedModel):
    """Up to which entry a person has seen their News."""

    user_id = models.BigIntegerField(primary_key=True)
    entry_id = models.BigIntegerField()
