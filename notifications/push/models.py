"""The nouns of push. Devices and settings are in main, read together for a whole batch; bells beside their edges."""

from django.db import models
from django.utils import timezone

from accounts.models import AccessToken, User
from sharding.models import ShardedModel


class Environment(models.TextChoices):
    """Which of Apple's push services knows the device."""

    PRODUCTION = "production"
    SANDBOX = "sandbox"


class Device(models.Model):
    """A phone that may ring for one person at a time: the one who registered it last."""

    user = models.ForeignKey(User, on_delete=models.CASCADE)
    #: Hex digits, lower case, as Apple gave them to the app.
    token = models.CharField(max_length=200, unique=True)
    environment = models.CharField(max_length=10, choices=Environment.choices)
    app_version = models.CharField(max_length=30, blank=True)
    locale = models.CharField(max_length=30, blank=True)
    #: What registered it: signing out ends both.
    access_token = models.ForeignKey(AccessToken, null=True, on_delete=models.SET_NULL)
    #: Of the last registration: what Apple says of an earlier one does not count.
    registered_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.token[:8]} of {self.user_id}"


class FromWhom(models.TextChoices):
    """Whose likes, comments and mentions ring."""

    OFF = "off"
    FOLLOWING = "following"
    EVERYONE = "everyone"


class Switch(models.TextChoices):
    """Whether something rings."""

    OFF = "off"
    ON = "on"


class Posts(models.TextChoices):
    """Whose posts ring: nobody's, those of people whose bell is on, those of everybody one follows."""

    OFF = "off"
    CHOSEN = "chosen"
    FOLLOWING = "following"


class PushSettings(models.Model):
    """What a person wants to be rung for; without a row, the defaults."""

    user = models.OneToOneField(User, primary_key=True, on_delete=models.CASCADE)
    likes = models.CharField(max_length=10, choices=FromWhom.choices, default=FromWhom.EVERYONE)
    comments = models.CharField(max_length=10, choices=FromWhom.choices, default=FromWhom.EVERYONE)
    mentions = models.CharField(max_length=10, choices=FromWhom.choices, default=FromWhom.EVERYONE)
    followers = models.CharField(max_length=10, choices=Switch.choices, default=Switch.ON)
    requests = models.CharField(max_length=10, choices=Switch.choices, default=Switch.ON)
    friends = models.CharField(max_length=10, choices=Switch.choices, default=Switch.ON)
    popular = models.CharField(max_length=10, choices=Switch.choices, default=Switch.ON)
    posts = models.CharField(max_length=10, choices=Posts.choices, default=Posts.CHOSEN)

    class Meta:
        indexes = [  # Django's own spelling
            # Few ask for everybody's posts; each post looks for them among its author's followers.
            models.Index(fields=["user"], condition=models.Q(posts="following"), name="rung_for_every_post")
        ]

    def __str__(self) -> str:
        return f"of {self.user_id}"


class Bell(ShardedModel):
    """A follower wants to be rung when an author posts: on the author's shard, beside the edge it hangs on."""

    pk = models.CompositePrimaryKey("author_id", "follower_id")
    author_id = models.BigIntegerField()
    follower_id = models.BigIntegerField()
    #: Of the follow when the bell was turned on: a follow that ended and began anew has another, and no bell.
    version = models.BigIntegerField()
