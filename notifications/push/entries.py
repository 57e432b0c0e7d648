"""Ringing for News: an entry's way from its job to the phones of the person it concerns."""

import time
from collections.abc import Sequence

from django.conf import settings

from accounts.queries import followed_among
from jobs import Again
from notifications.activity.models import Kind
from notifications.activity.queries import News, news_with_ids, unseen_count

from . import alerts, apns, marks
from .models import FromWhom
from .preferences import SETTING_OF, Reachable, reachable
from .sending import send


def ring_for(user_id: int, activity_id: int, *, tries: int = 0, done: Sequence[int] = ()) -> Again | None:
    """Ring a person's phones for an entry of their News, unless it is undone, not wanted, or rang already.

    tries, done: runs before this one in which Apple did not take it, and the devices that have it.
    Cost: without a phone one query on main. Else some nine statements, and a push for each phone.
    """
    person = _person(user_id)
    if person is None:
        return None
    news = _wanted(person, user_id, news_with_ids(user_id, [activity_id]))
    if not news:
        return None
    subject = alerts.subject_of(news[0])
    turn = marks.begin(
        user_id=user_id,
        subject=subject,
        activity_id=activity_id,
        coalesces=news[0].entry.kind in alerts.SUMMED_UP,
    )
    return _ring(person, turn, known=news, tries=tries, done=done)


def ring_summary(user_id: int, subject: str, *, tries: int = 0, done: Sequence[int] = ()) -> Again | None:
    """Ring once for what came while a subject had to be quiet. Cost: as ring_for()."""
    person = _person(user_id)
    if person is None:
        return None
    turn = marks.begin(user_id=user_id, subject=subject, activity_id=None, coalesces=True)
    return _ring(person, turn, tries=tries, done=done)


def _person(user_id: int) -> Reachable | None:
    return reachable([user_id]).get(user_id) if apns.is_configured() else None


def _ring(
    person: Reachable,
    turn: marks.Turn | marks.Wait | None,
    *,
    known: Sequence[News] = (),
    tries: int,
    done: Sequence[int],
) -> Again | None:
    if turn is None:
        return None
    if isinstance(turn, marks.Wait):
        return Again(delay_s=max(turn.seconds, 0.1))
    news = known
    if turn.all != [each.entry.id for each in known]:
        # Read under the claim: what was undone while the subject was quiet is not told of.
        news = _wanted(person, turn.user_id, news_with_ids(turn.user_id, turn.all))
    pending = set(turn.pending)
    fresh = [each for each in news if each.entry.id in pending and each.entry.at > _too_old()]
    if not fresh:
        marks.finish(turn, rang=False)
        return None
    payload = alerts.of_news(news, badge=unseen_count(turn.user_id))
    batch = [
        (
            phone,
            apns.Push(
                token=phone.token,
                sandbox=phone.sandbox,
                apns_id=alerts.apns_id("entry", phone.id, turn.user_id, fresh[0].entry.id),
                payload=payload,
                collapse_id=turn.subject,
                # Somebody who reached Popular, or a friend's arrival, can wait for the phone to wake.
                urgent=fresh[0].entry.kind not in {Kind.POPULAR, Kind.FRIEND_JOINED},
            ),
        )
        for phone in person.phones
        if phone.id not in done
    ]
    sent = send(batch)
    if sent.later:
        marks.give_back(turn)
        return Again(delay_s=sent.wait_s(tries), tries=tries + 1, done=[*done, *sent.taken])
    marks.finish(turn, rang=True)
    return None


def _wanted(person: Reachable, user_id: int, news: Sequence[News]) -> list[News]:
    """Return the entries that the person's settings let ring. Cost: a query on the person's shard, if they ask whom
    they follow."""
    wants = {each.entry.id: person.wants.get(SETTING_OF.get(each.entry.kind, ""), "off") for each in news}
    asked = {each.entry.actor_id for each in news if wants[each.entry.id] == FromWhom.FOLLOWING}
    followed = followed_among(user_id, asked) if asked else set()
    return [
        each
        for each in news
        if wants[each.entry.id] in {"on", FromWhom.EVERYONE}
        or (wants[each.entry.id] == FromWhom.FOLLOWING and each.entry.actor_id in followed)
    ]


def _too_old() -> float:
    return time.time() - settings.PUSH_GIVE_UP_S
