"""Popular: public photos of the last two days by likes, fading with time, one of each person; one list for everybody.

Computed every POPULAR_PERIOD_S from each server's log of newest photos, kept in main and, for readers, in memcached.
Who may see what is decided when it is shown.
"""

import heapq
import time
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import visibility
from caching import delete_after_commit, get_or_load_many
from jobs import enqueue
from photos.queries import bodies, counts_of
from sharding import Server, gather, main_server, physical_servers, replicas
from sharding.ids import MAX_ID, created_time_of, first_id_at

from .models import PopularList

POPULAR_KIND = "popular:1"
_ALL = "all"
#: The one row of PopularList.
_ROW = 1
#: Photos whose likes are read in one go.
BATCH = 1_000


def popular() -> dict[int, int]:
    """Return {photo id: author id}, most popular first, at most POPULAR_LENGTH.

    Cost: one multi-get; a miss one query on main; where no list was ever made, making one.
    """
    found = get_or_load_many(POPULAR_KIND, [_ALL], lambda _: {_ALL: _stored()}, ttl_s=settings.POPULAR_PERIOD_S)
    return dict(found[_ALL])


def popular_for(viewer_id: int | None) -> list[int]:
    """Return the photos of the list that this viewer may be shown, most popular first. None: nobody known.

    Cost: popular(), and as visibility.public_photos().
    """
    return visibility.public_photos(viewer_id, popular())


def refresh() -> None:
    """Make the list anew, unless somebody did a moment ago. Safe to repeat, by several at once."""
    since = timezone.now() - timedelta(seconds=settings.POPULAR_PERIOD_S / 2)
    if not PopularList.objects.filter(pk=_ROW, computed_at__gt=since).exists():
        make()


def make() -> list[list[int]]:
    """Make the list anew, store it, return it as [photo id, author id]. Cost: see ranked()."""
    photos = [[photo_id, author_id] for photo_id, author_id in ranked().items()]
    with transaction.atomic():
        PopularList.objects.update_or_create(pk=_ROW, defaults={"photos": photos, "computed_at": timezone.now()})
        delete_after_commit(main_server(), POPULAR_KIND, [_ALL])
        if photos:
            enqueue("notifications.note_popular", photos=photos)
    return photos


def drop(photo_id: int) -> None:
    """Take a deleted photo out of the list. Harmless to repeat. Cost: one query on main, where it is not in it."""
    with transaction.atomic():
        stored = PopularList.objects.select_for_update().filter(pk=_ROW, photos__contains=[[photo_id]]).first()
        if stored is not None:
            stored.photos = [photo for photo in stored.photos if photo[0] != photo_id]
            stored.save(update_fields=["photos"])
            delete_after_commit(main_server(), POPULAR_KIND, [_ALL])


def ranked() -> dict[int, int]:
    """Return {photo id: author id}, most popular first: the last POPULAR_HOURS, then older ones if those are too few.

    Cost: POPULAR_CANDIDATES ids of each server, their likes in batches, profiles of their authors.
    """
    since = first_id_at(time.time() - settings.POPULAR_HOURS * 3600)
    fresh = _newest(above=since - 1)
    # What was popular stays a candidate, however many came after it, while it is there.
    fresh |= {photo_id: body.author_id for photo_id, body in bodies(_previous()).items() if photo_id >= since}
    chosen = _best(fresh, settings.POPULAR_LENGTH, set())
    if len(chosen) < settings.POPULAR_LENGTH:
        older = _newest(below=since)
        chosen |= _best(older, settings.POPULAR_LENGTH - len(chosen), set(chosen.values()))
    return chosen


def _best(photos: dict[int, int], most: int, taken: set[int]) -> dict[int, int]:
    """Return the photos with the best scores, one of each public author who is not taken."""
    public = visibility.public_authors(None, set(photos.values()) - taken)
    ids = [photo_id for photo_id, author_id in photos.items() if author_id in public]
    now = time.time()
    best: dict[int, tuple[float, int]] = {}
    for start in range(0, len(ids), BATCH):
        for photo_id, (likes, _) in counts_of(ids[start : start + BATCH]).items():
            score = (_score(likes, now - created_time_of(photo_id)), photo_id)
            author_id = photos[photo_id]
            best[author_id] = max(score, best.get(author_id, score))
    chosen = heapq.nlargest(most, best.values())
    return {photo_id: photos[photo_id] for _, photo_id in chosen}


def _score(likes: int, age_s: float) -> float:
    """Return likes fading with age: after two hours to a third, after a day to a fiftieth (as Hacker News ranks)."""
    return likes / (max(age_s, 0) / 3600 + 2) ** 1.5


def _newest(*, above: int = 0, below: int = MAX_ID) -> dict[int, int]:
    """Return {photo id: author id} from the servers' logs, POPULAR_CANDIDATES of each that answers."""

    def ask(server: Server, _: None) -> list[tuple[int, int]]:
        # The list is minutes old when it is shown, and what may be shown is decided then.
        return replicas.rows(
            server,
            "SELECT photo_id, author_id FROM local.newest_photo WHERE photo_id > %s AND photo_id < %s"
            " ORDER BY photo_id DESC LIMIT %s",
            [above, below, settings.POPULAR_CANDIDATES],
        )

    answers = gather(dict.fromkeys(physical_servers()), ask)
    return {photo_id: author_id for rows in answers.values() for photo_id, author_id in rows}


def _previous() -> dict[int, int]:
    stored = PopularList.objects.filter(pk=_ROW).values_list("photos", flat=True).first()
    return dict(stored or [])


def _stored() -> list[list[int]]:
    stored = PopularList.objects.filter(pk=_ROW).values_list("photos", flat=True).first()
    return make() if stored is None else stored
