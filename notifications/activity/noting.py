"""Bringing News up to what an act's authority says now: told by jobs, which repeat, come late and out of order.

On the recipient's own shard (likes, comments, follows, requests) the authority's row is locked while the entry is
written, so what undoes it comes after, with a newer version. Elsewhere (mentions, accepted requests) the authority is
read once more after the write, and what was undone meanwhile is taken back.
"""

from collections.abc import Callable, Iterable
from typing import Any

from psycopg2 import sql

from accounts import visibility
from accounts.address_books import forget_looked_up, who_looked_up
from accounts.discovery import ids_by_username
from accounts.models import Status
from accounts.queries import profiles
from accounts.services.suspension import is_going
from jobs import Again
from photos.mentions import mentions_in
from photos.models import State
from photos.queries import counts_of
from photos.queries.servers import select_all
from sharding import Shard, ShardUnavailable, shard_of, shard_of_object

from .models import Kind
from .queries import oldest_shown
from .services import Act, end, end_photo, forget_deed, note, note_deed

#: Comments of a deleted photo looked through in one run.
COMMENTS = 500


def note_like(photo_id: int, *, owner_id: int, user_id: int, version: int) -> None:
    """Note a like with the photo's owner and for the liker's followers, or its end.

    Cost: three statements on the photo's shard, one or two on the liker's.
    """
    shard, act, leaving = shard_of_object(photo_id), Act(Kind.LIKE, user_id, photo_id), _is_leaving(user_id)
    with shard.atomic():
        like_id = _like(shard, photo_id, user_id)
        if like_id is None:
            end(owner_id, act, version=version, for_good=leaving)
        else:
            note(owner_id, act, version=like_id, photo_id=photo_id)
    if like_id is not None:
        note_deed(act, like_id)
    # A like of before this one is none any more, whichever job comes last.
    now = _like(shard, photo_id, user_id)
    forget_deed(act, up_to=max(version, like_id or 0) if now is None else now - 1)


def note_edge(*, follower_id: int, followee_id: int, version: int, approved: bool) -> None:
    """Note what became of a follow, unless the edge has moved on: then that change has a job of its own.

    approved: the follow was a request before. Cost: four statements on the followee's shard, three on the follower's.
    """
    shard, leaving = shard_of(followee_id), _is_leaving(follower_id)
    with shard.atomic():
        status = _edge_at(shard, follower_id, followee_id, version)
        if status is None:
            return
        for kind, stands in {
            # Of a request the owner has just approved it is no news to them that it is a follow.
            Kind.FOLLOW: status == Status.FOLLOWS and not approved,
            Kind.FOLLOW_REQUEST: status == Status.REQUESTED,
        }.items():
            if stands:
                note(followee_id, Act(kind, follower_id), version=version)
            else:
                end(followee_id, Act(kind, follower_id), version=version, for_good=leaving)
    accepted, deed = Act(Kind.REQUEST_ACCEPTED, followee_id), Act(Kind.FOLLOW, follower_id, followee_id)
    if status == Status.FOLLOWS and approved:
        note(follower_id, accepted, version=version)
    else:
        end(follower_id, accepted, version=version, for_good=_is_leaving(followee_id))
    if status == Status.FOLLOWS:
        note_deed(deed, version)
    if _edge_at(shard, follower_id, followee_id, version) is None:
        end(follower_id, accepted, version=version)
        forget_deed(deed, up_to=version)
    else:
        forget_deed(deed, up_to=version - (status == Status.FOLLOWS))


