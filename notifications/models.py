"""The nouns of realtime subscriptions, all in main: they belong to applications, and a photo is matched against all."""

from django.db import models
from django.utils import timezone

from accounts.models import OAuthClient

from .push.models import Device, PushSettings
from .sharing.models import LinkedService

__all__ = [
    "Callback",
    "Delivery",
    "Device",
    "Geography",
    "GeographyMedia",
    "Kind",
    "LinkedService",
    "Outcome",
    "PushSettings",
    "Subscription",
    "Update",
]


class Callback(models.Model):
    """One address of one client, to which the updates of all its subscriptions there go together.

    Whoever adds to what waits for it, takes from it or removes it locks this row first.
    """

    client = models.ForeignKey(OAuthClient, on_delete=models.CASCADE)
    #: At most callbacks.URL_MAX_CHARS, since an index entry holds 2,700 bytes.
    url = models.TextField()
    #: Until then somebody delivers or will: nobody else needs to be called. Null: nothing waits.
    awake_until = models.DateTimeField(null=True)
    #: Until then a request to it is under way; later its worker is taken to be dead.
    busy_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [  # Django's own spelling
            models.UniqueConstraint(fields=["client", "url"], name="one_callback_per_client_and_url")
        ]

    def __str__(self) -> str:
        return self.url


class Geography(models.Model):
    """A circle that one client watches; it lives as long as its subscription."""

    client = models.ForeignKey(OAuthClient, on_delete=models.CASCADE)
    latitude = models.FloatField()
    longitude = models.FloatField()
    #: Metres.
    radius = models.FloatField()

    class Meta:
        indexes = [models.Index(fields=["latitude", "longitude"])]  # Django's own spelling

    def __str__(self) -> str:
        return f"{self.radius:g} m around {self.latitude:g}, {self.longitude:g}"


class Kind(models.TextChoices):
    """What a subscription watches."""

    USER = "user"
    TAG = "tag"
    LOCATION = "location"
    GEOGRAPHY = "geography"


class Subscription(models.Model):
    """A client wants to know of new photos of one object."""

    client = models.ForeignKey(OAuthClient, on_delete=models.CASCADE)
    object = models.CharField(max_length=10, choices=Kind.choices)
    #: Tag name, location id, "lat,lng,radius" of a geography; empty for users: all who authorised the client.
    target = models.CharField(max_length=100, blank=True)
    geography = models.OneToOneField(Geography, null=True, on_delete=models.CASCADE)
    callback = models.ForeignKey(Callback, on_delete=models.CASCADE)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [  # Django's own spelling
            models.UniqueConstraint(
                fields=["client", "object", "target", "callback"], name="no_two_identical_subscriptions"
            )
        ]
        indexes = [models.Index(fields=["object", "target"])]  # Django's own spelling

    def __str__(self) -> str:
        return f"{self.object} {self.target}".strip()

    @property
    def object_id(self) -> str | None:
        """Return what clients see: tag name, location id, geography id; None for users."""
        return str(self.geography_id) if self.object == Kind.GEOGRAPHY else self.target or None


class Outcome(models.TextChoices):
    """What became of a delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Delivery(models.Model):
    """One POST to a callback, tried until it is taken or too old: the log that a client's developer reads."""

    callback = models.ForeignKey(Callback, on_delete=models.CASCADE)
    status = models.CharField(max_length=10, choices=Outcome.choices, default=Outcome.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    #: Of the last attempt; null: none, or no answer.
    http_status = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=200, blank=True)
    #: The body as last sent.
    payload = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    attempted_at = models.DateTimeField(null=True)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    give_up_at = models.DateTimeField()

    class Meta:
        indexes = [  # Django's own spelling
            models.Index(fields=["callback", "id"], condition=models.Q(status="pending"), name="delivery_open"),
            models.Index(fields=["created_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.status}"


class Update(models.Model):
    """One subscription is told of one photo, once: matching it again meets this row."""

    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE)
    photo_id = models.BigIntegerField()
    #: As the update shows it: tag name, location id, geography id, the posting user's id.
    object_id = models.CharField(max_length=100)
    #: Seconds since 1970: of the photo, or of the comment that tagged it.
    time = models.BigIntegerField()
    created_at = models.DateTimeField(default=timezone.now)
    #: Null: waits.
    delivery = models.ForeignKey(Delivery, null=True, on_delete=models.CASCADE, related_name="updates")

    class Meta:
        constraints = [  # Django's own spelling
            models.UniqueConstraint(fields=["subscription", "photo_id"], name="one_update_per_subscription_and_photo")
        ]
        indexes = [  # Django's own spelling
            models.Index(fields=["subscription", "id"], condition=models.Q(delivery=None), name="update_waiting"),
            # For the deletion of a photo.
            models.Index(fields=["photo_id"], name="update_of_photo"),
        ]

    def __str__(self) -> str:
        return f"{self.object_id}: {self.photo_id}"


class GeographyMedia(models.Model):
    """A photo that was taken inside a circle, whoever may see it: readers ask for visibility."""

    geography = models.ForeignKey(Geography, on_delete=models.CASCADE, db_index=False)
    photo_id = models.BigIntegerField(db_index=True)
    author_id = models.BigIntegerField()

    class Meta:
        constraints = [  # Django's own spelling
            models.UniqueConstraint(fields=["geography", "photo_id"], name="one_entry_per_geography_and_photo")
        ]

    def __str__(self) -> str:
        return f"{self.photo_id} in {self.geography_id}"
