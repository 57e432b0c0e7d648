"""Finding who is to be told of a photo, and noting it. All of it may run twice: each update is one row, once."""

import time
from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import visibility
from accounts.queries import profiles
from jobs import enqueue_many
from photos.hashtags import hashtags_in
from photos.queries import PhotoBody, body_of
from sharding.ids import created_time_of

from ..models import Callback, GeographyMedia, Kind, Subscription, Update
from ..queries import geographies_around, matching_subscriptions, owner_comments

#: Seconds beyond its next step for which a callback counts as cared for: jobs may be late.
AWAKE_MARGIN_S = 300


def match_photo(photo_id: int) -> None:
    """Note a new photo for the subscriptions it concerns, and have their callbacks called.

    A private author's photos concern `user` subscriptions alone. Raises NotFound for a deleted photo.
    Cost: the body and the profile from the cache, two queries and a transaction on main.
    """
    body = body_of(photo_id)
    if (author := profiles([body.author_id]).get(body.author_id)) is None or not author.is_active:
        return
    around = [] if body.latitude is None else geographies_around(body.latitude, body.longitude or 0.0)
    # Whoever may see it: a private account may become public, and readers of a geography ask for visibility.
    GeographyMedia.objects.bulk_create(
        [GeographyMedia(geography_id=each, photo_id=photo_id, author_id=body.author_id) for each in around],
        ignore_conflicts=True,
    )
    public = body.author_id in visibility.visible_authors(None, [body.author_id])
    found = matching_subscriptions(
        author_id=body.author_id,
        tags=hashtags_in(body.caption) if public else [],
        location_id=body.location_id if public else None,
        geography_ids=around if public else [],
    )
    _note(body, found, created_time_of(photo_id))


def match_comment(photo_id: int, comment_id: int) -> None:
    """Note a photo for the tags that its owner's comment added. Raises NotFound for a deleted photo.

    Cost: as match_photo(), and one query on the photo's shard.
    """
    body = body_of(photo_id)
    if body.author_id not in visibility.visible_authors(None, [body.author_id]):
        return
    comments = owner_comments(photo_id, body.author_id, up_to=comment_id)
    if comment_id not in comments:
        return  # deleted again
    before = hashtags_in(body.caption, *(text for each, text in comments.items() if each != comment_id))
    added = [tag for tag in hashtags_in(comments[comment_id]) if tag not in before]
    if added:
        _note(body, matching_subscriptions(author_id=None, tags=added), created_time_of(comment_id))


def _note(body: PhotoBody, subscriptions: Iterable[Subscription], moment: int) -> None:
    found = list(subscriptions)
    if not found or moment < time.time() - settings.CALLBACK_GIVE_UP_S:
        return  # a match this late would be dropped, and its row may have been purged: it could come twice
    with transaction.atomic():
        callbacks = list(
            Callback.objects.select_for_update().filter(pk__in={each.callback_id for each in found}).order_by("pk")
        )
        # Again, under the locks: some may be gone meanwhile.
        there = set(Subscription.objects.filter(pk__in=[each.pk for each in found]).values_list("pk", flat=True))
        Update.objects.bulk_create(
            [
                Update(
                    subscription=each,
                    photo_id=body.id,
                    object_id=str(body.author_id) if each.object == Kind.USER else each.object_id or "",
                    time=moment,
                )
                for each in found
                if each.pk in there
            ],
            ignore_conflicts=True,
        )
        wake(callbacks, delay_s=settings.CALLBACK_BATCH_S)


def wake(callbacks: Iterable[Callback], *, delay_s: float) -> None:
    """Have callbacks called for which nobody does it already; the caller has them locked, in a transaction on main."""
    now = timezone.now()
    asleep = [each for each in callbacks if each.awake_until is None or each.awake_until < now]
    Callback.objects.filter(pk__in=[each.pk for each in asleep]).update(
        awake_until=now + timedelta(seconds=delay_s + AWAKE_MARGIN_S)
    )
    enqueue_many("notifications.deliver", [{"callback_id": each.pk} for each in asleep], delay_s=delay_s)
