"""What a deletion takes of cross-posting: of a photo its author's shares, of a person links with their tokens, too."""

from accounts.services.deletion import Batch
from sharding import shard_of

from .models import LinkedService, Share

#: Shares in one batch.
SHARES = 500


def forget_shares(photo_id: int, *, author_id: int) -> None:
    """Delete the author's own shares of a deleted photo. Safe to repeat.

    Other people's stay: they say what they did, are found by the person alone, and name nothing but the photo's id.
    """
    shard_of(author_id).model(Share).objects.filter(user_id=author_id, photo_id=photo_id).delete()


def erase_shares(user_id: int) -> Batch:
    """Delete a person's links and a batch of their shares; what was posted elsewhere stays there. Repeatable."""
    links, _ = LinkedService.objects.filter(user=user_id).delete()
    mine = shard_of(user_id).model(Share).objects.filter(user_id=user_id)
    batch = list(mine.values_list("photo_id", "service")[:SHARES])
    mine.filter(photo_id__in={photo_id for photo_id, _ in batch}).delete()
    return Batch(links + len(batch), {} if len(batch) == SHARES else None)
