"""The Following stream: what those did whom one follows. Merged when it is read.

Every act is written once, on the server of whoever did it (local.deed). Acts outnumber looks at this stream by far:
writing each into every follower's stream would cost more (docs/activity.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from accounts import visibility
from accounts.queries import Profile, blocked_among, follows_page
from photos.queries import PhotoBody, bodies, comments_with_ids
from photos.queries.engagement import CommentFacts
from sharding import Server, by_server, gather
from sharding.ids import MAX_ID

from .models import Kind
from .queries import oldest_shown

#: Of each of some people the newest deeds. Of one a page at most: more cannot be on it.
_NEWEST = (
    "SELECT deed.id, deed.kind, actor.id, deed.object_id FROM unnest(%(actors)s::bigint[]) AS actor (id),"
    " LATERAL (SELECT id, kind, object_id FROM local.deed WHERE actor_id = actor.id AND id < %(below)s"
    " AND id > %(oldest)s ORDER BY id DESC LIMIT %(count)s) AS deed ORDER BY 1 DESC LIMIT %(count)s"
)


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody did, as a reader who may see it all is shown it. id: of the like, the comment or the follow."""

    id: int
    kind: Kind
    actor: Profile
    photo: PhotoBody | None = None
    comment: CommentFacts | None = None
    target: Profile | None = None


@dataclass(frozen=True, slots=True)
class DeedPage:
    """A page, newest first, and the id below which the next one begins (None: there is none)."""

    deeds: list[Deed]
    next_max_id: int | None


def following_page(viewer_id: int, *, below: int | None = None, count: int = 20) -> DeedPage:
    """Return a page of what those did whom the viewer follows: the latest ACTIVITY_FOLLOWED_MAX of them.

    Left out: what concerns the viewer themselves (that is in their News), accounts they may not see, people and owners
    they blocked, whatever is gone; the cursor counts it. A server that is away leaves out its own people.
    Cost: two queries on the viewer's shard, one per server for the acts, one for texts of comments; photos, people and
    standings a multi-get each.
    """
    followed = follows_page(viewer_id, cursor=None, count=settings.ACTIVITY_FOLLOWED_MAX).user_ids
    acts = _acts(followed, below=MAX_ID if below is None else below, count=count + 1)
    page = acts[:count]
    return DeedPage(_shown(viewer_id, page), page[-1][0] if len(acts) > count else None)


#: (id, kind, actor, photo or followee) of an act.
_Act = tuple[int, Kind, int, int]


def _acts(actor_ids: list[int], *, below: int, count: int) -> list[_Act]:
    """Return acts of these people, newest first, at most `count`. Cost: one query per server."""
    facts = {"below": below, "oldest": oldest_shown(), "count": count}

    def ask(server: Server, ids: list[int]) -> list[tuple[int, str, int, int]]:
        with server.cursor() as cursor:
            cursor.execute(_NEWEST, facts | {"actors": ids})
            return cursor.fetchall()

    rows = [row for found in gather(by_server(actor_ids), ask).values() for row in found]
    newest = sorted(rows, reverse=True)[:count]
    return [(act_id, Kind(kind), actor_id, object_id) for act_id, kind, actor_id, object_id in newest]


def _shown(viewer_id: int, acts: Sequence[_Act]) -> list[Deed]:
    """Return acts with what they speak of, without those the viewer may not see."""
    photos = bodies({object_id for _, kind, _, object_id in acts if kind != Kind.FOLLOW})
    comments = comments_with_ids(act_id for act_id, kind, _, _ in acts if kind == Kind.COMMENT)
    everybody = {actor_id for _, _, actor_id, _ in acts} | {photo.author_id for photo in photos.values()}
    everybody |= {object_id for _, kind, _, object_id in acts if kind == Kind.FOLLOW}
    sight = visibility.sight_of(viewer_id, everybody)
    # Of oneself tells one's own News.
    left_out = blocked_among(viewer_id, everybody) | {viewer_id}

    def open_to_viewer(user_id: int) -> bool:
        """Private accounts, even as mere targets of a follow, only to whom they let see them."""
        return user_id not in left_out and sight.may_see(user_id)

    deeds = []
    for act_id, kind, actor_id, object_id in acts:
        if not open_to_viewer(actor_id):
            continue
        actor, photo, comment = sight.people[actor_id], photos.get(object_id), comments.get(act_id)
        if kind == Kind.FOLLOW:
            if open_to_viewer(object_id):
                deeds.append(Deed(act_id, kind, actor, target=sight.people[object_id]))
        elif photo is not None and open_to_viewer(photo.author_id) and (kind == Kind.LIKE or comment is not None):
            deeds.append(Deed(act_id, kind, actor, photo, comment))
    return deeds
