"""The list of photos."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from accounts.models import User
from backoffice.cases.facts import is_open, thumbnail_of
from backoffice.frame import Menu, page, shown
from photos.models import Photo, State
from photos.queries import counts_of
from sharding import shard_numbered, shard_of, shard_of_object
from sharding.ids import created_at_of, shortcode_of

from . import reading
from .asking import STATES, StateQuestions, away_note, neighbours


class PhotoQuestions(StateQuestions):
    """What the list can be asked."""

    def clean(self) -> None:
        """Refuse what no index answers, and what contradicts itself."""
        super().clean()
        asked = self.asked()
        if asked.get("state") == "deleted" and not {"photo", "person", "shard"} & asked.keys():
            self.add_error("state", "say whose, or which logical shard")


@page("photos/", name="photos", act="photos.view", menu=Menu("Photos and comments", "Photos", 10))
def photos(request: HttpRequest) -> HttpResponse:
    """Show photos, newest first. Cost: one query per server for the ids, one for rows, one for numbers, one on main."""
    form = PhotoQuestions(request)
    if not form.is_valid():
        return shown(request, "photos", {"title": "Photos", "form": form, "rows": []}, status=400)
    asked, span = form.asked(), form.span()
    found = _asked_for(form, asked, span)
    rows = rows_of(found.rows)
    facts: dict[str, Any] = {
        "title": "Photos", "form": form, "rows": rows, "note": away_note(found) or _scope(asked),
        "chosen": form.chosen(),
    }  # fmt: skip
    return shown(request, "photos", facts | neighbours(request, found, span))


def _scope(asked: dict[str, Any]) -> str:
    """Say what a list of all servers leaves out."""
    if {"photo", "person", "shard", "state"} & asked.keys():
        return ""
    return "Photos that are shown; what was taken down or deleted is found by state, person or logical shard."


def rows_of(found: list[reading.Row]) -> list[dict[str, Any]]:
    """Return photos as lists show them: without pictures of what was taken down, of private accounts without words too.

    Cost: one query per server for rows and numbers each, one on main.
    """
    ids = [row.id for row in found]
    rows, numbers = reading.photos_with(ids), counts_of(ids)
    people = User.objects.in_bulk({row.actor_id for row in found})
    shown_rows = []
    for row in found:
        photo, owner, shard = rows.get(row.id), people.get(row.actor_id), shard_of_object(row.id)
        likes, comments = numbers.get(row.id, (None, None))
        shown_rows.append(
            {
                "id": row.id, "code": shortcode_of(row.id), "owner": owner, "owner_id": row.actor_id, "photo": photo,
                "open": is_open(owner),
                "thumbnail": thumbnail_of(photo) if is_open(owner) else "", "likes": likes, "comments": comments,
                "shard": shard, "made_at": created_at_of(row.id), "state": state_of(photo),
            }
        )  # fmt: skip
    return shown_rows


def state_of(photo: Photo | reading.PhotoRow | None) -> tuple[str, str]:
    """Return a word for a photo's state, and its colour."""
    if photo is None:
        return "unknown", "warn"
    return {
        State.VISIBLE: ("shown", "good"), State.HELD: ("taken down", "bad"), State.DELETED: ("deleted", "warn")
    }[State(photo.state)]  # fmt: skip


def _asked_for(form: PhotoQuestions, asked: dict[str, Any], span: reading.Span) -> reading.Found:
    """Return what was asked for: the narrowest of photo, person, logical shard, else all servers' or one's."""
    where = {"state": STATES[asked["state"]]} if "state" in asked else {}
    if "photo" in asked:
        wanted = where | ({"author_id": asked["person"]} if "person" in asked else {})
        rows = [
            reading.Row(photo.id, photo.author_id)
            for photo in reading.photos_with([asked["photo"]]).values()
            if span.above < photo.id < span.below and all(getattr(photo, name) == wanted[name] for name in wanted)
        ]
        return reading.Found(rows, more=False)
    if "person" in asked:
        return reading.photos_of(shard_of(asked["person"]), span, author_id=asked["person"], **where)
    if "shard" in asked:
        return reading.photos_of(shard_numbered(asked["shard"]), span, **where)
    if asked.get("state") == "held":
        return reading.held_photos(span)
    return reading.newest_photos(span, form.servers())
