"""The nouns of photos: photos, likes, comments on the author's shard (`Liked` on the liker's), places and tags in main.

Tagged, TagTotal, AtLocation and InCell are index tables: copies, on the shard of the tag, location or cell.
"""

from django.db import models

from sharding.models import ShardedModel


class State(models.IntegerChoices):
    """Whether a photo or comment is there."""

    VISIBLE = 0
    DELETED = 1
    #: Taken down by staff, kept for an undo (photos/services/holding.py).
    HELD = 2


class Photo(ShardedModel):
    """A photo; its id says when it was posted and on which shard it is."""

    id = models.BigAutoField(primary_key=True)
    author_id = models.BigIntegerField()
    #: The renditions' names begin with it: photos/storage/keys.py.
    image_stem = models.CharField(max_length=33)
    caption = models.TextField(default="")
    #: Of the comments' id space; null without a caption.
    caption_id = models.BigIntegerField(null=True)
    filter = models.TextField(default="Normal")
    latitude = models.FloatField(null=True)
    longitude = models.FloatField(null=True)
    location_id = models.BigIntegerField(null=True)
    location_name = models.TextField(default="")
    taken_at = models.BigIntegerField(null=True)
    #: For pages, until the picture is there: a thumbhash in base64 (empty: none), and the dominant colour, 0xRRGGBB.
    placeholder = models.TextField(default="")
    colour = models.IntegerField(null=True)
    state = models.SmallIntegerField(choices=State.choices, default=State.VISIBLE)


class Upload(ShardedModel):
    """A retry key: what the author's device called this upload."""

    pk = models.CompositePrimaryKey("author_id", "upload_id")
    author_id = models.BigIntegerField()
    upload_id = models.CharField(max_length=64)
    photo_id = models.BigIntegerField()
    created_at = models.DateTimeField()


class Receipt(ShardedModel):
    """What became of an upload, for its author."""

    photo_id = models.BigIntegerField(primary_key=True)
    author_id = models.BigIntegerField()
    #: The file: format, bytes, width, height, sha256, had_gps, had_metadata.
    received = models.JSONField()
    #: The look: border, tilt_shift, lux, and whether it was drawn here or only named.
    done = models.JSONField()
    #: By side, as text: bytes, md5.
    renditions = models.JSONField()
    #: By stage: render, store, database.
    milliseconds = models.JSONField()
    #: Of photos/services/originals.py.
    original = models.TextField()
    original_stem = models.CharField(max_length=32, default="")
    original_bytes = models.IntegerField(default=0)
    #: When renditions were made again (epoch seconds) and of what; null: never.
    rerendered = models.JSONField(null=True)


class OriginalUse(ShardedModel):
    """How many bytes of originals are kept for a person."""

    author_id = models.BigIntegerField(primary_key=True)
    byte_count = models.BigIntegerField()


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


class Tag(models.Model):
    """The directory of tags, for searches: a copy of the tags' own shards, some seconds old."""

    name = models.TextField(primary_key=True)  # Django adds an index for prefixes (text_pattern_ops)
    media_count = models.BigIntegerField(default=0)
    #: Of the tag's total on its shard: larger is later.
    version = models.BigIntegerField(default=0)
    #: Set by staff: the tag cannot be viewed or found.
    hidden = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"#{self.name}"


class Location(models.Model):
    """A place with a name, made by whoever was there first."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=100)
    latitude = models.FloatField()
    longitude = models.FloatField()
    #: Of photos/cells.py.
    cell = models.IntegerField(db_index=True)
    #: What other services call it; each names one place.
    foursquare_v2_id = models.CharField(max_length=64, null=True, blank=True, unique=True)
    foursquare_id = models.CharField(max_length=64, null=True, blank=True, unique=True)
    facebook_places_id = models.CharField(max_length=64, null=True, blank=True, unique=True)

    def __str__(self) -> str:
        return self.name


class Tagged(ShardedModel):
    """A photo has a tag: on the tag's shard."""

    pk = models.CompositePrimaryKey("tag", "photo_id")
    tag = models.TextField()
    photo_id = models.BigIntegerField()
    #: Milliseconds since 1970 of the tagging, unique per tag.
    tag_id = models.BigIntegerField()
    author_id = models.BigIntegerField()
    #: The author was public and there when a task last looked.
    listed = models.BooleanField()


class TagTotal(ShardedModel):
    """How many listed photos a tag has: on the tag's shard."""

    tag = models.TextField(primary_key=True)
    media_count = models.BigIntegerField()
    version = models.BigIntegerField()


class AtLocation(ShardedModel):
    """A photo was taken at a location: on the location's shard."""

    pk = models.CompositePrimaryKey("location_id", "photo_id")
    location_id = models.BigIntegerField()
    photo_id = models.BigIntegerField()
    author_id = models.BigIntegerField()
    listed = models.BooleanField()


class InCell(ShardedModel):
    """A photo was taken in a cell of the grid: on the cell's shard."""

    pk = models.CompositePrimaryKey("cell", "photo_id")
    cell = models.IntegerField()
    photo_id = models.BigIntegerField()
    author_id = models.BigIntegerField()
    latitude = models.FloatField()
    longitude = models.FloatField()
    listed = models.BooleanField()
