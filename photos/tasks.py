"""What workers do for photos."""

from accounts.services.deletion import run_step
from jobs import Again, periodic, task
from photos import storage
from photos.queries import photos_by
from photos.services import erasing, exporting, indexes, likes, tag_totals
from sharding import Server, shard_of, shard_of_object

#: Photos in one batch of relist_author.
RELIST_BATCH = 200


@task("photos.copy_like", queue="fast")
def copy_like(*, photo_id: int, user_id: int, version: int) -> None:
    """Bring a liker's copy up to the photo's shard. Safe to repeat, in any order."""
    likes.copy_like(photo_id=photo_id, user_id=user_id, version=version)


@task("photos.purge", queue="network")
def purge(*, photo_id: int, stem: str) -> None:
    """Delete a deleted photo's files. Safe to repeat."""
    storage.delete_renditions(stem)


@task("photos.delete_picture", queue="network")
def delete_picture(*, stem: str) -> None:
    """Delete the files of a profile picture that was replaced. Safe to repeat."""
    storage.delete_renditions(stem)


@task("photos.make_export", queue="network", lease_s=120)
def make_export(*, export_id: int) -> None:
    """Make the archive of all a person owns. Safe to repeat."""
    exporting.make_export(export_id)


@task("photos.delete_private", queue="network")
def delete_private(*, key: str) -> None:
    """Delete the file of an archive whose time is over. Safe to repeat."""
    storage.delete_private(key)


@task("photos.erase_photos", queue="network")
def erase_photos(*, user_id: int) -> Again | None:
    """Delete a batch of a deleted person's photos. Safe to repeat."""
    return run_step("photos", user_id, lambda: erasing.erase_photos(user_id))


@task("photos.erase_likes", queue="feed")
def erase_likes(*, user_id: int) -> Again | None:
    """Take back a batch of a deleted person's likes. Safe to repeat."""
    return run_step("likes", user_id, lambda: erasing.erase_likes(user_id))


@task("photos.erase_comments", queue="feed")
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
