"""The nouns of cross-posting: linked accounts in main, shares on the sharer's shard."""

from django.conf import settings
from django.db import models

from sharding.models import ShardedModel


class Service(models.TextChoices):
    """The services of the contract, in its order."""

    TWITTER = "twitter"
    FACEBOOK = "facebook"
    TUMBLR = "tumblr"
    FLICKR = "flickr"
    FOURSQUARE = "foursquare"
    #: Closed in 2013: nothing can be linked to it, so every share says so.
    POSTEROUS = "posterous"


class LinkedService(models.Model):
    """A person lets us post as one account of theirs at a service."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    service = models.CharField(max_length=10, choices=Service.choices)
    #: What the account is called there.
    account = models.CharField(max_length=100)
    #: Token and secret, encrypted: vault.py.
    credentials = models.TextField()
    #: Changes with every linking, so that what was learnt of an old link ends no new one.
    linked_at = models.DateTimeField()

    class Meta:
        constraints = [  # Django's own spelling
            models.UniqueConstraint(fields=["user", "service"], name="one_link_per_person_and_service")
        ]

    def __str__(self) -> str:
        return f"{self.account} at {self.service}"


class Status(models.TextChoices):
    """What became of a share, as clients read it."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    NOT_LINKED = "not_linked"


class Share(ShardedModel):
    """A person wants a photo at a service: once per person, photo and service."""

    pk = models.CompositePrimaryKey("user_id", "photo_id", "service")
    user_id = models.BigIntegerField()
    photo_id = models.BigIntegerField()
    service = models.TextField(choices=Service.choices)
    #: The person's own words; empty: the caption, of one's own photo.
    text = models.TextField(default="")
    status = models.TextField(choices=Status.choices)
    #: Where the post is, once sent; some services do not say.
    url = models.TextField(default="")
    #: Why it failed: a sentence for the person.
    reason = models.TextField(default="")
    #: How often the person asked: jobs of an earlier asking do nothing.
    asked = models.IntegerField(default=1)
    asked_at = models.DateTimeField()
    #: Attempts in vain since.
    tries = models.IntegerField(default=0)
    #: An attempt was begun whose end is not known: look at the service before posting again.
    begun = models.BooleanField(default=False)
    #: Until then a run is at it, or has to wait; a later one takes its worker to be dead.
    busy_until = models.DateTimeField(null=True)
