"""The lists of comments, likes and follows."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse

from accounts.models import Status, User
from backoffice.cases.facts import is_open, thumbnail_of
from backoffice.frame import Menu, page, shown
from photos.models import State
from sharding import shard_numbered, shard_of_object
from sharding.ids import created_at_of

from . import reading
from .asking import STATES, ShardedQuestions, StateQuestions, away_note, neighbours

_WORDS = {State.VISIBLE: "shown", State.HELD: "taken down", State.DELETED: "deleted"}


class CommentQuestions(StateQuestions):
    """What the list of comments can be asked."""

    def clean(self) -> None:
        """Refuse states that no index answers."""
        super().clean()
        asked = self.asked()
        if asked.get("state") in {"shown", "deleted"} and not {"photo", "shard"} & asked.keys():
            self.add_error("state", "say under which photo, or which logical shard")


class FollowQuestions(ShardedQuestions):
    """What the list of follows can be asked: a person's followers, or whom they follow; and who only asked to."""

    photo = None  # type: ignore[assignment]  # Django's way to leave a field out
    way = forms.ChoiceField(
        label="Of the person", required=False, choices=[("", "who follows them"), ("out", "whom they follow")]
    )
    state = forms.ChoiceField(
        label="State", required=False, choices=[("", "follows"), (Status.REQUESTED.value, "asked to")]
    )
    field_order = ("person", "way", "state", "server", "shard", "since", "until")

    def clean(self) -> None:
        """Refuse what is known of a person alone."""
        super().clean()
        asked = self.asked()
        for name in ("way", "state"):
            if name in asked and "person" not in asked:
                self.add_error(name, "say whose")


@page("comments/", name="comments", act="photos.view", menu=Menu("Photos and comments", "Comments", 20))
def comments(request: HttpRequest) -> HttpResponse:
    """Show comments, newest first. Cost: one query per server for ids, texts and photos each, one or two on main."""
    return _listed(request, "comment", "Comments", CommentQuestions)


@page("likes/", name="likes", act="photos.view", menu=Menu("Photos and comments", "Likes", 30))
def likes(request: HttpRequest) -> HttpResponse:
    """Show likes, newest first. Cost: as comments()."""
    return _listed(request, "like", "Likes", ShardedQuestions)


@page("follows/", name="follows", act="people.view", menu=Menu("People", "Follows", 20))
def follows(request: HttpRequest) -> HttpResponse:
    """Show follows, newest first. Cost: one query per server, one or two on main."""
    return _listed(request, "follow", "Follows", FollowQuestions)


def _listed(request: HttpRequest, kind: str, title: str, form_class: type[ShardedQuestions]) -> HttpResponse:
    form = form_class(request)
    if not form.is_valid():
        return shown(request, "deeds", {"title": title, "kind": kind, "form": form, "rows": []}, status=400)
    asked, span = form.asked(), form.span()
    found = _READS[kind](form, asked, span)
    facts: dict[str, Any] = {
        "title": title, "kind": kind, "form": form, "rows": _rows(kind, found.rows), "chosen": form.chosen(),
        "note": away_note(found),
    }  # fmt: skip
    return shown(request, "deeds", facts | neighbours(request, found, span))


def _comments(form: ShardedQuestions, asked: dict[str, Any], span: reading.Span) -> reading.Found:
    where: dict[str, int] = {"state": STATES[asked["state"]].value} if "state" in asked else {}
    if "photo" in asked:
        where |= {"photo_id": asked["photo"]} | ({"author_id": asked["person"]} if "person" in asked else {})
        return reading.comments_of(shard_of_object(asked["photo"]), span, **where)
    if "shard" in asked:
        return reading.comments_of(shard_numbered(asked["shard"]), span, **where)
    if "state" in asked:
        return reading.held_comments(span, author_id=asked.get("person"))
    return _deeds("comment", form, asked, span)


def _likes(form: ShardedQuestions, asked: dict[str, Any], span: reading.Span) -> reading.Found:
    if "photo" in asked:
        where = {"user_id": asked["person"]} if "person" in asked else {}
        return reading.likes_of_photo(shard_of_object(asked["photo"]), asked["photo"], span, **where)
    return _deeds("like", form, asked, span)


def _follows(form: ShardedQuestions, asked: dict[str, Any], span: reading.Span) -> reading.Found:
    if "person" in asked:
        read = reading.followed_by if asked.get("way") else reading.followers_of
        return read(asked["person"], span, status=asked.get("state", Status.FOLLOWS.value))
    return _deeds("follow", form, asked, span)


def _deeds(kind: str, form: ShardedQuestions, asked: dict[str, Any], span: reading.Span) -> reading.Found:
    if "person" in asked:
        return reading.deeds_of_person(kind, asked["person"], span)
    return reading.newest_deeds(kind, span, form.servers(), shard=asked.get("shard"))


_READS = {"comment": _comments, "like": _likes, "follow": _follows}


def _rows(kind: str, found: list[reading.Row]) -> list[dict[str, Any]]:
    people = {row.actor_id for row in found}
    said: dict[int, reading.CommentRow] = {}
    photos: dict[int, Any] = {}
    if kind == "follow":
        people |= {row.object_id for row in found}
    else:
        photos = reading.photos_with({row.object_id for row in found})
        people |= {photo.author_id for photo in photos.values()}
    if kind == "comment":
        said = reading.comments_with(row.id for row in found)
    by_id = User.objects.in_bulk(people)
    rows = []
    for row in found:
        photo = photos.get(row.object_id)
        owner = by_id.get(photo.author_id) if photo is not None else None
        comment = said.get(row.id)
        state = "gone" if comment is None else "" if comment.state == State.VISIBLE else _WORDS[State(comment.state)]
        rows.append(
            {
                "id": row.id, "actor": by_id.get(row.actor_id), "actor_id": row.actor_id, "object_id": row.object_id,
                "whom": by_id.get(row.object_id) if kind == "follow" else None, "owner": owner,
                "open": is_open(owner), "text": comment.text if comment and is_open(owner) else "",
                "state": state if kind == "comment" else "",
                "thumbnail": thumbnail_of(photo) if is_open(owner) else "",
                "made_at": created_at_of(row.id),
            }
        )  # fmt: skip
    return rows
