"""What workers do for people."""

import contextlib

from django.conf import settings
from django.core.management import call_command

from caching import counters
from jobs import Again, enqueue, periodic, task
from sharding import ShardUnavailable

from . import address_books, discovery
from .models import User
from .oauth import applications, codes
from .services import addresses, confirmation, deletion, erasing, exports, follows, logins, passwords, suspension


@task("accounts.copy_edge", queue="fast")
def copy_edge(*, follower_id: int, followee_id: int) -> None:
    """Bring a follower's copy of an edge up to the authority. Safe to repeat, in any order."""
    follows.copy_edge(follower_id=follower_id, followee_id=followee_id)


@task("accounts.end_follow_of_blocked", queue="fast")
def end_follow_of_blocked(*, owner_id: int, other_id: int) -> None:
    """End the follow of somebody by the one who blocked them. Safe to repeat; late it does nothing."""
    follows.end_follow_of_blocked(owner_id=owner_id, other_id=other_id)


@task("accounts.approve_all_requests", queue="fast")
def approve_all_requests(*, owner_id: int) -> Again | None:
    """Approve the requests of somebody whose account became public. Safe to repeat; late it does nothing."""
    # Asked of the database: the cache may be a minute behind, and the account private again.
    if not User.objects.filter(pk=owner_id, is_private=False).exists():
        return None
    return follows.approve_all_requests(owner_id=owner_id)


@task("accounts.remove_application", queue="fast")
def remove_application(*, client_pk: int) -> Again | None:
    """Remove what a deleted application leaves behind, in batches. Safe to repeat."""
    return applications.remove_deleted(client_pk)


@periodic("accounts.sweep", seconds=3600)
def sweep() -> None:
    """Remove what has expired: codes, contacts looked up, logins seen, earlier addresses, sessions. Safe to repeat."""
    codes.sweep()
    address_books.sweep()
    logins.sweep()
    addresses.sweep()
    call_command("clearsessions")


@task("accounts.mail_password_reset", queue="network")
def mail_password_reset(*, user_id: int) -> None:
    """Mail a link to set a new password; user_id 0: there is nobody. A second run sends a second mail."""
    if user_id:
        passwords.mail_reset(user_id)


@task("accounts.mail_confirmation", queue="network")
def mail_confirmation(*, user_id: int) -> None:
    """Mail a link to confirm one's address. A second run sends a second mail."""
    confirmation.mail_confirmation(user_id)


@task("accounts.mail_email_changed", queue="network")
def mail_email_changed(*, change_id: int) -> None:
    """Mail an earlier address that it is another one now. A second run sends a second mail."""
    addresses.mail_email_changed(change_id)


@task("accounts.mail_new_login", queue="network")
def mail_new_login(*, user_id: int, address: str, agent: str, at: int) -> None:
    """Mail that somebody signed in. A second run sends a second mail."""
    logins.mail_new_login(user_id, address=address, agent=agent, at=at)


@task("accounts.erase_follows", queue="feed_large")
def erase_follows(*, user_id: int) -> Again | None:
    """End and delete a batch of a deleted person's follows, both sides, and their blocks. Safe to repeat."""
    return deletion.run_step("follows", user_id, lambda: erasing.erase_follows(user_id))


@task("accounts.erase_account", queue="fast")
def erase_account(*, user_id: int) -> Again | None:
    """Delete the account of a person of whom nothing else is left. Safe to repeat."""
    return deletion.run_step("account", user_id, lambda: erasing.erase_account(user_id))


@task("accounts.find_most_followed", queue="feed_large")
def find_most_followed(*, shard_number: int = 0) -> Again | None:
    """Write down the most followed of one logical shard, then of the next. Safe to repeat."""
    # A server that is away keeps what was written down of it; the walk goes on.
    with contextlib.suppress(ShardUnavailable):
        discovery.note_most_followed(shard_number)
    return Again(shard_number=shard_number + 1) if shard_number + 1 < settings.LOGICAL_SHARDS else None


@periodic("accounts.deletions", seconds=60)
def look_after_deletions() -> None:
    """Begin deletions whose time has come, push those that rest; delete old archives."""
    deletion.begin_due()
    deletion.push_stalled()
    exports.expire_exports()


@periodic("accounts.suspensions", seconds=60)
def end_suspensions() -> None:
    """Let those back whose time is over. Safe to repeat."""
    suspension.end_due()


@periodic("accounts.most_followed", seconds=3_600)
def walk_most_followed() -> None:
    """Have the most followed found anew, once an hour however many relays there are."""
    if counters.increment("most-followed", ttl_s=3_000) == 1:
        enqueue("accounts.find_most_followed", shard_number=0)
