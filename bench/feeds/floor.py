"""The floor: one function that makes the reads our endpoint makes, by hand, with nothing around them."""

import hashlib
import time
from typing import Any
from urllib.parse import urlencode

import orjson
from django.conf import settings
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.urls import re_path

from accounts.queries import PROFILE_KIND, STANDING_KIND
from caching.servers import client as memcached
from photos.hashtags import hashtags_in
from photos.queries.bodies import BODY_KIND
from photos.queries.engagement import ENGAGEMENT_KIND
from photos.storage import SUFFIXES
from sharding import counters, placement

_EPOCH_MS: int = settings.ID_EPOCH_MS
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_LIKES, _COMMENTS = counters.PHOTO_LIKES, counters.PHOTO_COMMENTS
_ANONYMOUS = f"{settings.CDN_BASE_URL}/pub/anonymous.jpg"
_SIDES = (("low_resolution", 306), ("thumbnail", 150), ("standard_resolution", 612))
_SUFFIX = {side: f"_{SUFFIXES[side]}.jpg" for _, side in _SIDES}


def feed(request: HttpRequest) -> HttpResponse:
    """Answer the feed."""
    params = request.GET
    token = params["access_token"]
    count = min(int(params.get("count", 20)), 100)
    cache, prefix = memcached(), settings.CACHE_PREFIX
    digest = hashlib.sha256(token.encode()).hexdigest()
    viewer = orjson.loads(cache.get(f"{prefix}token:2:{digest}"))
    me = viewer["user_id"]
    window = int(time.time() // 3600)
    made = cache.incr(f"{prefix}rate:t{viewer['token_id']}:{window}", 1, noreply=False)
    cache.get(f"{prefix}rate:t{viewer['token_id']}:{window - 1}")
    rows = _page(me, count + 1)
    page = rows[:count]
    cached = cache.get_many([f"{prefix}{BODY_KIND}:{photo_id}" for photo_id, _ in page])
    bodies = [orjson.loads(cached[f"{prefix}{BODY_KIND}:{photo_id}"]) for photo_id, _ in page]
    authors = {body["author_id"] for body in bodies}
    ids = [body["id"] for body in bodies]
    # What the endpoint caches of a photo in one entry: numbers, latest likers, latest comments.
    cached = cache.get_many([f"{prefix}{ENGAGEMENT_KIND}:{photo_id}" for photo_id in ids])
    numbers, likers, comments, tags = {}, {}, {}, {}
    for photo_id in ids:
        likes, said, liker_ids, latest, tags[photo_id] = orjson.loads(cached[f"{prefix}{ENGAGEMENT_KIND}:{photo_id}"])
        numbers[_LIKES, photo_id], numbers[_COMMENTS, photo_id] = likes, said
        likers[photo_id], comments[photo_id] = liker_ids, latest
    candidates = list({user for users in likers.values() for user in users})
    mine, followed = _mine(me, ids, candidates)
    for photo_id in ids:
        likers[photo_id] = sorted(likers[photo_id], key=lambda user: user not in followed)[:8]
    shown = {user for users in likers.values() for user in users}
    shown |= {row[1] for rows in comments.values() for row in rows} | authors
    people = _people(cache, prefix, shown)
    # The same look at who blocked me and whom I may see that the endpoint takes.
    _standings(cache, prefix, me, shown - {me})
    minis = {user: _mini(facts) for user, facts in people.items()}
    media = [_media(body, people, minis, numbers, likers, comments, tags, mine) for body in bodies]
    pagination = {}
    if len(rows) > count:
        cursor = f"{page[-1][0]}_{page[-1][1]}"
        query = urlencode([*params.items(), ("max_id", cursor)])
        address = f"http://{request.get_host()}/v1/users/self/feed?{query}"
        pagination = {"next_max_id": cursor, "next_url": address}
    answer = {"meta": {"code": 200}, "data": media, "pagination": pagination}
    response = HttpResponse(orjson.dumps(answer), content_type="application/json; charset=utf-8")
    response["X-Ratelimit-Limit"] = "5000"
    response["X-Ratelimit-Remaining"] = str(5000 - int(made or 0))
    response["Cache-Control"] = "private, no-cache, no-store, must-revalidate"
    return response


def _select(alias: str, query: str, arguments: list[Any]) -> list[tuple[Any, ...]]:
    with connections[alias].cursor() as cursor:
        cursor.execute(query, arguments)
        return cursor.fetchall()


def _home(user_id: int) -> tuple[str, str]:
    number = user_id % settings.LOGICAL_SHARDS
    return placement.server_names()[number], f"s{number:04d}"


def _page(me: int, most: int) -> list[tuple[int, int]]:
    alias, schema = _home(me)
    return _select(
        alias,
        f"(SELECT i.photo_id, i.author_id FROM {schema}.feeds_inbox i JOIN {schema}.accounts_following f"
        " ON f.follower_id = i.user_id AND f.followee_id = i.author_id AND f.status = 'follows'"
        " WHERE i.user_id = %s ORDER BY i.photo_id DESC LIMIT %s) UNION"
        f" (SELECT id, author_id FROM {schema}.photos_photo WHERE author_id = %s AND state = 0"
        " ORDER BY id DESC LIMIT %s) ORDER BY 1 DESC LIMIT %s",
        [me, most, me, most, most],
    )


def _mine(me: int, photo_ids: list[int], users: list[int]) -> tuple[set[int], set[int]]:
    alias, schema = _home(me)
    liked = _select(
        alias,
        f"SELECT photo_id FROM {schema}.photos_liked WHERE user_id = %s AND photo_id = ANY(%s) AND active",
        [me, photo_ids],
    )
    followed = _select(
        alias,
        f"SELECT followee_id FROM {schema}.accounts_following"
        " WHERE follower_id = %s AND followee_id = ANY(%s) AND status = 'follows'",
        [me, users],
    )
    return {row[0] for row in liked}, {row[0] for row in followed}


def _people(cache: Any, prefix: str, user_ids: set[int]) -> dict[int, dict[str, Any]]:
    found = cache.get_many([f"{prefix}{PROFILE_KIND}:{user_id}" for user_id in user_ids])
    people = [orjson.loads(value) for value in found.values()]
    return {person["id"]: person for person in people}


def _standings(cache: Any, prefix: str, me: int, user_ids: set[int]) -> None:
    found = cache.get_many([f"{prefix}{STANDING_KIND}:{user_id}.{me}" for user_id in user_ids])
    assert len(found) == len(user_ids)
    for value in found.values():
        assert not orjson.loads(value)[0]


def _mini(facts: dict[str, Any]) -> dict[str, Any]:
    picture = facts["picture"]
    return {
        "id": str(facts["id"]),
        "username": facts["username"],
        "full_name": facts["full_name"],
        "profile_picture": f"{settings.CDN_BASE_URL}/pub/{picture[:2]}/{picture}_5.jpg" if picture else _ANONYMOUS,
    }


def _seconds(object_id: int) -> str:
    return str(((object_id >> 23) + _EPOCH_MS) // 1000)


def _code(photo_id: int) -> str:
    code = ""
    while photo_id:
        photo_id, digit = divmod(photo_id, 64)
        code = _ALPHABET[digit] + code
    return code


def _media(  # noqa: PLR0917  # by hand, as said
    body: dict[str, Any],
    people: dict[int, dict[str, Any]],
    minis: dict[int, dict[str, Any]],
    numbers: dict[tuple[int, int], int],
    likers: dict[int, list[int]],
    comments: dict[int, list[tuple[Any, ...]]],
    tags: dict[int, list[str]],
    mine: set[int],
) -> dict[str, Any]:
    photo_id, author_id = body["id"], body["author_id"]
    author, mini, said = people[author_id], minis[author_id], comments.get(photo_id, [])
    stem = f"{settings.CDN_BASE_URL}/pub/{body['image_stem'][:2]}/{body['image_stem']}"
    location = None
    if body["latitude"] is not None:
        location = {"latitude": body["latitude"], "longitude": body["longitude"]}
        if body["location_id"] is not None:
            location = {"id": str(body["location_id"]), "name": body["location_name"]} | location
    return {
        "id": f"{photo_id}_{author_id}",
        "type": "image",
        "filter": body["filter"],
        "tags": list(dict.fromkeys([*hashtags_in(body["caption"]), *tags[photo_id]])),
        "created_time": _seconds(photo_id),
        "link": f"{settings.WEB_BASE_URL}/p/{_code(photo_id)}/",
        "attribution": None,
        "user": mini | {"bio": author["bio"], "website": author["website"]},
        "caption": {
            "id": str(body["caption_id"]),
            "text": body["caption"],
            "created_time": _seconds(body["caption_id"]),
            "from": mini,
        }
        if body["caption"]
        else None,
        "comments": {
            "count": numbers.get((_COMMENTS, photo_id), 0),
            "data": [
                {"id": str(row[0]), "text": row[2], "created_time": _seconds(row[0]), "from": minis[row[1]]}
                for row in said
            ],
        },
        "likes": {"count": numbers.get((_LIKES, photo_id), 0), "data": [minis[user] for user in likers[photo_id]]},
        "images": {name: {"url": f"{stem}{_SUFFIX[side]}", "width": side, "height": side} for name, side in _SIDES},
        "users_in_photo": [],
        "location": location,
        "user_has_liked": photo_id in mine,
    }


urlpatterns = [re_path(r"^v1/users/self/feed\Z", feed)]
