"""The newest photos of many authors, from their own shards: for pages that an inbox does not reach."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from heapq import nlargest

from sharding import Server, by_server, gather
from sharding.ids import MAX_ID


@dataclass(frozen=True, slots=True)
class Pulled:
    """Photo ids with their authors, newest first. whole: every server answered."""

    photos: list[tuple[int, int]]
    whole: bool


def newest_photos(
    author_ids: Collection[int], *, below: int = MAX_ID, above: int = 0, count: int, all_or_nothing: bool = False
) -> Pulled:
    """Return the `count` newest photos between two cursors (both exclusive).

    Servers that do not answer within PAGE_READ_BUDGET_S are left out; with all_or_nothing they raise ShardUnavailable,
    after the usual time-outs. Cost: two queries per server at most: first a few photos of each author, then more of
    those only who may have more among the newest. Rows read: two of each author, or twice `count` of all, then what is
    newer than the page's end.
    """
    each = max(2, -(-2 * count // max(1, len(author_ids))))
    found, whole = _ask(author_ids, below, above, each, all_or_nothing)
    newest = nlargest(count, found)
    # What is newer than `bound` among the rest is needed: the count-th newest is not older than this.
    bound = newest[-1][0] if len(newest) == count else above
    seen = Counter(author for _, author in found)
    oldest = {author: photo for photo, author in sorted(found, reverse=True)}
    cut = [author for author, number in seen.items() if number == each and oldest[author] > bound]
    if cut:
        # Of each author again from the top: how far the first look went differs from one to the other.
        more, whole_again = _ask(cut, below, bound, count, all_or_nothing)
        newest, whole = nlargest(count, {*found, *more}), whole and whole_again
    return Pulled(newest, whole)


def _ask(
    author_ids: Collection[int], below: int, above: int, each: int, all_or_nothing: bool
) -> tuple[list[tuple[int, int]], bool]:
    def ask(server: Server, ids: list[int]) -> list[tuple[int, int]]:
        with server.cursor() as cursor:
            cursor.execute("SELECT photo_id, author_id FROM local.photos_of(%s, %s, %s, %s)", [ids, below, above, each])
            return cursor.fetchall()

    servers = by_server(author_ids)
    answers = {server: ask(server, ids) for server, ids in servers.items()} if all_or_nothing else gather(servers, ask)
    return [row for rows in answers.values() for row in rows], len(answers) == len(servers)
