"""The step of a deletion that concerns cross-posting: links with their tokens, and shares."""

from accounts.services.deletion import Batch
from sharding import shard_of

from .models import LinkedService, Share

#: Shares in one batch.
SHARES = 500


def erase_shares(user_id: int) -> Batch:
    """Delete a person's links and a batch of their shares; what was posted elsewhere stays there. Repeatable."""
    links, _ = LinkedService.objects.filter(user=user_id).delete()
    mine = shard_of(user_id).model(Share).objects.filter(user_id=user_id)
    batch = list(mine.values_list("photo_id", "service")[:SHARES])
    mine.filter(photo_id__in={photo_id for photo_id, _ in batch}).delete()
    return Batch(links + len(batch), {} if len(batch) == SHARES else None)
