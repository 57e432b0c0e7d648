"""Who may see an account and what is in it: the one place that decides, single and in bulk.

Public: everybody, but those the owner blocked. Private: the owner and approved followers. Deactivated: nobody.
Follow edges and blocks come from their authority, the owner's shard.
"""

from collections.abc import Iterable

from instagram.errors import NotAllowed, NotFound

from .models import Status
from .queries import blockers_of, profiles, statuses_of


def visible_authors(viewer_id: int | None, author_ids: Iterable[int]) -> set[int]:
    """Return whose photos the viewer may see. viewer_id None: an application without a person.

    Cost: one multi-get for profiles; with a viewer two queries per server, the second only for private accounts.
    """
    wanted = set(author_ids)
    active = {user_id: profile for user_id, profile in profiles(wanted).items() if profile.is_active}
    visible = {user_id for user_id, profile in active.items() if not profile.is_private or user_id == viewer_id}
    if viewer_id is None:
        return visible
    private = active.keys() - visible
    if private:
        statuses = statuses_of(viewer_id, private)
        visible |= {user_id for user_id in private if statuses.get(user_id) == Status.FOLLOWS}
    return visible - blockers_of(viewer_id, visible - {viewer_id})


def may_see(viewer_id: int | None, owner_id: int) -> bool:
    """Return whether the viewer may see the account."""
    return owner_id in visible_authors(viewer_id, [owner_id])


def require_may_see(viewer_id: int | None, owner_id: int) -> None:
    """Raise NotFound for an account that is not there (any more), NotAllowed for one the viewer may not see."""
    profile = profiles([owner_id]).get(owner_id)
    if profile is None or not profile.is_active:
        raise NotFound(what="user")
    if not may_see(viewer_id, owner_id):
        raise NotAllowed
