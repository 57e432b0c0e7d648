"""Being there or not: deactivated by the person, suspended by staff. Both hide everything they own."""

from django.db import transaction
from django.utils import timezone

from accounts import tokens
from accounts.models import User
from accounts.queries import PROFILE_KIND
from caching import delete_after_commit
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
    """Take a deactivation back."""
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user_id)
        user.deactivated_at = None
        user.save(update_fields=["deactivated_at"])
        changed(user_id)
    return user


def changed(user_id: int) -> None:
    """Have a person's profile and tokens read anew after the commit of the open transaction on main."""
    delete_after_commit(main_server(), PROFILE_KIND, [user_id])
    tokens.forget(user_id)
