"""Ringing for a post: those whose bell is on for its author, then those who want to know of everybody they follow.

A chain of batches, as the fan-out is; each is two reads for all its people, a claim on each of their servers, the
pushes side by side, and a mark. Who gets one may see the photo: they follow the author, as the author's own shard says,
which no blocked person does. An author on whom nobody has a bell costs one query by key.
"""

import time
from collections.abc import Iterable, Sequence
from typing import Any

from django.conf import settings

from accounts.queries import Profile, follower_batch, profiles
from jobs import Again, enqueue
from photos.queries import PhotoBody, bodies, is_published
from sharding import Server, ShardUnavailable, by_server, shard_of
from sharding.ids import created_time_of

from . import alerts, apns, bells, marks
from .models import Posts
from .preferences import is_anybody_rung_for_every_post, reachable, rung_for_every_post
from .sending import Sent, send

#: Stages of a chain, and of which settings people they tell.
BELLS, FOLLOWERS = "bells", "followers"
_WANTS = {BELLS: {Posts.CHOSEN, Posts.FOLLOWING}, FOLLOWERS: {Posts.FOLLOWING}}


def ring_for(  # the arguments are the chain's cursor
    photo_id: int,
    author_id: int,
    *,
    stage: str = BELLS,
    after: Sequence[int] | None = None,
    only: Sequence[int] | None = None,
    tries: int = 0,
    done: Sequence[int] = (),
) -> Again | None:
    """Ring one batch for a post; return where the next begins, None after the last.

    after: the last one of the batch before: [follower id] of bells, [logical shard, follower id] of followers.
    only: none but these, whose server was away when their batch was rung: waits for it alone.
    tries, done: runs of this batch before this one in which Apple did not take all, and the devices that have it.
    """
    if not apns.is_configured() or created_time_of(photo_id) < time.time() - settings.PUSH_GIVE_UP_S:
        return None
    author, photo = profiles([author_id]).get(author_id), bodies([photo_id]).get(photo_id)
    if author is None or not author.is_active or photo is None or not is_published(photo_id):
        return None
    if stage == FOLLOWERS and not is_anybody_rung_for_every_post():
        return None
    people, following = _batch(author_id, stage, after, only)
    wait = _ring(photo, author, people, stage, done=done, wait_for_servers=only is not None)
    if wait is not None:
        sent, busy_s = wait
        return Again(delay_s=max(sent.wait_s(tries), busy_s), tries=tries + 1, done=[*done, *sent.taken])
    return following


def _batch(
    author_id: int, stage: str, after: Sequence[int] | None, only: Sequence[int] | None
) -> tuple[list[int], Again | None]:
    """Return who is to be told now, and how the chain goes on."""
    if only is not None:
        return list(only), None
    fresh: dict[str, Any] = {"tries": 0, "done": []}
    if stage == BELLS:
        ids = bells.ringing(author_id, after=after[0] if after else -1, limit=settings.PUSH_BATCH)
        if len(ids) == settings.PUSH_BATCH:
            return ids, Again(after=[ids[-1]], **fresh)
        return ids, Again(stage=FOLLOWERS, after=None, **fresh) if is_anybody_rung_for_every_post() else None
    # Few of them want this, so a batch may be larger; no more is pushed than those few.
    followers = follower_batch(
        author_id, shard_numbers=None, after=(after[0], after[1]) if after else None, limit=settings.FAN_OUT_BATCH
    )
    more = len(followers) == settings.FAN_OUT_BATCH
    cursor = [followers[-1] % settings.LOGICAL_SHARDS, followers[-1]] if followers else None
    return rung_for_every_post(followers), Again(after=cursor, **fresh) if more else None


def _claimed(
    photo: PhotoBody, user_ids: Iterable[int], stage: str, *, wait_for_servers: bool
) -> tuple[dict[Server, list[int]], bool]:
    """Claim people on their servers; return who is ours to ring, by server, and whether somebody else is at others."""
    claims: dict[Server, list[int]] = {}
    busy = False
    for server, ids in by_server(user_ids).items():
        try:
            claims[server], at_it = marks.claim_posts(
                server, author_id=photo.author_id, photo_id=photo.id, user_ids=ids
            )
        except ShardUnavailable:
            if wait_for_servers:
                raise
            home = shard_of(photo.author_id)
            told = {"photo_id": photo.id, "author_id": photo.author_id}
            enqueue("notifications.push_post", on=home, **told, stage=stage, only=ids)
        else:
            busy = busy or bool(at_it)
    return claims, busy


def _ring(
    photo: PhotoBody,
    author: Profile,
    user_ids: Iterable[int],
    stage: str,
    *,
    done: Sequence[int],
    wait_for_servers: bool,
) -> tuple[Sent, float] | None:
    """Ring people's phones; return what was not taken yet and how long somebody else may be at it, None if all is done.

    wait_for_servers: raise ShardUnavailable for a server that is away; else its people get a job of their own.
    """
    user_ids = list(user_ids)
    if not user_ids:
        return None
    people = reachable(user_ids)
    wanted = sorted(user_id for user_id, person in people.items() if person.wants["posts"] in _WANTS[stage])
    claims, busy = _claimed(photo, wanted, stage, wait_for_servers=wait_for_servers)
    payload = alerts.of_post(photo, author)
    batch = [
        (
            phone,
            apns.Push(
                token=phone.token,
                sandbox=phone.sandbox,
                apns_id=alerts.apns_id("post", phone.id, user_id, photo.id),
                payload=payload,
                collapse_id=f"post:{photo.id}",
            ),
        )
        for ids in claims.values()
        for user_id in ids
        for phone in people[user_id].phones
        if phone.id not in done
    ]
    sent = send(batch)
    later_devices = set(sent.later)
    later = {phone.user_id for phone, _ in batch if phone.id in later_devices}
    for server, ids in claims.items():
        marks.finish_posts(
            server,
            author_id=author.id,
            rung=[user_id for user_id in ids if user_id not in later],
            not_yet=[user_id for user_id in ids if user_id in later],
        )
    # Who was rung on all their phones is marked; only the others are tried again.
    sent.taken = [phone.id for phone, _ in batch if phone.user_id in later and phone.id not in later_devices]
    return (sent, marks.CLAIM_S if busy else 0.0) if sent.later or busy else None
