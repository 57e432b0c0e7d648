"""Accounts of our own programs: on a server of choice, private, named in no list, without a password."""

from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from accounts.reserved import BOT_PREFIX
from sharding import Server, shard_of

#: Ids drawn for an account on the wanted server before giving up: of 2 servers every other fits, of 100 one in 100.
DRAWS_MOST = 10_000


def bot_on(server: Server, role: str) -> User:
    """Return the bot of that role whose shard is on the server, made if there is none (any more).

    role: letters and dots. A bot whose shard moved away stays, unused. Cost: one query on main; the first time some
    more. Raises ShardUnavailable.
    """
    name = f"{BOT_PREFIX}{role}.{server.name}".lower()[:28]
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Of two canaries that begin at once the second must see what the first made.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('accounts.bots'))")
        known = list(User.objects.filter(username__startswith=name, is_active=True).order_by("id"))
        found = next((user for user in known if shard_of(user.pk).server == server), None)
        return found or _made(_id_on(server), f"{name}.{len(known)}" if known else name)


def _id_on(server: Server) -> int:
    with connection.cursor() as cursor:
        for _ in range(DRAWS_MOST):
            cursor.execute("SELECT nextval(pg_get_serial_sequence('accounts_user', 'id'))")
            (user_id,) = cursor.fetchone()
            if shard_of(user_id).server == server:
                return int(user_id)
    raise LookupError(f"no logical shard is on {server.name}")


def _made(user_id: int, username: str) -> User:
    return User.objects.create(
        id=user_id,
        username=username,
        email=f"{username}@canary.invalid",
        email_confirmed_at=timezone.now(),
        password=make_password(None),
        full_name="Watches the service",
        is_private=True,
    )
