"""Photos that staff has taken down: out of every answer at once, kept for an undo, deleted at last.

A held photo keeps its row, likes, comments, numbers, its places in inboxes and News; every read asks for state VISIBLE
and so leaves it out. Its files get new names below prv/, given to nobody but staff, and the old ones go from store
and edge. Putting it back is the same the other way round. Only giving it up deletes, as its author would.
"""

from collections.abc import Sequence

from caching import delete_after_commit
from instagram.errors import NotFound
from jobs import Again, enqueue
from photos import storage
from photos.models import Photo, State
from photos.queries.bodies import BODY_KIND
from photos.services import privacy
from photos.services.publish import let_go
from sharding import Shard, counters, photo_map, shard_of_object


def hold_photo(photo_id: int) -> Photo:
    """Take a photo down; return it as it was. Safe to repeat: a held one stays held.

    Raises NotFound for one that is deleted or was never there, ShardUnavailable.
    """
    shard = _shard(photo_id)
    with shard.atomic(), shard.cursor() as cursor:
        photo = _locked(shard, photo_id)
        if photo.state == State.HELD:
            return photo
        _set_state(shard, photo, State.HELD)
        cursor.execute("DELETE FROM local.newest_photo WHERE photo_id = %s", [photo_id])
        counters.add(shard, counters.USER_MEDIA, photo.author_id, -1)
        enqueue("photos.hide_files", on=shard, photo_id=photo_id)
    return photo


def put_back(photo_id: int) -> Photo:
    """Undo hold_photo(): show a photo as if it had never been away. Safe to repeat.

    Raises NotFound for one that is deleted meanwhile, ShardUnavailable.
    """
    shard = _shard(photo_id)
    with shard.atomic(), shard.cursor() as cursor:
        photo = _locked(shard, photo_id)
        if photo.state == State.VISIBLE:
            return photo
        _set_state(shard, photo, State.VISIBLE)
        cursor.execute(
            "INSERT INTO local.newest_photo (photo_id, author_id, logical_shard) VALUES (%s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            [photo_id, photo.author_id, shard.number],
        )
        counters.add(shard, counters.USER_MEDIA, photo.author_id, 1)
        # News kept it, too; only whom its caption mentions may not have been told yet.
        enqueue("notifications.note_photo", on=shard, photo_id=photo_id, author_id=photo.author_id)
        # Most inboxes kept it. Those filled or rebuilt meanwhile did not get it, nor those it was still on its way to.
        enqueue("feeds.fan_out", on=shard, photo_id=photo_id, author_id=photo.author_id)
        # Its files are below prv/: of a public account they move back under new names.
        enqueue("photos.rehome", on=shard, author_id=photo.author_id)
    photo_map.remember({photo_id: photo.author_id})
    return photo


def give_up(photo_id: int) -> None:
    """Delete a held photo for good, with all that hangs on it. Safe to repeat; one that was put back stays."""
    shard = _shard(photo_id)
    with shard.atomic():
        photo = shard.model(Photo).objects.select_for_update().filter(id=photo_id, state=State.HELD).first()
        if photo is not None:
            let_go(shard, photo)


def hide_files(photo_id: int, *, moves: Sequence[privacy.Move]) -> Again | None:
    """Give a held photo's files names that nobody was told; the old ones go at once. Safe to repeat.

    moves: empty at first; then the move to carry out, written down before the first copy. Raises ShardUnavailable,
    StorageUnavailable.
    """
    shard = _shard(photo_id)
    for each in moves:
        privacy.move(shard, *each, state=State.HELD)
    if moves or (photo := held_photo(photo_id)) is None:
        return None
    return Again(moves=[(photo_id, photo.image_stem, storage.new_stem(private=True))])


def held_photo(photo_id: int) -> Photo | None:
    """Return a photo that is held, None for any other. For staff alone. Cost: one query. Raises ShardUnavailable."""
    return _shard(photo_id).model(Photo).objects.filter(id=photo_id, state=State.HELD).first()


def _shard(photo_id: int) -> Shard:
    try:
        return shard_of_object(photo_id)
    except ValueError:
        raise NotFound(what="media") from None


def _locked(shard: Shard, photo_id: int) -> Photo:
    found = shard.model(Photo).objects.select_for_update()
    photo = found.filter(id=photo_id).exclude(state=State.DELETED).first()
    if photo is None:
        raise NotFound(what="media")
    return photo


def _set_state(shard: Shard, photo: Photo, state: State) -> None:
    photo.state = state
    photo.save(update_fields=["state"])
    enqueue("photos.index_photo", on=shard, photo_id=photo.id)
    delete_after_commit(shard, BODY_KIND, [photo.id])
