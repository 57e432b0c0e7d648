"""What workers do for photos."""

from jobs import task
from photos import storage
from photos.services import likes


@task("photos.copy_like", queue="fast")
def copy_like(*, photo_id: int, user_id: int, version: int) -> None:
    """Bring a liker's copy up to the photo's shard. Safe to repeat, in any order."""
    likes.copy_like(photo_id=photo_id, user_id=user_id, version=version)


@task("photos.purge", queue="network")
def purge(*, photo_id: int, stem: str) -> None:
    """Delete a deleted photo's files. Safe to repeat."""
    storage.delete_renditions(stem)
