"""How two people stand: read it, follow, unfollow, block, and answer requests."""

from collections.abc import Callable
from typing import Any

from accounts import queries
from accounts.models import Status
from accounts.queries import Profile, profiles, relationship
from accounts.services import (
    approve_request,
    block_user,
    follow_user,
    ignore_request,
    unblock_user,
    unfollow_user,
)
from api.v1.base import Answer, Call, Endpoint, access, enveloped, route
from instagram.errors import InvalidParameters, NotFound

_INCOMING = {Status.FOLLOWS: "followed_by", Status.REQUESTED: "requested_by", Status.NONE: "none"}

#: What each action does, given (my id, their id). "deny" is what the 2011 clients call "ignore".
_ACTIONS: dict[str, Callable[[int, int], object]] = {
    "follow": lambda me, them: follow_user(follower_id=me, followee_id=them),
    "unfollow": lambda me, them: unfollow_user(follower_id=me, followee_id=them),
    "block": lambda me, them: block_user(owner_id=me, other_id=them),
    "unblock": lambda me, them: unblock_user(owner_id=me, other_id=them),
    "approve": lambda me, them: approve_request(owner_id=me, requester_id=them),
    "ignore": lambda me, them: ignore_request(owner_id=me, requester_id=them),
    "deny": lambda me, them: ignore_request(owner_id=me, requester_id=them),
}


class Relationship(Endpoint):
    """The relationship of the token's owner to somebody."""

    @access(token=True)
    def get(self, call: Call, user_id: str) -> Answer:
        """Return the three facts."""
        return enveloped(_present(call, self._other(call, user_id)))

    @access(scope="relationships")
    def post(self, call: Call, user_id: str) -> Answer:
        """Change it; the answer is how the two stand then."""
        other = self._other(call, user_id)
        _ACTIONS[call.params.choice("action", _ACTIONS)](call.my_id, other)
        return enveloped(_present(call, other))

    def _other(self, call: Call, user_id: str) -> int:
        other = call.user_id(user_id)
        if other == call.my_id:
            raise InvalidParameters("user: this is you")
        profile = profiles([other]).get(other)
        if profile is None or not profile.is_active:
            raise NotFound(what="user")
        return other


def present_relationship(facts: queries.Relationship, other: Profile) -> dict[str, Any]:
    """Return a Relationship object: exactly these three keys."""
    return {
        "outgoing_status": facts.outgoing.value,
        "incoming_status": "blocked_by_you" if facts.blocked_by_me else _INCOMING[facts.incoming],
        "target_user_is_private": other.is_private,
    }


def _present(call: Call, other: int) -> dict[str, Any]:
    return present_relationship(relationship(call.my_id, other), profiles([other])[other])


routes = [route("v1/users/<user_id>/relationship", Relationship)]
