"""Who may see an account and what is in it: the one place that decides, single and in bulk.

Public: everybody, but those the owner blocked. Private: the owner and approved followers. Deactivated: nobody.
Follow edges and blocks come from their authority, the owner's shard, kept for CACHE_PERMISSION_TTL_S at most and
deleted when they change.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from instagram.errors import NotAllowed, NotFound, Unavailable
from sharding import ShardUnavailable, shard_of

from .models import User
from .queries import Profile, Standing, profiles, standings
from .reports import hidden_by_reports
from .reserved import is_bot


@dataclass(frozen=True, slots=True)
class Sight:
    """How some people stand to a viewer, read at once: whose photos the viewer may see, and whom a list may name.

    people: those who are there, by id. standings: of those whose server answered; nobody's for an application.
    """

    viewer_id: int | None
    people: dict[int, Profile]
    standings: dict[int, Standing]

    def may_see(self, owner_id: int) -> bool:
        """Return whether the owner's photos and lists are open to the viewer."""
        owner = self.people.get(owner_id)
        if owner is None:
            return False
        if self.viewer_id is None:
            return not owner.is_private
        standing = self.standings.get(owner_id)
        return owner_id == self.viewer_id or (
            standing is not None and not standing.blocked and (standing.follows or not owner.is_private)
        )

    def may_name(self, user_id: int) -> bool:
        """Return whether a list may name this person: private accounts too, but nobody who blocked the viewer."""
        if user_id not in self.people:
            return False
        if self.viewer_id is None:
            return True
        standing = self.standings.get(user_id)
        return user_id == self.viewer_id or (standing is not None and not standing.blocked)


def sight_of(viewer_id: int | None, user_ids: Iterable[int]) -> Sight:
    """Read how people stand to a viewer. viewer_id None: an application without a person.

    Cost: one multi-get for profiles, with a viewer one for standings; misses one query per server. People whose
    server does not answer are neither seen nor named.
    """
    people = {user_id: profile for user_id, profile in profiles(user_ids).items() if profile.is_active}
    if viewer_id is None:
        return Sight(None, people, {})
    return Sight(viewer_id, people, standings(viewer_id, people.keys() - {viewer_id}))


def whole_sight_of(viewer_id: int, user_ids: Iterable[int]) -> Sight:
    """Read the same for a task that decides for good: pages take silence for a no, and are read again.

    Cost: as sight_of(). Raises ShardUnavailable if anybody's server does not answer.
    """
    sight = sight_of(viewer_id, user_ids)
    for silent in sight.people.keys() - sight.standings.keys() - {viewer_id}:
        raise ShardUnavailable(shard_of(silent).server.name)
    return sight


def visible_authors(viewer_id: int | None, author_ids: Iterable[int]) -> set[int]:
    """Return whose photos the viewer may see. Cost: as sight_of()."""
    sight = sight_of(viewer_id, author_ids)
    return set(filter(sight.may_see, sight.people))


def public_authors(viewer_id: int | None, author_ids: Iterable[int]) -> set[int]:
    """Return whose photos a public list may show the viewer: popular, tags, locations, searches.

    Public accounts alone, not even followers see private ones there, and none that blocked the viewer. Cost: as
    visible_authors(), with one more multi-get of profiles.
    """
    public = visible_authors(None, author_ids)
    return public if viewer_id is None else visible_authors(viewer_id, public)


def public_photos(viewer_id: int | None, photos: Mapping[int, int]) -> list[int]:
    """Return which photos a public list may show the viewer, in their order: of public_authors(), and not hidden.

    photos: author by photo id. Cost: as public_authors(), and one multi-get for what is hidden.
    """
    public = public_authors(viewer_id, set(photos.values()))
    hidden = hidden_by_reports(photos)
    return [photo_id for photo_id, author_id in photos.items() if author_id in public and photo_id not in hidden]


def public_now(author_ids: Iterable[int]) -> set[int]:
    """Return who is public and there, past the cache: for tasks that write it down. Cost: one query on main."""
    people = User.objects.filter(id__in=list(author_ids), is_active=True, deactivated_at=None, is_private=False)
    return set(people.values_list("id", flat=True))


def listed(viewer_id: int | None, user_ids: Iterable[int]) -> dict[int, Profile]:
    """Return the people a list of names may show: private accounts too, but nobody who is away or blocked the viewer,
    and no programs of ours.

    For likers, commenters, follow lists, searches. Cost: as sight_of().
    """
    sight = sight_of(viewer_id, user_ids)
    people = sight.people.items()
    return {user_id: profile for user_id, profile in people if sight.may_name(user_id) and not is_bot(profile.username)}


def may_see(viewer_id: int | None, owner_id: int) -> bool:
    """Return whether the viewer may see the account; False, too, when the owner's server does not answer."""
    return owner_id in visible_authors(viewer_id, [owner_id])


def require_may_see(viewer_id: int | None, owner_id: int) -> None:
    """Raise NotFound for an account that is not there (any more), NotAllowed for one the viewer may not see.

    Raises Unavailable when the owner's server does not answer.
    """
    profile = profiles([owner_id]).get(owner_id)
    if profile is None or not profile.is_active:
        raise NotFound(what="user")
    if viewer_id == owner_id:
        return
    if viewer_id is None:
        if profile.is_private:
            raise NotAllowed
        return
    standing = standings(viewer_id, [owner_id]).get(owner_id)
    if standing is None:
        raise Unavailable
    if standing.blocked or (profile.is_private and not standing.follows):
        raise NotAllowed
