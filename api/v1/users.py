"""People: profiles and follow lists."""

from collections.abc import Callable

from accounts import visibility
from accounts.queries import Page, followers_page, follows_page, profiles, requester_ids
from accounts.search import people_named
from api.pagination import next_page
from api.v1.base import Answer, Call, Endpoint, access, enveloped, route
from api.v1.present_users import present_brief, present_full, present_mini
from instagram.errors import InvalidParameters

LIST_DEFAULT, LIST_MAX = 50, 150
SEARCH_DEFAULT, SEARCH_MAX = 50, 100
#: Requests shown; the list has no pages.
REQUESTS_MAX = 1_000


class UserDetail(Endpoint):
    """One person."""

    def get(self, call: Call, user_id: str) -> Answer:
        """Return the full profile."""
        person = call.user_id(user_id)
        visibility.require_may_see(call.viewer_id, person)
        return enveloped(present_full(profiles([person])[person]))


class UserSearch(Endpoint):
    """Finding people."""

    def get(self, call: Call) -> Answer:
        """Return people by username, then by the words of their full names."""
        text = call.params.required("q")
        if not text.strip().removeprefix("@").strip():
            raise InvalidParameters("q: this parameter is required")
        people = people_named(text, viewer_id=call.viewer_id, count=call.params.count(SEARCH_DEFAULT, SEARCH_MAX))
        return enveloped([present_mini(person) for person in people])


class _People(Endpoint):
    page: staticmethod

    def get(self, call: Call, user_id: str) -> Answer:
        """Return one page of people, latest follow first."""
        person = call.user_id(user_id)
        visibility.require_may_see(call.viewer_id, person)
        read: Callable[..., Page] = self.page
        page = read(person, cursor=call.params.id_cursor("cursor"), count=call.params.count(LIST_DEFAULT, LIST_MAX))
        people = visibility.listed(call.viewer_id, page.user_ids)
        shown = [present_brief(people[i]) for i in page.user_ids if i in people]
        return enveloped(shown, next_page(call, "cursor", page.next_cursor))


class Follows(_People):
    """Whom a person follows."""

    page = staticmethod(follows_page)


class FollowedBy(_People):
    """Who follows a person."""

    page = staticmethod(followers_page)


class RequestedBy(Endpoint):
    """Who asks to follow me."""

    @access(token=True)
    def get(self, call: Call) -> Answer:
        """Return them, latest first. Cost: one query on my shard; people as in every list."""
        requesters = requester_ids(call.my_id, limit=REQUESTS_MAX)
        people = visibility.listed(call.my_id, requesters)
        return enveloped([present_mini(people[i]) for i in requesters if i in people], {})


routes = [
    route("v1/users/self/requested-by", RequestedBy),
    route("v1/users/search", UserSearch),
    route("v1/users/<user_id>", UserDetail),
    route("v1/users/<user_id>/follows", Follows),
    route("v1/users/<user_id>/followed-by", FollowedBy),
]
