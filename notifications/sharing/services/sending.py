"""Posting a share: look what is true now, take the share, ask the service, note the answer.

Between the service's answer and our note a process may die. So the share is marked `begun` before the request, and
whoever finds the mark looks at the service first. What that leaves: docs/crossposting.md.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from accounts import visibility
from accounts.queries import profiles
from instagram.counting import count
from instagram.errors import NotAllowed, NotFound
from photos import storage
from photos.hashtags import hashtags_in
from photos.models import Location
from photos.queries import PhotoBody, body_of, is_published
from sharding import shard_of
from sharding.ids import shortcode_of

from ..adapters import Account, Adapter, Later, Post, Refused, Revoked, adapter_of
from ..adapters.wire import WHOLE_REQUEST
from ..models import Share, Status
from ..queries import link_to, share_of
from .links import end_revoked

#: Longest pause between attempts, seconds.
LONGEST_WAIT_S = 300.0
#: Requests that an attempt may make, each with its full time: so long nobody else is at a share.
REQUESTS_MAX = 5


@dataclass(frozen=True, slots=True)
class Key:
    """Which share, and which asking for it."""

    user_id: int
    photo_id: int
    service: str
    asked: int


@dataclass(frozen=True, slots=True)
class _Attempt:
    """All that an attempt needs, read before the share is taken."""

    key: Key
    adapter: Adapter
    account: Account
    post: Post
    #: Of the link that the account comes from.
    linked_at: datetime


def send(key: Key) -> float | None:
    """Bring a share on; return seconds until the next attempt, None if there is to be none.

    Cost: a few reads, then the service's time in no transaction. Raises ShardUnavailable, StorageUnavailable before
    anything is posted.
    """
    share = share_of(key.user_id, key.photo_id, key.service)
    if share is None or share.asked != key.asked or share.status != Status.QUEUED:
        return None
    adapter, link = adapter_of(key.service), link_to(key.user_id, key.service)
    if adapter is None or link is None:
        _settle(key, Status.NOT_LINKED)
        return None
    linked_at, credentials = link.row.linked_at, link.credentials
    if credentials is None:
        end_revoked(user_id=key.user_id, service=key.service, linked_at=linked_at, photo_id=key.photo_id)
        _settle(key, Status.FAILED, reason=f"{key.service}: please link your account again")
        return None
    try:
        post = _post_of(share)
    except NotFound:
        _settle(key, Status.FAILED, reason="the photo is gone")
        return None
    except NotAllowed as error:
        _settle(key, Status.FAILED, reason=error.message)
        return None
    account = Account(link.row.account, credentials.token, credentials.secret)
    return _attempt(_Attempt(key, adapter, account, post, linked_at))


def _attempt(attempt: _Attempt) -> float | None:
    key, adapter = attempt.key, attempt.adapter
    taken = _take(key)
    if taken is None:
        return None
    if taken.wait_s:
        return taken.wait_s
    # Until the look has told, an earlier attempt may have posted: what keeps us from looking proves nothing.
    begun, earlier = taken.begun, None
    try:
        if begun:
            earlier = adapter.resume(attempt.account, attempt.post)
            begun = False
        url = adapter.post(attempt.account, attempt.post) if earlier is None else earlier
    except Later as later:
        return _put_off(key, later, begun=begun or not later.untouched)
    except Revoked as revoked:
        end_revoked(user_id=key.user_id, service=key.service, linked_at=attempt.linked_at, photo_id=key.photo_id)
        reason = f"{key.service}: our permission was withdrawn, link your account again ({revoked})"
        _settle(key, Status.FAILED, reason=reason, begun=begun)
    except Refused as refused:
        _settle(key, Status.FAILED, reason=f"{key.service}: {refused}", begun=begun)
    else:
        _settle(key, Status.SENT, url=url, begun=False)
    return None


def _post_of(share: Share) -> Post:
    """Return what is to be posted, as things stand now. Raises NotFound, NotAllowed, StorageUnavailable.

    Picture and caption go along with one's own photo of a public account alone. Of a private account's photo nothing
    goes but the link and the words given for this share: who follows the link is shown what its owner lets them see.
    """
    if not is_published(share.photo_id):
        raise NotFound(what="media")
    body = body_of(share.photo_id)
    author = profiles([body.author_id]).get(body.author_id)
    sharer = profiles([share.user_id]).get(share.user_id)
    if author is None or sharer is None or not author.is_active or not sharer.is_active:
        raise NotFound(what="media")
    is_own, is_public = body.author_id == share.user_id, body.author_id in visibility.public_now([body.author_id])
    if not is_own and (not is_public or not visibility.may_see(share.user_id, body.author_id)):
        raise NotAllowed("the photo is not public any more")
    link, photo_id = link_of(body.id), body.id
    if not is_public:
        return Post(link, photo_id, text=share.text, tags=tuple(hashtags_in(share.text)))
    text = share.text or (body.caption if is_own else f"A photo by {author.username}")
    return Post(
        link,
        photo_id,
        text=text,
        tags=tuple(hashtags_in(text)),
        alt=f"Photo by {author.username}: {body.caption}" if body.caption else f"Photo by {author.username}",
        image=storage.read_largest(body.image_stem) if is_own else None,
        venue=_venue_of(body),
        position=None if body.latitude is None or body.longitude is None else (body.latitude, body.longitude),
    )


def link_of(photo_id: int) -> str:
    """Return the address of a photo's page."""
    return f"{settings.WEB_BASE_URL}/p/{shortcode_of(photo_id)}/"


