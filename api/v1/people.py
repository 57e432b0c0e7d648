"""Our own endpoints to find people: address book, suggestions, a card, and whom I blocked."""

from collections.abc import Iterable
from typing import Any

from accounts import visibility
from accounts.address_books import LOOKUP_MAX, look_up
from accounts.discovery import SUGGESTED_MAX, blocked_page, id_by_username, relationships, suggested_ids
from accounts.models import Status
from accounts.queries import Profile, profiles
from api.pagination import next_page
from api.v1.base import Answer, Call, Endpoint, access, enveloped, route
from api.v1.present_users import present_full, present_mini
from api.v1.relationships import present_relationship
from api.v1.users import LIST_DEFAULT, LIST_MAX
from instagram.errors import InvalidParameters, NotFound

SUGGESTED_DEFAULT = 20


class Blocked(Endpoint):
    """Whom I blocked."""

    @access(token=True, first_party=True)
    def get(self, call: Call) -> Answer:
        """Return one page, latest block first; those who blocked me too are there: I can take mine back."""
        page = blocked_page(
            call.my_id, cursor=call.params.id_cursor("cursor"), count=call.params.count(LIST_DEFAULT, LIST_MAX)
        )
        people = profiles(page.user_ids)
        shown = [present_mini(people[i]) for i in page.user_ids if i in people and people[i].is_active]
        return enveloped(shown, next_page(call, "cursor", page.next_cursor))


class Lookup(Endpoint):
    """Who of my address book is here."""

    @access(first_party=True)
    def post(self, call: Call) -> Answer:
        """Return the people with these addresses or numbers, or hashes of them, each with how we stand."""
        names = ("emails", "phones", "email_hashes", "phone_hashes")
        found = dict.fromkeys(look_up(call.my_id, **{name: _entries(call.params.get(name), name) for name in names}))
        found.pop(call.my_id, None)
        people = visibility.listed(call.my_id, found)
        return enveloped(_with_relationships(call.my_id, [people[i] for i in found if i in people]))


class Suggested(Endpoint):
    """People I may like to follow."""

    @access(token=True, first_party=True)
    def get(self, call: Call) -> Answer:
        """Return them, best first, without those I follow, asked or blocked by now."""
        candidates = suggested_ids(call.my_id)
        standing = relationships(call.my_id, candidates)
        new = [i for i in candidates if standing[i].outgoing == Status.NONE and not standing[i].blocked_by_me]
        people = visibility.listed(call.my_id, new)
        count = call.params.count(SUGGESTED_DEFAULT, SUGGESTED_MAX)
        return enveloped([present_mini(people[i]) for i in new if i in people][:count])


class Card(Endpoint):
    """The head of a profile, also of one whose photos I may not see."""

    @access(token=True, first_party=True)
    def get(self, call: Call) -> Answer:
        """Return profile, numbers and how we stand. Blocked by them, or away: as if they were not there."""
        person = self._person(call)
        profile = visibility.listed(call.my_id, [person]).get(person)
        if profile is None:
            raise NotFound(what="user")
        facts = relationships(call.my_id, [person])[person]
        return enveloped(present_full(profile) | {"relationship": present_relationship(facts, profile)})

    def _person(self, call: Call) -> int:
        if call.params.get("id"):
            return call.user_id(call.params.get("id"))
        if not call.params.get("username").strip():
            raise InvalidParameters("id: id or username is required")
        found = id_by_username(call.params.get("username"))
        if found is None:
            raise NotFound(what="user")
        return found


def _entries(text: str, name: str) -> list[str]:
    entries = [entry for entry in text.split(",") if entry.strip()]
    if len(entries) > LOOKUP_MAX:
        raise InvalidParameters(f"{name}: at most {LOOKUP_MAX}")
    return entries


def _with_relationships(viewer_id: int, people: Iterable[Profile]) -> list[dict[str, Any]]:
    shown = list(people)
    standing = relationships(viewer_id, [person.id for person in shown])
    return [
        present_mini(person) | {"relationship": present_relationship(standing[person.id], person)} for person in shown
    ]


routes = [
    route("v1/users/self/blocked", Blocked),
    route("v1/users/lookup", Lookup),
    route("v1/users/suggested", Suggested),
    route("v1/users/card", Card),
]
