"""The audit log: one verb that writes, one read. Every act of staff goes through record().

Django's LogEntry is not enough: it names a registered model's row, so neither a photo in a shard nor an act that is no
edit; it has no reason, no address, no before and after; and whoever may delete a user deletes its entries.
"""

from dataclasses import dataclass
from getpass import getuser
from typing import Any, NamedTuple

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import QuerySet
from django.http import HttpRequest

from instagram.client_address import client_address
from instagram.errors import InvalidParameters
from jobs.context import request_id

from .acts import ACTS
from .models import Entry

REASON_MAX_CHARS = 1_000
#: Who tried to sign in and could not: an actor without an id.
STRANGER = "not signed in"


class Target(NamedTuple):
    """What an act is done to: Target("person", 5), Target("photo", 123)."""

    kind: str
    id: int | str


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and from where."""

    id: int | None
    name: str
    address: str = ""


def actor_of(request: HttpRequest) -> Actor:
    """Return the staff member behind a request."""
    user: Any = request.user
    return Actor(user.pk, user.username, client_address(request.META)[:45])


def at_terminal() -> Actor:
    """Return whoever runs a command on a host of ours."""
    return Actor(None, f"command line: {getuser()}"[:100])


def record(
    actor: Actor, act: str, *, target: Target | None = None, reason: str = "", before: Any = None, after: Any = None
) -> Entry:
    """Write down an act. In the transaction of main that makes the change, so that both are there or neither.

    What changes a shard: the shard's transaction inside main's, this first; a crash between the two commits leaves a
    change without its line, which the next look at the target shows, never a line without its change.
    before, after: JSON of what changed; ids, states and numbers alone, since the line is for good.
    Raises InvalidParameters without a reason where the act needs one, KeyError for an act that is in no table.
    """
    reason = reason.replace("\x00", "").strip()
    if ACTS[act].changes and not reason:
        raise InvalidParameters("reason: say why")
    if len(reason) > REASON_MAX_CHARS:
        raise InvalidParameters(f"reason: at most {REASON_MAX_CHARS} characters")
    return Entry.objects.create(
        actor_id=actor.id,
        actor_name=actor.name,
        act=act,
        target_kind=target.kind if target else "",
        target_id=str(target.id) if target else "",
        reason=reason,
        address=actor.address,
        request_id=request_id.get() or "",
        before=before,
        after=after,
    )


def about(target: Target, *, most: int = 20) -> list[Entry]:
    """Return the newest acts on something. Cost: one query on main, by index."""
    return list(Entry.objects.filter(target_kind=target.kind, target_id=str(target.id)).order_by("-id")[:most])


def with_words(entries: QuerySet[Entry], text: str) -> QuerySet[Entry]:
    """Return those entries whose reason has all words of the text."""
    query = SearchQuery(text, config="simple", search_type="plain")
    return entries.annotate(words=SearchVector("reason", config="simple")).filter(words=query)
