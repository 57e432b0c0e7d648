"""Judging a text by the rules after it was posted, and previewing what a rule would have caught."""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from accounts.models import User
from moderation import queue
from moderation.models import Decision, Kind, SpamRule, Verdict
from photos.models import Comment, Photo, State
from sharding import ShardUnavailable, physical_servers, shard_of_object
from sharding.ids import first_id_at

from . import rules, texts
from .texts import Said

#: Longest time any rule looks back, seconds: of rules.KINDS the largest "hours".
LOOKS_BACK_S = 168 * 3_600
#: Texts of each server that a preview looks at, at most; it says so when there were more.
PREVIEW_TEXTS = 20_000


@dataclass(frozen=True, slots=True)
class Catch:
    """A text that a rule catches, and why."""

    said: Said
    why: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What a rule would have caught. truncated: servers of which only the newest texts were looked at; away: silent."""

    catches: list[Catch]
    looked_at: int
    truncated: list[str]
    away: list[str]

    @property
    def authors(self) -> int:
        """Return how many people it concerns."""
        return len({each.said.author_id for each in self.catches})


def judge(*, photo_id: int, comment_id: int | None = None) -> list[str]:
    """Judge a caption or comment by all rules that are on; return the names of those that catch it. Safe to repeat.

    What they catch goes to the queue: the text, or for some kinds its author, unless a moderator has dismissed just
    that. Cost: a read of the text, one of its author on main, two statements on the author's server; for each rule
    that catches it one more on main. Raises ShardUnavailable.
    """
    said = _said(photo_id, comment_id)
    if said is None:
        return []
    texts.keep(said)
    before = texts.recent(said.author_id, up_to=said.object_id, since=said.said_at - LOOKS_BACK_S)
    caught = []
    # A kind that this release does not know is a newer one's, before it was rolled back.
    for rule in SpamRule.objects.filter(is_on=True, kind__in=rules.KINDS).order_by("pk"):
        numbers = rules.numbers_of(rule)
        why = rules.says(rule.kind, numbers, said, before)
        if why is None:
            continue
        if rules.KINDS[rule.kind].about_person:
            kind, target_id = Kind.USER, said.author_id
        else:
            kind, target_id = (Kind.MEDIA, photo_id) if said.is_caption else (Kind.COMMENT, said.object_id)
        # What a moderator has found nothing wrong with does not count again; what is written later does.
        answered = _answered_up_to(kind, target_id, rule)
        new = [each for each in before if each.object_id >= answered]
        if said.object_id < answered or rules.says(rule.kind, numbers, said, new) is None:
            continue
        caught.append(rule.name)
        finding = {"source": "spam", "rule": rule.name, "why": why}
        queue.flag(kind=kind, target_id=target_id, about_user_id=said.author_id, finding=finding)
    return caught


def preview(kind: str, numbers: Mapping[str, object], *, hours: int = 24) -> Preview:
    """Return what a rule with these numbers would have caught in the last hours, newest first; nothing is changed.

    Cost: one scan of each server's texts of these hours and of those the rule looks back to from there, PREVIEW_TEXTS
    at most. Raises InvalidParameters.
    """
    usable = rules.checked(kind, numbers)
    since = time.time() - hours * 3_600
    read_from = since - rules.looks_back_s(kind, usable)
    catches: list[Catch] = []
    looked_at, truncated, away = 0, [], []
    for server in physical_servers():
        try:
            found = texts.everything(server, since=read_from, most=PREVIEW_TEXTS)
        except ShardUnavailable:
            away.append(server.name)
            continue
        looked_at += sum(said.said_at >= since for said in found)
        if len(found) == PREVIEW_TEXTS:
            truncated.append(server.name)
        for said, before in _with_what_came_before(found):
            why = rules.says(kind, usable, said, before) if said.said_at >= since else None
            if why is not None:
                catches.append(Catch(said, why))
    catches.sort(key=lambda each: -each.said.object_id)
    return Preview(catches, looked_at, truncated, away)


def _answered_up_to(kind: Kind, target_id: int, rule: SpamRule) -> int:
    """Return the first id of after a moderator last dismissed what a rule found about a target; 0 for never."""
    finding = [{"source": "spam", "rule": rule.name}]
    dismissed = Decision.objects.filter(kind=kind, target_id=target_id, verdict=Verdict.DISMISS, undone_at=None)
    made_at = dismissed.filter(case__flags__contains=finding).order_by("-id").values_list("made_at", flat=True).first()
    return first_id_at(made_at) if made_at else 0


def _with_what_came_before(found: Iterable[Said]) -> Iterator[tuple[Said, list[Said]]]:
    before: list[Said] = []
    for said in found:
        if before and before[0].author_id != said.author_id:
            before = []
        before = [said, *before[:499]]
        yield said, before


def _said(photo_id: int, comment_id: int | None) -> Said | None:
    """Return what the rules know of a text that is there, None for an empty one or one that is gone."""
    shard = shard_of_object(photo_id)
    if comment_id is None:
        row = shard.model(Photo).objects.filter(id=photo_id, state=State.VISIBLE).values_list("author_id", "caption")
    else:
        row = shard.model(Comment).objects.filter(id=comment_id, state=State.VISIBLE).values_list("author_id", "text")
    author_id, text = row.first() or (0, "")
    if not text:
        return None
    joined = User.objects.filter(pk=author_id).values_list("date_joined", flat=True).first()
    if joined is None:
        return None
    return texts.measured(
        text,
        author_id=author_id,
        object_id=comment_id or photo_id,
        photo_id=photo_id,
        account_hours=max(0, int((time.time() - joined.timestamp()) / 3_600)),
    )
