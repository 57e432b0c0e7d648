"""People: profiles and follow lists."""

from collections.abc import Callable

from accounts import visibility
from accounts.queries import Page, followers_page, follows_page, profiles
from api.pagination import next_page
from api.v1.base import Answer, Call, Endpoint, enveloped, route
from api.v1.present_users import present_brief, present_full

LIST_DEFAULT, LIST_MAX = 50, 150


class UserDetail(Endpoint):
    """One person."""

    def get(self, call: Call, user_id: str) -> Answer:
        """Return the full profile."""
        person = call.user_id(user_id)
        visibility.require_may_see(call.viewer_id, person)
        return enveloped(present_full(profiles([person])[person]))


class _People(Endpoint):
    page: staticmethod

    def get(self, call: Call, user_id: str) -> Answer:
        """Return one page of people, latest follow first."""
        person = call.user_id(user_id)
        visibility.require_may_see(call.viewer_id, person)
        read: Callable[..., Page] = self.page
        page = read(person, cursor=call.params.id_cursor("cursor"), count=call.params.count(LIST_DEFAULT, LIST_MAX))
        people = profiles(page.user_ids)
        shown = [present_brief(people[i]) for i in page.user_ids if i in people and people[i].is_active]
        return enveloped(shown, next_page(call, "cursor", page.next_cursor))


class Follows(_People):
    """Whom a person follows."""

    page = staticmethod(follows_page)


class FollowedBy(_People):
    """Who follows a person."""

    page = staticmethod(followers_page)


routes = [
    route("v1/users/<user_id>", UserDetail),
    route("v1/users/<user_id>/follows", Follows),
    route("v1/users/<user_id>/followed-by", FollowedBy),
]
