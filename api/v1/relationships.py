"""How two people stand: read it, follow, unfollow."""

from typing import Any

from accounts.models import Status
from accounts.queries import profiles, relationship
from accounts.services import follow_user, unfollow_user
from api.v1.base import Answer, Call, Endpoint, access, enveloped, route
from instagram.errors import InvalidParameters, NotFound

_INCOMING = {Status.FOLLOWS: "followed_by", Status.REQUESTED: "requested_by", Status.NONE: "none"}


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
        action = call.params.choice("action", ("follow", "unfollow"))
        verb = follow_user if action == "follow" else unfollow_user
        verb(follower_id=call.my_id, followee_id=other)
        return enveloped(_present(call, other))

    def _other(self, call: Call, user_id: str) -> int:
        other = call.user_id(user_id)
        if other == call.my_id:
            raise InvalidParameters("user: this is you")
        profile = profiles([other]).get(other)
        if profile is None or not profile.is_active:
            raise NotFound(what="user")
        return other


def _present(call: Call, other: int) -> dict[str, Any]:
    facts = relationship(call.my_id, other)
    return {
        "outgoing_status": facts.outgoing.value,
        "incoming_status": "blocked_by_you" if facts.blocked_by_me else _INCOMING[facts.incoming],
        "target_user_is_private": profiles([other])[other].is_private,
    }


routes = [route("v1/users/<user_id>/relationship", Relationship)]