def _venue_of(body: PhotoBody) -> str:
    if body.location_id is None:
        return ""
    venues = Location.objects.filter(pk=body.location_id).values_list("foursquare_v2_id", flat=True)
    return venues.first() or ""


@dataclass(frozen=True, slots=True)
class _Taken:
    """A share that this run may post; or, with wait_s, one that another run is at.

    begun: an earlier run did not come to its end.
    """

    begun: bool
    wait_s: float = 0.0


def _take(key: Key) -> _Taken | None:
    """Mark the share begun and busy; None if it is settled."""
    with shard_of(key.user_id).atomic():
        share = _locked(key)
        if share is None:
            return None
        now = timezone.now()
        if share.busy_until is not None and share.busy_until > now:
            return _Taken(share.begun, (share.busy_until - now).total_seconds() + 0.1)
        taken = _Taken(share.begun)
        share.begun = True
        share.busy_until = now + timedelta(seconds=REQUESTS_MAX * WHOLE_REQUEST * settings.SHARE_TIMEOUT_S)
        share.save(update_fields=["begun", "busy_until"])
    return taken


def _put_off(key: Key, later: Later, *, begun: bool) -> float | None:
    """Note an attempt in vain; return the pause before the next, None when it was the last.

    begun: something may have been posted all the same.
    """
    with shard_of(key.user_id).atomic():
        share = _locked(key)
        if share is None:
            return None
        wait_s = min(settings.SHARE_RETRY_BASE_S * 2.0 ** min(share.tries, 16), LONGEST_WAIT_S)
        # At least what the service wishes; with jitter, so that what failed together does not come back together.
        wait_s = max(wait_s, later.seconds or 0.0) * random.uniform(1.0, 1.25)
        share.tries += 1
        share.reason = f"{key.service}: {later}"
        share.begun = begun
        now = timezone.now()
        if now + timedelta(seconds=wait_s) > share.asked_at + timedelta(seconds=settings.SHARE_GIVE_UP_S):
            share.status, share.busy_until = Status.FAILED, None
            count("shares", service=key.service, result=share.status)
        else:
            share.busy_until = now + timedelta(seconds=wait_s)
        share.save(update_fields=["tries", "reason", "begun", "status", "busy_until"])
    return wait_s if share.status == Status.QUEUED else None


def _settle(key: Key, status: Status, *, url: str = "", reason: str = "", begun: bool | None = None) -> None:
    """Note the end of a share. begun: an attempt may have posted all the same; None: that stays as it is."""
    with shard_of(key.user_id).atomic():
        share = _locked(key)
        if share is not None:
            share.status, share.url, share.reason = status, url, reason
            share.begun, share.busy_until = share.begun if begun is None else begun, None
            share.save(update_fields=["status", "url", "reason", "begun", "busy_until"])
            count("shares", service=key.service, result=str(status))


def _locked(key: Key) -> Share | None:
    """Return the share, locked, if it is still this asking's and not settled."""
    shares = shard_of(key.user_id).model(Share).objects.select_for_update()
    return shares.filter(
        user_id=key.user_id, photo_id=key.photo_id, service=key.service, asked=key.asked, status=Status.QUEUED
    ).first()
