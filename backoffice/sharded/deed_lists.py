"""The lists of comments, likes and follows."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from accounts.models import User
from backoffice.cases.facts import is_open, thumbnail_of
from backoffice.frame import Menu, page, shown
from photos.models import State
from sharding import shard_of_object
from sharding.ids import created_at_of

from . import reading
from .asking import ShardedQuestions, away_note, neighbours


class FollowQuestions(ShardedQuestions):
    """What the list of follows can be asked: a person's followers and whom they follow."""

    photo = None  # type: ignore[assignment]  # Django's way to leave a field out


@page("comments/", name="comments", act="photos.view", menu=Menu("Photos and comments", "Comments", 20))
def comments(request: HttpRequest) -> HttpResponse:
    """Show comments, newest first. Cost: one query per server for ids, texts and photos each, one on main."""
    return _listed(request, "comment", "Comments", ShardedQuestions)


@page("likes/", name="likes", act="photos.view", menu=Menu("Photos and comments", "Likes", 30))
def likes(request: HttpRequest) -> HttpResponse:
    """Show likes, newest first. Cost: as comments()."""
    return _listed(request, "like", "Likes", ShardedQuestions)


@page("follows/", name="follows", act="people.view", menu=Menu("People", "Follows", 20))
def follows(request: HttpRequest) -> HttpResponse:
    """Show follows, newest first. Cost: one query per server, one on main."""
    return _listed(request, "follow", "Follows", FollowQuestions)


def _listed(request: HttpRequest, kind: str, title: str, form_class: type[ShardedQuestions]) -> HttpResponse:
    form = form_class(request)
    if not form.is_valid():
        return shown(request, "deeds", {"title": title, "kind": kind, "form": form, "rows": []}, status=400)
    asked, span = form.asked(), form.span()
    found = _asked_for(kind, form, asked, span)
    facts: dict[str, Any] = {
        "title": title, "kind": kind, "form": form, "rows": _rows(kind, found.rows), "note": away_note(found),
    }  # fmt: skip
    return shown(request, "deeds", facts | neighbours(request, found, span))


def _asked_for(kind: str, form: ShardedQuestions, asked: dict[str, Any], span: reading.Span) -> reading.Found:
    if "photo" in asked:
        shard = shard_of_object(asked["photo"])
        read = reading.comments_of_photo if kind == "comment" else reading.likes_of_photo
        return read(shard, asked["photo"], span)
    if "person" in asked and kind == "follow":
        return reading.followers_of(asked["person"], span)
    if "person" in asked:
        return reading.deeds_of_person(kind, asked["person"], span)
    return reading.newest_deeds(kind, span, form.servers())


def _rows(kind: str, found: list[reading.Row]) -> list[dict[str, Any]]:
    people = {row.actor_id for row in found}
    texts: dict[int, tuple[str, int]] = {}
    photos: dict[int, Any] = {}
    if kind == "follow":
        people |= {row.object_id for row in found}
    else:
        photos = reading.photos_with({row.object_id for row in found})
        people |= {photo.author_id for photo in photos.values()}
    if kind == "comment":
        texts = reading.comments_with(row.id for row in found)
    by_id = User.objects.in_bulk(people)
    rows = []
    for row in found:
        photo = photos.get(row.object_id)
        owner = by_id.get(photo.author_id) if photo is not None else None
        text, state = texts.get(row.id, ("", State.VISIBLE if kind != "comment" else None))
        rows.append(
            {
                "id": row.id, "actor": by_id.get(row.actor_id), "actor_id": row.actor_id, "object_id": row.object_id,
                "whom": by_id.get(row.object_id) if kind == "follow" else None, "owner": owner, "text": text,
                "state": "" if state == State.VISIBLE else "gone" if state is None else State(state).name.lower(),
                "thumbnail": thumbnail_of(photo) if is_open(owner) else "",
                "made_at": created_at_of(row.id),
            }
        )  # fmt: skip
    return rows