def note_comment(photo_id: int, *, comment_id: int, owner_id: int, author_id: int) -> None:
    """Note a comment with the photo's owner, the people it mentions and for its author's followers; or its end.

    Cost: two statements on the photo's shard, one on the author's; with mentions one query on main and for each of the
    mentioned their visibility and a statement on their shard.
    """
    shard, leaving = shard_of_object(photo_id), _is_leaving(author_id)
    act, facts = Act(Kind.COMMENT, author_id, comment_id), {"photo_id": photo_id, "comment_id": comment_id}
    with shard.atomic():
        text, is_there = _comment(shard, comment_id)
        if is_there and author_id != owner_id:
            note(owner_id, act, version=comment_id, **facts)
        elif not is_there:
            end(owner_id, act, version=comment_id, for_good=leaving)
    mention, deed = Act(Kind.MENTION, author_id, comment_id), Act(Kind.COMMENT, author_id, photo_id)
    mentioned = _mentioned(text, but={owner_id, author_id})
    if is_there:
        note_deed(deed, comment_id)
        _note_mentions(mentioned, mention, owner_id=owner_id, version=comment_id, **facts)
        _, is_there = _comment(shard, comment_id)
    if not is_there:
        forget_deed(deed, since=comment_id, up_to=comment_id)
        for user_id in mentioned:
            end(user_id, mention, version=comment_id, for_good=leaving)


def note_photo(photo_id: int, *, author_id: int, after: int = 0) -> Again | None:
    """Note a photo with whom its caption mentions; take every entry of a deleted one out, some comments at a time.

    after: the last comment looked at. Cost: see note_comment(); reads would leave a deleted photo's entries out anyway.
    """
    shard, act = shard_of_object(photo_id), Act(Kind.MENTION, author_id, photo_id)
    caption, is_there = _caption(shard, photo_id)
    mentioned = _mentioned(caption, but={author_id})
    if is_there:
        _note_mentions(mentioned, act, owner_id=author_id, version=photo_id, photo_id=photo_id)
        _, is_there = _caption(shard, photo_id)
    if is_there:
        return None
    query = sql.SQL(
        "SELECT id, text FROM {} WHERE photo_id = %s AND id > %s AND state = 0 ORDER BY id LIMIT %s"
    ).format(shard.table("photos_comment"))
    with shard.cursor() as cursor:
        cursor.execute(query, [photo_id, after, COMMENTS])
        comments = cursor.fetchall()
    concerned = {author_id, *mentioned}
    for _, text in comments:
        concerned |= _mentioned(text, but=concerned)
    _end_photo(photo_id, concerned)
    return Again(after=comments[-1][0]) if len(comments) == COMMENTS else None


def forget_mentions(photo_id: int, names: Iterable[str]) -> None:
    """Take a deleted photo out of the News of people its texts named. Cost: one query on main, a statement for each."""
    _end_photo(photo_id, _people_called(names))


def note_popular(photos: dict[int, int], *, likes: int) -> None:
    """Tell authors that their photos reached Popular, each once, from so many likes on. photos: id -> author.

    Photos older than what News keeps are passed over: nobody knows any more whether they were told of.
    Cost: two queries per server, and a statement for each new one.
    """
    told_before = (
        "SELECT entry.object_id FROM {} AS photo JOIN {} AS entry ON entry.user_id = photo.author_id"
        " AND entry.kind = 'popular' AND entry.actor_id = photo.author_id AND entry.object_id = photo.id"
        " WHERE photo.id = ANY(%s)"
    )
    young = [photo_id for photo_id in photos if photo_id > oldest_shown()]
    rows = select_all(told_before, ["photos_photo", "notifications_activity"], young)
    news = set(young).difference(photo_id for (photo_id,) in rows)
    for photo_id, (liked, _) in counts_of(news).items():
        if liked >= likes:
            author_id = photos[photo_id]
            note(author_id, Act(Kind.POPULAR, author_id, photo_id), version=photo_id, photo_id=photo_id)


def note_joined(user_id: int) -> None:
    """Tell who had looked somebody up before they were here. Cost: two queries on main, a statement for each."""

    def tell(other_id: int) -> None:
        if visibility.whole_sight_of(other_id, [user_id]).may_name(user_id):
            note(other_id, Act(Kind.FRIEND_JOINED, user_id), version=0)

    _for_each(set(who_looked_up(user_id)) - {user_id}, tell)
    forget_looked_up(user_id)


