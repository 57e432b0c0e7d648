"""The nouns of people: User, clients and tokens in main; follow edges and blocks in the shards."""

import secrets

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac

from sharding.models import ShardedModel


def phone_digits() -> models.Func:
    """Return the expression of a phone number's digits; its index serves look-ups that use the same one."""
    return models.Func(
        models.F("phone"), models.Value(r"[^0-9]"), models.Value(""), models.Value("g"), function="regexp_replace",
        output_field=models.CharField(),
    )  # fmt: skip


def sha256_of(expression: str | models.Func) -> models.Func:
    """Return the expression of a text's SHA-256 (32 bytes of its UTF-8); accounts_sha256() is made by a migration."""
    return models.Func(expression, function="accounts_sha256", output_field=models.BinaryField())


class UserManager(BaseUserManager["User"]):
    """Makes users for Django's own commands; people sign up through services.sign_up."""

    def create_superuser(self, username: str, email: str, password: str) -> "User":
        """Make an admin, as manage.py createsuperuser does."""
        user = self.model(username=username.lower(), email=email.lower(), is_staff=True, is_superuser=True)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find a user by name, whatever its case."""
        return self.get(username=(username or "").lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person. `id` is a small number; its remainder by LOGICAL_SHARDS says where what they own lives."""

    id = models.BigAutoField(primary_key=True)
    username = models.CharField(max_length=30, unique=True, validators=[RegexValidator(r"^[a-z0-9._]{1,30}$")])
    email = models.EmailField(unique=True)
    #: When a link mailed to this address came back; null: never, or not since it changed. It forbids nothing.
    email_confirmed_at = models.DateTimeField(null=True, blank=True)
    full_name = models.CharField(max_length=60, blank=True)
    bio = models.CharField(max_length=150, blank=True)
    website = models.CharField(max_length=200, blank=True)
    phone = models.CharField(max_length=30, blank=True)
    #: Stem of the profile picture's renditions; empty: the anonymous one.
    picture = models.CharField(max_length=32, blank=True)
    is_private = models.BooleanField(default=False)
    #: False: suspended by staff.
    is_active = models.BooleanField(default=True)
    #: Set while the person themselves is away; signing in ends it.
    deactivated_at = models.DateTimeField(null=True, blank=True)
    is_staff = models.BooleanField(default=False)
    #: Raised to end every browser's session. The default is the database's, too: code of before inserts without it.
    session_generation = models.PositiveIntegerField(default=0, db_default=0)
    date_joined = models.DateTimeField(default=timezone.now)

    objects = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["email"]

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(username__regex=r"^[a-z0-9._]{1,30}$"), name="username_spelling"),
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="email_lower_case"),
        ]
        indexes = [
            # People write numbers in many ways; address books are matched by their digits.
            models.Index(phone_digits(), condition=~models.Q(phone=""), name="user_phone_digits"),
            # Address books that come as hashes alone.
            models.Index(sha256_of("email"), name="user_email_hash"),
            models.Index(sha256_of(phone_digits()), condition=~models.Q(phone=""), name="user_phone_hash"),
            GinIndex(SearchVector("full_name", config="simple"), name="full_name_words"),
            # The admin's filters: few of many, newest first.
            models.Index(fields=["-id"], condition=models.Q(is_staff=True), name="user_staff"),
            models.Index(fields=["-id"], condition=models.Q(is_active=False), name="user_suspended"),
            models.Index(fields=["-id"], condition=models.Q(deactivated_at__isnull=False), name="user_deactivated"),
            models.Index(fields=["date_joined"], name="user_joined"),
        ]

    def __str__(self) -> str:
        return self.username

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Hang sessions on the password, as Django does, and on the generation once it was raised."""
        if not self.session_generation:
            return super()._get_session_auth_hash(secret)  # type: ignore[misc]  # not in the stubs
        content = f"{self.password}|{self.session_generation}"
        return salted_hmac("accounts.session", content, secret=secret, algorithm="sha256").hexdigest()


def _hex32() -> str:
    return secrets.token_hex(16)


class OAuthClient(models.Model):
    """An application that uses the API, registered by a developer."""

    client_id = models.CharField(max_length=32, unique=True, default=_hex32)
    #: Kept readable: signatures of requests and of realtime payloads need it.
    client_secret = models.CharField(max_length=32, default=_hex32)
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True)
    website = models.CharField(max_length=200, blank=True)
    redirect_uris = models.TextField(blank=True, help_text="one a line")
    owner = models.ForeignKey(User, null=True, blank=True, on_delete=models.CASCADE)
    is_active = models.BooleanField(default=True)
    #: Our own applications: they may use the endpoints of section 16, with all scopes.
    first_party = models.BooleanField(default=False)
    #: May exchange a name and password for a token.
    xauth = models.BooleanField(default=False)
    disable_implicit = models.BooleanField(default=False)
    enforce_signed_header = models.BooleanField(default=False)
    enforce_signed_requests = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    #: Set when its developer deleted it: unknown to everybody from then on; a task removes the tokens and the row.
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "application"

    def __str__(self) -> str:
        return self.name


class AccessToken(models.Model):
    """What lets a client act for a person. The token itself is derived (tokens.py); only its hash is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE)
    client = models.ForeignKey(OAuthClient, on_delete=models.CASCADE)
    scopes = models.CharField(max_length=100, blank=True, help_text="separated by spaces; basic is implied")
    #: Raised by revoking: the next token of this person and client is another one.
    generation = models.PositiveIntegerField(default=0)
    digest = models.CharField(max_length=64, unique=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "client"], name="one_token_per_person_and_client")]

    def __str__(self) -> str:
        return f"{self.user_id} through {self.client_id}"


