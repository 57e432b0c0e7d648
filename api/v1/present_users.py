"""People as JSON objects."""

from typing import Any

from django.conf import settings

from accounts.queries import Profile, counts_of
from photos.storage import image_url


def picture_url(profile: Profile) -> str:
    """Return the 150 px profile picture; the anonymous one if there is none."""
    return image_url(profile.picture, 150) if profile.picture else f"{settings.CDN_BASE_URL}/pub/anonymous.jpg"


def present_mini(profile: Profile) -> dict[str, Any]:
    """Return User (mini): likes, comments, lists, searches."""
    return {
        "id": str(profile.id),
        "username": profile.username,
        "full_name": profile.full_name,
        "profile_picture": picture_url(profile),
    }


def present_brief(profile: Profile) -> dict[str, Any]:
    """Return a mini user with bio and website: a photo's author, the answer of OAuth."""
    return present_mini(profile) | {"bio": profile.bio, "website": profile.website}


def present_full(profile: Profile) -> dict[str, Any]:
    """Return User (full), with counts. Cost: one query on the person's shard."""
    return present_brief(profile) | {"counts": counts_of(profile.id)}
