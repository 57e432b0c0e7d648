"""What workers do for photos."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings

from accounts.services.deletion import run_step
from jobs import Again, periodic, task
from photos import storage
from photos.queries import photos_by
from photos.services import erasing, exporting, holding, indexes, likes, privacy, purging, tag_totals, unpublished
from photos.services.proof import facts_of, prove_files_gone, prove_rows_gone
from sharding import Server, shard_of, shard_of_object

#: Photos in one batch of relist_author.
RELIST_BATCH = 200


@task("photos.copy_like", queue="fast")
def copy_like(*, photo_id: int, user_id: int, version: int) -> None:
    """Bring a liker's copy up to the photo's shard. Safe to repeat, in any order."""
    likes.copy_like(photo_id=photo_id, user_id=user_id, version=version)


@task("photos.purge", queue="network")
def purge(*, stem: str, photo_id: int = 0, proof: bool = False) -> Again | None:
    """Delete a photo's renditions from store and CDN, then prove that they are gone. Safe to repeat.

    photo_id: for whoever reads the job.
    """
    if proof:
        prove_files_gone(stem)
        return None
    purging.purge_files(storage.keys_of(stem))
    return Again(proof=True, delay_s=settings.DELETION_PROOF_S)


@task("photos.erase_photo", queue="feed_large")
def erase_photo(*, photo_id: int, facts: dict[str, Any] | None = None) -> Again | None:
    """Delete a batch of what hangs on a deleted photo, at last its row, then prove that it is gone. Safe to repeat.

    facts: by what it was found, once it is erased.
    """
    if facts is not None:
        prove_rows_gone(photo_id, facts)
        return None
    shard = shard_of_object(photo_id)
    facts = facts_of(shard, photo_id)
    done = purging.erase(shard, [photo_id])
    return Again(facts=facts, delay_s=settings.DELETION_PROOF_S) if done else Again()


@task("photos.rehome", queue="network", lease_s=60)
def rehome(*, author_id: int, after: int = 0, moves: Sequence[privacy.Move] = ()) -> Again | None:
    """Bring a batch of somebody's photos where their account's privacy says, under new names. Safe to repeat."""
    return privacy.rehome(author_id, after=after, moves=moves)


@task("photos.hide_files", queue="network", lease_s=60)
def hide_files(*, photo_id: int, moves: Sequence[privacy.Move] = ()) -> Again | None:
    """Give a photo that staff took down files of names nobody was told. Safe to repeat."""
    return holding.hide_files(photo_id, moves=moves)


@task("photos.drop_ended_like", queue="fast")
def drop_ended_like(*, photo_id: int, user_id: int, version: int) -> None:
    """Delete a liker's copy of a like that ended a while ago. Safe to repeat, in any order."""
    likes.drop_ended_like(photo_id=photo_id, user_id=user_id, version=version)


@task("photos.discard_objects", queue="network")
def discard_objects(*, stem: str, original_stem: str) -> None:
    """Delete objects that no photo names: renditions, an original; either may be empty. Safe to repeat."""
    # No address of theirs was ever told, so no edge has a copy.
    renditions = storage.keys_of(stem) if stem else []
    storage.delete_keys(renditions + ([storage.original_key(original_stem)] if original_stem else []))


@task("photos.delete_picture", queue="network")
def delete_picture(*, stem: str, proof: bool = False) -> Again | None:
    """Delete the files of a profile picture that was replaced, then prove that they are gone. Safe to repeat."""
    return purge(stem=stem, proof=proof)


@task("photos.make_export", queue="network", lease_s=120)
def make_export(*, export_id: int) -> None:
    """Make the archive of all a person owns. Safe to repeat."""
    exporting.make_export(export_id)


@task("photos.delete_private", queue="network")
def delete_private(*, key: str) -> None:
    """Delete the file of an archive whose time is over. Safe to repeat."""
    purging.purge_files([key])


@task("photos.erase_photos", queue="network")
def erase_photos(*, user_id: int) -> Again | None:
    """Delete a batch of a deleted person's photos. Safe to repeat."""
    return run_step("photos", user_id, lambda: erasing.erase_photos(user_id))


@task("photos.erase_likes", queue="feed_large")
def erase_likes(*, user_id: int) -> Again | None:
    """Take back a batch of a deleted person's likes. Safe to repeat."""
    return run_step("likes", user_id, lambda: erasing.erase_likes(user_id))


@task("photos.erase_comments", queue="feed_large")
def erase_comments(*, user_id: int, shard_number: int = 0) -> Again | None:
    """Delete a batch of a deleted person's comments, then those on the next logical shards. Safe to repeat."""
    return run_step("comments", user_id, lambda: erasing.erase_comments(user_id, shard_number=shard_number))


@task("photos.index_photo", queue="feed")
def index_photo(*, photo_id: int, gone_tags: list[str] | None = None) -> None:
    """Bring tags, location and cell of a photo up to its owner's shard. Safe to repeat, in any order.

    gone_tags: tags of a deleted comment, which the photo may have lost.
    """
    indexes.index_photos(shard_of_object(photo_id), [photo_id], gone_tags=gone_tags or ())


@task("photos.relist_author", queue="feed")
def relist_author(*, author_id: int, below: int | None = None) -> Again | None:
    """List or unlist one batch of the photos of somebody who went private, public, away or came back."""
    photo_ids = photos_by(author_id, **({} if below is None else {"below": below}), count=RELIST_BATCH)
    if photo_ids:
        indexes.index_photos(shard_of(author_id), photo_ids)
    return Again(below=photo_ids[-1]) if len(photo_ids) == RELIST_BATCH else None


@periodic("photos.copy_tag_totals", seconds=3, each_server=True)
def copy_tag_totals(server: Server) -> None:
    """Copy a server's changed tag totals to the directory in main."""
    if not server.is_main:
        tag_totals.copy_changed(server)


@periodic("photos.expire_unpublished", seconds=30, each_server=True)
def expire_unpublished(server: Server) -> None:
    """Throw away what was stored and never published, and uploads that waited too long for their captions."""
    if not server.is_main:
        unpublished.expire(server)
