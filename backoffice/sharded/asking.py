"""What every list of sharded things can be asked: whose, of which photo, which server or shard, from when to when.

What is asked is honoured or refused with a sentence, never dropped.
"""

from datetime import timedelta

from django import forms
from django.http import HttpRequest

from accounts.models import User
from backoffice.lists import PlainText, Questions, ServerField, ShardField, address_with, cursors, day_field, midnight
from backoffice.people.finding import the_person
from backoffice.roles import may
from feeds.explain import photo_named
from photos.models import State
from sharding import Server, physical_servers, server_named, shard_of_object
from sharding.ids import MAX_ID, first_id_at

from .reading import Found, Span

#: What lists call the states of photos and comments.
STATES = {"shown": State.VISIBLE, "held": State.HELD, "deleted": State.DELETED}


class ShardedQuestions(Questions):
    """The form above a list."""

    person = PlainText("Person: id, @name, e-mail", most=300)
    photo = PlainText("Photo: id, code, link", most=300)
    server = ServerField()
    shard = ShardField()
    since = day_field("From")
    until = day_field("To")

    def __init__(self, request: HttpRequest) -> None:
        """Take what is asked, and by whom: not everybody may find people by e-mail and phone."""
        super().__init__(request.GET)
        self._request = request
        if not may(request.user, "people.contact"):
            self.fields["person"].label = "Person: id, @name"

    def clean_person(self) -> int | None:
        """Return the one person that is meant."""
        return the_person(self._request, self.cleaned_data["person"], field="person")

    def clean_photo(self) -> int | None:
        """Return the photo's id."""
        text = self.cleaned_data["photo"].strip()
        if not text:
            return None
        try:
            number = photo_named(text)
            shard_of_object(number)  # an id that none here made has no shard to ask
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error
        return number

    def clean(self) -> None:
        """Refuse what contradicts itself: what is on one server, or in one logical shard, needs no other named."""
        super().clean()
        asked = self.asked()
        if "server" in asked and {"photo", "person", "shard"} & asked.keys():
            self.add_error("server", "fits neither a photo, a person nor a logical shard: each is on one server")
        if "shard" in asked and {"photo", "person"} & asked.keys():
            self.add_error("shard", "fits neither a photo nor a person")

    def chosen(self) -> User | None:
        """Return the person whose things are shown, if the list is of one. Cost: one query on main."""
        user_id = self.cleaned_data.get("person")
        return None if user_id is None else User.objects.filter(pk=user_id).first()

    def servers(self) -> list[Server]:
        """Return the servers to ask."""
        name = self.cleaned_data.get("server")
        return [server_named(name)] if name else physical_servers()

    def span(self) -> Span:
        """Return which ids may be on the page: the days asked for, and ?before= or ?after=."""
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        above = first_id_at(midnight(since)) - 1 if since else 0
        below = first_id_at(midnight(until) + timedelta(days=1)) if until else MAX_ID
        before, after = cursors(self._request, most=MAX_ID)
        if after is not None:
            return Span(max(above, after), below, backwards=True)
        return Span(above, min(below, before) if before is not None else below)


class StateQuestions(ShardedQuestions):
    """The form above a list of what may be taken down and deleted."""

    state = forms.ChoiceField(
        label="State",
        required=False,
        choices=[("", "any"), ("shown", "shown"), ("held", "taken down"), ("deleted", "deleted")],
    )
    field_order = ("person", "photo", "state", "server", "shard", "since", "until")

    def clean(self) -> None:
        """Refuse what decisions do not know: where that is which was taken down."""
        super().clean()
        asked = self.asked()
        if asked.get("state") == "held" and "server" in asked:
            self.add_error("server", "does not fit what is taken down: that is known by decisions")


def neighbours(request: HttpRequest, found: Found, span: Span) -> dict[str, str]:
    """Return the addresses of the pages beside one, for list.html."""
    rows = found.rows
    has_older = bool(rows) and (found.more or span.backwards)
    has_newer = bool(rows) and (found.more if span.backwards else cursors(request)[0] is not None)
    return {
        "older": address_with(request, before=rows[-1].id) if has_older else "",
        "newer": address_with(request, after=rows[0].id) if has_newer else "",
    }


def away_note(found: Found) -> str:
    """Say which servers did not answer."""
    return f"{' and '.join(found.away)} does not answer: what it holds is missing here." if found.away else ""