def _is_leaving(user_id: int) -> bool:
    """Return whether somebody's acts end for good: who was shut out by staff may come back, who is deleted does not.

    Asked before a transaction: it may read main.
    """
    person = profiles([user_id]).get(user_id)
    return person is None or (not person.is_active and is_going(user_id))


def _note_mentions(user_ids: Iterable[int], act: Act, *, owner_id: int, **facts: int) -> None:
    """Note a mention at an owner's photo with those who may see it. Raises ShardUnavailable after the others."""

    def tell(user_id: int) -> None:
        sight = visibility.whole_sight_of(user_id, {owner_id, act.actor_id})
        if sight.may_see(owner_id) and sight.may_name(act.actor_id):
            note(user_id, act, owner_id=owner_id, **facts)

    _for_each(user_ids, tell)


def _end_photo(photo_id: int, user_ids: Iterable[int]) -> None:
    _for_each(user_ids, lambda user_id: end_photo(photo_id, user_id))


def _for_each(user_ids: Iterable[int], tell: Callable[[int], None]) -> None:
    """Tell everybody who can be told now. Raises ShardUnavailable after that if anybody was left out."""
    away = None
    for user_id in user_ids:
        try:
            tell(user_id)
        except ShardUnavailable as error:
            away = error
    if away is not None:
        raise away


def _mentioned(text: str, *, but: set[int]) -> set[int]:
    """Return the people a text mentions. Of "@anna." it is "anna." if somebody is called so, else "anna"."""
    return _people_called(mentions_in(text)) - but


def _people_called(names: Iterable[str]) -> set[int]:
    names = list(names)
    if not names:
        return set()
    found = ids_by_username({each for name in names for each in (name, name.rstrip("."))})
    ids = {found.get(name) or found.get(name.rstrip(".")) for name in names}
    return {user_id for user_id in ids if user_id is not None}


def _like(shard: Shard, photo_id: int, user_id: int) -> int | None:
    """Return the id of somebody's like, None if there is none; locked, in a transaction."""
    query = sql.SQL("SELECT id FROM {} WHERE photo_id = %s AND user_id = %s FOR KEY SHARE").format(
        shard.table("photos_like")
    )
    row = _one(shard, query, [photo_id, user_id])
    return row[0] if row else None


def _edge_at(shard: Shard, follower_id: int, followee_id: int, version: int) -> Status | None:
    """Return what an edge's authority says, None if it is of another version; locked, in a transaction.

    An erased edge has ended.
    """
    query = sql.SQL("SELECT status, version FROM {} WHERE followee_id = %s AND follower_id = %s FOR SHARE").format(
        shard.table("accounts_follower")
    )
    row = _one(shard, query, [followee_id, follower_id])
    if row is None:
        return Status.NONE
    return Status(row[0]) if row[1] == version else None


def _comment(shard: Shard, comment_id: int) -> tuple[str, bool]:
    """Return a comment's text and whether it is there; locked, in a transaction."""
    query = sql.SQL("SELECT text, state FROM {} WHERE id = %s FOR SHARE").format(shard.table("photos_comment"))
    text, state = _one(shard, query, [comment_id]) or ("", State.DELETED)
    return text, state == State.VISIBLE


def _caption(shard: Shard, photo_id: int) -> tuple[str, bool]:
    query = sql.SQL("SELECT caption, state FROM {} WHERE id = %s").format(shard.table("photos_photo"))
    caption, state = _one(shard, query, [photo_id]) or ("", State.DELETED)
    return caption, state == State.VISIBLE


def _one(shard: Shard, query: sql.Composable, arguments: list[Any]) -> Any:
    with shard.cursor() as cursor:
        cursor.execute(query, arguments)
        return cursor.fetchone()
