"""Being there or not: deactivated by the person, suspended by staff. Both hide everything they own."""

from django.db import transaction
from django.utils import timezone

from accounts import tokens
from accounts.models import Deletion, User
from accounts.queries import PROFILE_KIND
from caching import delete_after_commit
from instagram.errors import NotFound
from jobs import enqueue
from sharding import main_server


def deactivate(user_id: int) -> User:
    """Hide a person until they sign in again; until then their tokens are worth nothing."""
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user_id)
        user.deactivated_at = user.deactivated_at or timezone.now()
        user.save(update_fields=["deactivated_at"])
        changed(user_id)
    return user


def reactivate(user_id: int) -> User:
    """Take a deactivation back, and with it the wish to be deleted.

    Raises NotFound for somebody suspended, or whose deletion has begun.
    """
    with transaction.atomic():
        # The row's lock is taken by the beginning of a deletion too: either it sees this return, or we see it.
        user = User.objects.select_for_update().filter(pk=user_id, is_active=True).first()
        if user is None:
            raise NotFound(what="user")
        Deletion.objects.filter(user_id=user_id, started_at=None).delete()
        user.deactivated_at = None
        user.save(update_fields=["deactivated_at"])
        changed(user_id)
    return user


def changed(user_id: int) -> None:
    """Have a person's profile and tokens read anew after the commit of the open transaction on main."""
    delete_after_commit(main_server(), PROFILE_KIND, [user_id])
    tokens.forget(user_id)
    # Public lists and their numbers follow: tags, locations.
    enqueue("photos.relist_author", author_id=user_id)
