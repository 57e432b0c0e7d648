"""Changing what others see of oneself."""

from django.db import transaction

from accounts.models import User
from accounts.queries import PROFILE_KIND
from caching import delete_after_commit
from instagram.errors import InvalidParameters
from sharding import main_server

_MOST = {"full_name": 60, "bio": 150, "website": 200, "phone": 30}


def change_profile(user_id: int, *, is_private: bool | None = None, **texts: str | None) -> User:
    """Change the given fields (full_name, bio, website, phone; None: leave as it is). Raises InvalidParameters."""
    changes: dict[str, str | bool] = {name: value.strip() for name, value in texts.items() if value is not None}
    for name, value in changes.items():
        if len(str(value)) > _MOST[name]:
            raise InvalidParameters(f"{name}: at most {_MOST[name]} characters")
    if is_private is not None:
        changes["is_private"] = is_private
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user_id)
        for name, value in changes.items():
            setattr(user, name, value)
        user.save(update_fields=list(changes) or None)
        delete_after_commit(main_server(), PROFILE_KIND, [user_id])
    return user
