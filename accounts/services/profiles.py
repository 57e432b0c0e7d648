"""Changing what others see of oneself."""

from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from accounts.queries import PROFILE_KIND
from accounts.services.addresses import note_change
from accounts.services.confirmation import request_confirmation
from accounts.services.sign_up import email_faults, refuse, refuse_taken
from caching import delete_after_commit
from jobs import enqueue
from sharding import main_server

#: Seconds until photos are looked at again after the account turned private or public: longer than a cached profile
#: lives and a request lasts that began before and stored its photo as things were.
SECOND_LOOK_S = 150
_MOST = {"full_name": 60, "bio": 150, "website": 200, "phone": 30}
#: Other schemes would let a profile run script in the page that shows it.
_WEBSITE = URLValidator(schemes=["http", "https"])


def change_profile(
    user_id: int, *, is_private: bool | None = None, email: str | None = None, **texts: str | None
) -> User:
    """Change the given fields (email, full_name, bio, website, phone; None: leave as it is).

    Who becomes public has approved whoever was waiting. Raises InvalidParameters with `errors` per field.
    """
    changes: dict[str, str | bool] = {name: value.strip() for name, value in texts.items() if value is not None}
    errors = {
        name: [f"at most {_MOST[name]} characters"] for name, value in changes.items() if len(str(value)) > _MOST[name]
    }
    if changes.get("website"):
        changes["website"], errors["website"] = _website(str(changes["website"]))
    if email is not None:
        changes["email"] = email.strip().lower()
        errors["email"] = email_faults(str(changes["email"]), of=user_id)
    refuse(errors)
    if is_private is not None:
        changes["is_private"] = is_private
    try:
        return _save(user_id, changes)
    except IntegrityError as error:
        refuse_taken(error)
        raise


def set_picture(user_id: int, stem: str) -> None:
    """Show another profile picture, already in the store; the files of the one before go a little later."""
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user_id)
        old, user.picture = user.picture, stem
        user.save(update_fields=["picture"])
        delete_after_commit(main_server(), PROFILE_KIND, [user_id])
        if old and old != stem:
            enqueue("photos.delete_picture", delay_s=2 * settings.CACHE_PERMISSION_TTL_S, stem=old)


def _save(user_id: int, changes: dict[str, str | bool]) -> User:
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user_id)
        earlier = user.email
        turned = changes.get("is_private", user.is_private) != user.is_private
        moved = changes.get("email", user.email) != user.email
        opened = user.is_private and changes.get("is_private") is False
        for name, value in changes.items():
            setattr(user, name, value)
        if moved:
            note_change(user_id, earlier, was_confirmed=user.email_confirmed_at is not None)
            user.email_confirmed_at = None
            request_confirmation(user_id)
        user.save(update_fields=[*changes, "email_confirmed_at"])
        delete_after_commit(main_server(), PROFILE_KIND, [user_id])
        found_by = changes.keys() & {"email", "phone"}
        if found_by and user.date_joined > timezone.now() - timedelta(days=settings.JOINED_IS_NEWS_DAYS):
            # Apps ask for a number once the account is there: who looked for it is told as if it had been there.
            enqueue("notifications.note_joined", user_id=user_id)
        if turned:
            enqueue("photos.relist_author", author_id=user_id)
            enqueue("photos.rehome", author_id=user_id)
            enqueue("photos.rehome", delay_s=SECOND_LOOK_S, author_id=user_id)
        if opened:
            enqueue("accounts.approve_all_requests", owner_id=user_id)
    return user


def _website(text: str) -> tuple[str, list[str]]:
    """Return an address as it is stored, and what stands against it; people leave the scheme out."""
    address = text if "://" in text else f"http://{text}"
    try:
        _WEBSITE(address)
    except ValidationError:
        return address, ["not a web address"]
    return address, [f"at most {_MOST['website']} characters"] if len(address) > _MOST["website"] else []
