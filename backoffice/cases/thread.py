"""What stands around a reported comment: by itself many a comment says nothing."""

from dataclasses import dataclass

from accounts.models import User
from backoffice.sharded.reading import Row, Span, comments_of, comments_with
from photos.models import Comment, State
from sharding import ShardUnavailable, shard_of_object

#: Comments before it, and after it.
AROUND = 4


@dataclass(frozen=True, slots=True)
class Said:
    """A comment of the thread. is_it: the reported one."""

    author_id: int
    author: str
    text: str
    state: str
    is_it: bool


def thread_of(comment_id: int) -> list[Said]:
    """Return a comment between its neighbours under the photo, oldest first; empty if it cannot be read.

    Cost: four queries on its shard, one on main.
    """
    try:
        shard = shard_of_object(comment_id)
        here = shard.model(Comment).objects.filter(id=comment_id).first()
    except (ShardUnavailable, ValueError):
        return []
    if here is None:
        return []
    before = comments_of(shard, Span(below=comment_id, count=AROUND), photo_id=here.photo_id).rows
    after = comments_of(shard, Span(above=comment_id, backwards=True, count=AROUND), photo_id=here.photo_id).rows
    rows = [*before[::-1], Row(here.id, here.author_id, here.photo_id), *after[::-1]]
    texts = comments_with(row.id for row in rows)
    names = dict(User.objects.filter(pk__in={row.actor_id for row in rows}).values_list("pk", "username"))
    return [
        Said(
            row.actor_id,
            names.get(row.actor_id, str(row.actor_id)),
            texts[row.id].text,
            State(texts[row.id].state).name.lower(),
            row.id == comment_id,
        )
        for row in rows
        if row.id in texts
    ]
