"""What workers do for subscriptions. Every task may run twice, and late."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from instagram.errors import NotFound
from jobs import Again, enqueue_many, periodic, task
from photos.queries.servers import select_all
from sharding import physical_servers, server_named
from sharding.ids import MAX_ID

from .activity import tasks as activity_tasks  # noqa: F401  # registers them
from .models import Callback, Delivery, Geography, GeographyMedia, Outcome, Update
from .push import alerts, marks
from .push import tasks as push_tasks  # noqa: F401  # registers them
from .queries import inside
from .services import deliveries, matching
from .sharing import tasks as sharing_tasks
from .sharing.erasing import forget_shares

__all__ = ["sharing_tasks"]  # loaded with the room's own

#: Requests in one run, so that one busy callback does not keep a worker from the others.
TURNS = 10
#: Photos looked at in one step of filling a geography.
FILL_BATCH = 500
#: Deliveries deleted in one statement, each with up to deliveries.BATCH updates.
PURGE_BATCH = 200

#: Callbacks looked after in one go.
WAKE_BATCH = 100


@task("notifications.match_photo", queue="fast")
def match_photo(*, photo_id: int) -> None:
    """Note a new photo for the subscriptions it concerns. Safe to repeat: an update is a row that is there or not."""
    try:
        matching.match_photo(photo_id)
    except NotFound:
        return  # deleted meanwhile


@task("notifications.match_comment", queue="fast")
def match_comment(*, photo_id: int, comment_id: int) -> None:
    """Note a photo for the tags its owner's comment added. Safe to repeat, as match_photo()."""
    try:
        matching.match_comment(photo_id, comment_id)
    except NotFound:
        return


@task("notifications.forget_photo", queue="fast")
def forget_photo(*, photo_id: int, author_id: int, late: bool = False) -> Again | None:
    """Take a deleted photo out of every geography, and what subscriptions, phones and other services were told of it.

    Safe to repeat. Twice: what was under way at the deletion may put some of it back; none of it is shown meanwhile.
    """
    GeographyMedia.objects.filter(photo_id=photo_id).delete()
    Update.objects.filter(photo_id=photo_id).delete()
    marks.forget_photo(photo_id, author_id=author_id, subject=alerts.subject_of_likes(photo_id))
    forget_shares(photo_id, author_id=author_id)
    return None if late else Again(late=True, delay_s=settings.DELETION_PROOF_S)


@task("notifications.deliver", queue="network", lease_s=60)
def deliver(*, callback_id: int) -> Again | None:
    """Send a callback what waits for it, in order; come again while there is more or an attempt is due later.

    Repeated at the same time it sends nothing twice: one run has the callback, the other waits. A worker that dies
    between the callback's answer and its note is the one case that sends a body again.
    """
    for _ in range(TURNS):
        turn = deliveries.begin(callback_id)
        if turn is None:
            return None
        if isinstance(turn, deliveries.Wait):
            return Again(delay_s=max(turn.seconds, 0.1))
        deliveries.record(turn, *deliveries.attempt(turn))
    return Again()


@task("notifications.fill_geography", queue="feed")
def fill_geography(
    *, geography_id: int, server: str | None = None, below: int = MAX_ID, looked_at: int = 0
) -> Again | None:
    """Put earlier photos into a new geography: the newest GEOGRAPHY_FILL_PHOTOS of each server are looked at.

    A chain per server, so that one that is away holds up its own. Photos posted meanwhile come by match_photo().
    """
    geography = Geography.objects.filter(pk=geography_id).first()
    if geography is None:
        return None
    if server is None:
        chains = [{"geography_id": geography_id, "server": each.name} for each in physical_servers()]
        enqueue_many("notifications.fill_geography", chains)
        return None
    with server_named(server).cursor() as cursor:
        cursor.execute(
            "SELECT photo_id FROM local.newest_photo WHERE photo_id < %s ORDER BY photo_id DESC LIMIT %s",
            [below, FILL_BATCH],
        )
        ids = [row[0] for row in cursor.fetchall()]
    rows = select_all(
        "SELECT id, author_id, latitude, longitude FROM {} WHERE id = ANY(%s) AND state = 0 AND latitude IS NOT NULL",
        ["photos_photo"],
        ids,
    )
    GeographyMedia.objects.bulk_create(
        [
            GeographyMedia(geography=geography, photo_id=photo_id, author_id=author_id)
            for photo_id, author_id, latitude, longitude in rows
            if inside(geography, latitude, longitude)
        ],
        ignore_conflicts=True,
    )
    looked_at += len(ids)
    if len(ids) < FILL_BATCH or looked_at >= settings.GEOGRAPHY_FILL_PHOTOS:
        return None
    return Again(below=ids[-1], looked_at=looked_at)


@periodic("notifications.wake_forgotten", seconds=60)
def wake_forgotten() -> None:
    """Have callbacks called whose job rests as a dead letter. Those whose job is late get a second one: no harm."""
    with transaction.atomic():
        late = Callback.objects.select_for_update(skip_locked=True).filter(awake_until__lt=timezone.now())
        matching.wake(late.order_by("pk")[:WAKE_BATCH], delay_s=0.0)


@periodic("notifications.purge", seconds=600)
def purge() -> None:
    """Delete deliveries, and with them their updates, after DELIVERY_LOG_HOURS; a batch at a time."""
    before = timezone.now() - timedelta(hours=settings.DELIVERY_LOG_HOURS)
    old = Delivery.objects.filter(created_at__lt=before).exclude(status=Outcome.PENDING)
    while True:
        ids = list(old.values_list("pk", flat=True)[:PURGE_BATCH])
        Update.objects.filter(delivery__in=ids).delete()
        Delivery.objects.filter(pk__in=ids).delete()
        if len(ids) < PURGE_BATCH:
            return