class AuthorizationCode(models.Model):
    """What a browser carries back to a client, for its server to exchange: once, and soon. Only its hash is kept."""

    token = models.ForeignKey(AccessToken, on_delete=models.CASCADE)
    #: The token's at the time: a code given before a revoke is worth nothing after it.
    generation = models.PositiveIntegerField()
    digest = models.CharField(max_length=64, unique=True)
    redirect_uri = models.TextField()
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return f"code for {self.token}"


class Deletion(models.Model):
    """A person's wish to be deleted, and how far that is. Outlives the person: a repeated job finds it done."""

    user_id = models.BigIntegerField(primary_key=True)
    requested_at = models.DateTimeField(default=timezone.now)
    #: Not before; signing in until then deletes this row.
    delete_after = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    #: When a batch was done last: one that rests too long is pushed.
    touched_at = models.DateTimeField(default=timezone.now)
    #: Name of the step under way (services/deletion.py).
    step = models.CharField(max_length=30, blank=True)
    #: Step -> rows deleted so far.
    erased = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["delete_after"], condition=models.Q(finished_at=None), name="deletion_open")]

    def __str__(self) -> str:
        return f"{self.user_id} after {self.delete_after}"


class Suspension(models.Model):
    """Staff shut a person out: User.is_active says so to everybody, this row until when and what the person is told."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True)
    at = models.DateTimeField(default=timezone.now)
    #: Null: until staff ends it.
    until = models.DateTimeField(null=True, blank=True)
    #: What the person reads who signs in; why staff did it is in the audit log.
    told = models.CharField(max_length=300, blank=True)
    #: The moderators' decision that made it, whose undo ends it; null: made for itself.
    decision_id = models.BigIntegerField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["until"], condition=models.Q(until__isnull=False), name="suspension_ends")]

    def __str__(self) -> str:
        return f"of {self.user_id} until {self.until or 'further notice'}"


class Export(models.Model):
    """An archive of everything a person owns; the latest one counts."""

    class State(models.TextChoices):
        """How far it is. EXPIRED: its file is gone."""

        QUEUED = "queued"
        READY = "ready"
        EXPIRED = "expired"

    user = models.ForeignKey(User, on_delete=models.CASCADE)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    #: Of the archive in the object store; random, and only ever handed out signed.
    key = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"of {self.user_id}, {self.state}"


class HiddenPhoto(models.Model):
    """A photo that staff keeps out of Popular, tags and other public lists; its owner and followers have it."""

    photo_id = models.BigIntegerField(primary_key=True)
    since = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return str(self.photo_id)


class Report(models.Model):
    """Somebody finds that something should not be here. Once per person and target."""

    class Kind(models.TextChoices):
        """What is reported."""

        MEDIA = "media"
        COMMENT = "comment"
        USER = "user"

    class Reason(models.TextChoices):
        """Why, as the reporter sees it."""

        SPAM = "spam"
        NUDITY = "nudity"
        VIOLENCE = "violence"
        HARASSMENT = "harassment"
        COPYRIGHT = "copyright"
        OTHER = "other"

    class Review(models.TextChoices):
        """What staff said."""

        OPEN = "open"
        UPHELD = "upheld"
        DISMISSED = "dismissed"

    reporter = models.ForeignKey(User, on_delete=models.CASCADE)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    target_id = models.BigIntegerField()
    #: Whose photo, comment or account it is.
    about_user_id = models.BigIntegerField()
    reason = models.CharField(max_length=20, choices=Reason.choices)
    text = models.CharField(max_length=1000, blank=True)
    review = models.CharField(max_length=10, choices=Review.choices, default=Review.OPEN)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "target_id", "reporter"], name="one_report_per_person_and_target")
        ]
        indexes = [
            models.Index(fields=["-created_at"], condition=models.Q(review="open"), name="reports_open"),
            models.Index(fields=["about_user_id", "-id"], name="reports_about"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.target_id}: {self.reason}"


class LookedUp(models.Model):
    """Somebody looked for a person who is not here (yet): told once that person joins."""

    #: Of the address or number: a code under SECRET_KEY of its SHA-256, so that the row alone tells nobody anything.
    code = models.BinaryField(max_length=16)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    looked_up_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["code", "user"], name="one_row_per_code_and_person")]

    def __str__(self) -> str:
        return f"by {self.user_id}"


class SeenLogin(models.Model):
    """From where, and with what, a person signed in with their password: what is new is mailed to them."""

    user = models.ForeignKey(User, on_delete=models.CASCADE)
    #: A code under SECRET_KEY of network and user agent.
    code = models.BinaryField(max_length=16)
    last_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "code"], name="one_row_per_person_and_login")]

    def __str__(self) -> str:
        return f"of {self.user_id}"


class EmailChange(models.Model):
    """An address that was a person's until they, or whoever held their phone, changed it (services/addresses.py)."""

    user = models.ForeignKey(User, on_delete=models.CASCADE)
    email = models.EmailField(db_index=True)
    #: Whether the address was known to be theirs: then it may take the account back, and is kept for that.
    was_confirmed = models.BooleanField()
    changed_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return f"of {self.user_id}"


