"""Photo ids to Media objects, in bulk: the same number of round trips for one photo and for a hundred."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.conf import settings

from accounts import visibility
from accounts.queries import Profile, followed_among
from api.v1.present_users import present_brief, present_mini
from photos.hashtags import hashtags_in
from photos.queries import Engagement, PhotoBody, bodies, engagement_of, liked_by
from photos.queries.engagement import CommentFacts
from photos.storage import image_url
from sharding.ids import created_time_of, shortcode_of

_RENDITIONS = {"low_resolution": 306, "thumbnail": 150, "standard_resolution": 612}


def present_media(photo_ids: Sequence[int], viewer_id: int | None) -> list[dict[str, Any]]:
    """Return Media objects in the order asked, without those the viewer may not see, deleted or unreadable ones.

    Cost: bodies, engagement, people and standings a multi-get each, with what they miss; liked-by-me and
    followed-by-me one query each.
    """
    found = bodies(photo_ids)
    # Of the likers those whom the viewer follows first.
    prefer = partial(followed_among, viewer_id) if viewer_id is not None else None
    engagement = engagement_of(found, prefer=prefer)
    people = {user_id for photo_id, facts in engagement.items() for user_id in _people_of(found[photo_id], facts)}
    # Before anything is shown: authors, likers and commenters in one go.
    sight = visibility.sight_of(viewer_id, people)
    shown = [found[each] for each in photo_ids if each in engagement and sight.may_see(found[each].author_id)]
    named = {user_id: profile for user_id, profile in sight.people.items() if sight.may_name(user_id)}
    liked = liked_by(viewer_id, [body.id for body in shown]) if viewer_id is not None and shown else set()
    return [
        _media(body, engagement[body.id], named)
        | ({"user_has_liked": body.id in liked} if viewer_id is not None else {})
        for body in shown
    ]


def present_comment(comment: CommentFacts, author: Profile) -> dict[str, Any]:
    """Return a Comment object."""
    return {
        "id": str(comment.id),
        "text": comment.text,
        "created_time": str(created_time_of(comment.id)),
        "from": present_mini(author),
    }


def _people_of(body: PhotoBody, facts: Engagement) -> set[int]:
    return {body.author_id, *facts.liker_ids, *(comment.author_id for comment in facts.latest)}


def _media(body: PhotoBody, facts: Engagement, people: dict[int, Profile]) -> dict[str, Any]:
    author = people[body.author_id]
    return {
        "id": f"{body.id}_{body.author_id}",
        "type": "image",
        "filter": body.filter,
        "tags": list(dict.fromkeys([*hashtags_in(body.caption), *facts.owner_tags])),
        "created_time": str(created_time_of(body.id)),
        "link": None if author.is_private else f"{settings.WEB_BASE_URL}/p/{shortcode_of(body.id)}/",
        "attribution": None,
        "user": present_brief(author),
        "caption": _caption(body, author),
        "comments": {
            "count": facts.comments,
            "data": [present_comment(c, people[c.author_id]) for c in facts.latest if c.author_id in people],
        },
        "likes": {
            "count": facts.likes,
            "data": [present_mini(people[user_id]) for user_id in facts.liker_ids if user_id in people],
        },
        "images": {
            name: {"url": image_url(body.image_stem, side), "width": side, "height": side}
            for name, side in _RENDITIONS.items()
        },
        "users_in_photo": [],
        "location": _location(body),
    }


def _caption(body: PhotoBody, author: Profile) -> dict[str, Any] | None:
    if not body.caption or body.caption_id is None:
        return None
    return present_comment(CommentFacts(body.caption_id, body.id, body.author_id, body.caption), author)


def _location(body: PhotoBody) -> dict[str, Any] | None:
    if body.latitude is None:
        return None
    place = {"latitude": body.latitude, "longitude": body.longitude}
    if body.location_id is None:
        return place
    return {"id": str(body.location_id), "name": body.location_name} | place