class MostFollowed(models.Model):
    """The most followed of each logical shard, as of the last walk over them: what new people are suggested."""

    user_id = models.BigIntegerField(primary_key=True)
    logical_shard = models.SmallIntegerField(db_index=True)
    followers = models.BigIntegerField(db_index=True)

    def __str__(self) -> str:
        return f"{self.user_id} with {self.followers}"


class Status(models.TextChoices):
    """What an edge says. Edges are never deleted, so that a late message cannot undo a later one."""

    NONE = "none"
    REQUESTED = "requested"
    FOLLOWS = "follows"


class Follower(ShardedModel):
    """Who follows me: the authority, on the followee's shard."""

    pk = models.CompositePrimaryKey("followee_id", "follower_id")
    followee_id = models.BigIntegerField()
    follower_id = models.BigIntegerField()
    status = models.TextField(choices=Status.choices)
    #: Of the followee's shard's clock: larger is later.
    version = models.BigIntegerField()


class Following(ShardedModel):
    """Whom I follow: a copy, on the follower's shard; applies newer versions only."""

    pk = models.CompositePrimaryKey("follower_id", "followee_id")
    follower_id = models.BigIntegerField()
    followee_id = models.BigIntegerField()
    status = models.TextField(choices=Status.choices)
    version = models.BigIntegerField()


class Block(ShardedModel):
    """Whom I blocked: the authority, on the owner's shard."""

    pk = models.CompositePrimaryKey("owner_id", "blocked_id")
    owner_id = models.BigIntegerField()
    blocked_id = models.BigIntegerField()
    active = models.BooleanField()
    version = models.BigIntegerField()
