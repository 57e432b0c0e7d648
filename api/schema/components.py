"""The contract's objects (docs/api.md, 5) as JSON schemas. Clients index without checking: all keys are required."""

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
ID: Schema = {"type": "string", "pattern": "^[0-9]+$"}
MEDIA_ID: Schema = {"type": "string", "pattern": "^[0-9]+_[0-9]+$"}
EPOCH: Schema = {"type": "string", "pattern": "^[0-9]+$", "description": "seconds since 1970"}
COUNT: Schema = {"type": "integer", "minimum": 0}
DEGREES: Schema = {"type": "number", "format": "double"}
URL: Schema = {"type": "string", "format": "uri"}
SERVICE: Schema = {
    "type": "string",
    "enum": ["twitter", "facebook", "tumblr", "flickr", "foursquare", "posterous"],
}
FLAG: Schema = {"type": "boolean"}


def ref(name: str) -> Schema:
    """Return a reference to one of COMPONENTS."""
    return {"$ref": f"#/components/schemas/{name}"}


def an_object(
    named: Mapping[str, Schema] | None = None,
    /,
    *,
    closed: bool = False,
    optional: tuple[str, ...] = (),
    **more: Schema,
) -> Schema:
    """Return an object whose keys are all there but the optional ones; closed: no others may be."""
    properties = {**(named or {}), **more}
    required = [name for name in properties if name not in optional]
    schema: Schema = {"type": "object", "properties": properties}
    # An empty list of required keys is no valid OpenAPI.
    return schema | ({"required": required} if required else {}) | ({"additionalProperties": False} if closed else {})


def list_of(items: Schema) -> Schema:
    """Return a list."""
    return {"type": "array", "items": items}


def nullable(schema: Schema) -> Schema:
    """Return the same or null."""
    return {"allOf": [schema], "nullable": True} if "$ref" in schema else schema | {"nullable": True}


NULL: Schema = {"nullable": True, "enum": [None]}

_ACTIVITY_TYPES = [
    "like", "comment", "mention", "follow", "follow_request", "request_accepted", "popular", "friend_joined",
    "service_unlinked",
]  # fmt: skip
_MINI = {"id": ID, "username": TEXT, "full_name": TEXT, "profile_picture": URL}
_BRIEF = _MINI | {"bio": TEXT, "website": TEXT}
_COUNTS = an_object(closed=True, media=COUNT, follows=COUNT, followed_by=COUNT)


def _sample(items: Schema) -> Schema:
    return an_object(closed=True, count=COUNT, data=list_of(items) | {"maxItems": 8})


COMPONENTS: dict[str, Schema] = {
    "UserMini": an_object(_MINI),
    "UserBrief": an_object(_BRIEF),
    "User": an_object(_BRIEF, counts=_COUNTS),
    "UserCard": an_object(_BRIEF, counts=_COUNTS, relationship=ref("Relationship")),
    "UserFound": an_object(_MINI, relationship=ref("Relationship")),
    "OwnAccount": an_object(_BRIEF, counts=_COUNTS, email=TEXT, email_confirmed=FLAG, phone=TEXT, is_private=FLAG),
    "Deletion": an_object(
        closed=True,
        status={"type": "string", "enum": ["none", "scheduled", "deleting", "deleted"]},
        delete_time=nullable(EPOCH),
        steps=list_of(an_object(closed=True, name=TEXT, done=FLAG, erased=COUNT)),
    ),
    "Comment": an_object({"id": ID, "text": TEXT, "created_time": EPOCH, "from": ref("UserMini")}),
    "Image": an_object(closed=True, url=URL, width=COUNT, height=COUNT),
    "Location": an_object(id=ID, name=TEXT, latitude=DEGREES, longitude=DEGREES),
    "Place": an_object(optional=("id", "name"), id=ID, name=TEXT, latitude=DEGREES, longitude=DEGREES),
    "Media": an_object(
        optional=("user_has_liked", "distance", "shares"),
        id=MEDIA_ID,
        type={"type": "string", "enum": ["image"]},
        filter=TEXT,
        tags=list_of(TEXT),
        created_time=EPOCH,
        link=nullable(URL),
        attribution=NULL,
        user=ref("UserBrief"),
        caption=nullable(ref("Comment")),
        comments=_sample(ref("Comment")),
        likes=_sample(ref("UserMini")),
        images=an_object(
            closed=True,
            low_resolution=ref("Image"),
            thumbnail=ref("Image"),
            standard_resolution=ref("Image"),
        ),
        users_in_photo=list_of({}) | {"maxItems": 0},
        user_has_liked=FLAG,
        location=nullable(ref("Place")),
        distance={"type": "number", "format": "double", "description": "metres; in media/search alone"},
        shares=list_of(ref("Share")),
    ),
    "Relationship": an_object(
        closed=True,
        outgoing_status={"type": "string", "enum": ["follows", "requested", "none"]},
        incoming_status={"type": "string", "enum": ["followed_by", "requested_by", "blocked_by_you", "none"]},
        target_user_is_private=FLAG,
    ),
    "Tag": an_object(name=TEXT, media_count=COUNT),
    "Share": an_object(
        optional=("url", "reason"),
        service=SERVICE,
        status={"type": "string", "enum": ["queued", "sent", "failed", "not_linked"]},
        url=TEXT,
        reason=TEXT,
    ),
    "LinkedService": an_object(service=SERVICE, linked=FLAG, account=nullable(TEXT)),
    "Upload": an_object(closed=True, upload_id=TEXT, expires_at=EPOCH),
    "Receipt": an_object(
        closed=True,
        media_id=MEDIA_ID,
        received=an_object(closed=True, format=TEXT, bytes=COUNT, width=COUNT, height=COUNT, sha256=TEXT),
        removed=an_object(closed=True, gps=FLAG, metadata=FLAG),
        done=an_object(closed=True, filter=TEXT, drawn=FLAG, border=FLAG, tilt_shift=TEXT, lux=DEGREES),
        renditions=list_of(an_object(closed=True, side=COUNT, url=URL, bytes=COUNT, md5=TEXT)),
        original={"type": "string", "enum": ["kept", "stripped", "off", "over_quota", "not_strippable", "lost"]},
        milliseconds=an_object(closed=True, render=COUNT, store=COUNT, database=COUNT),
        rerendered=nullable(an_object({"at": EPOCH, "from": {"type": "string", "enum": ["original", "rendition"]}})),
    ),
    "Subscription": an_object(
        id=ID,
        type={"type": "string", "enum": ["subscription"]},
        object={"type": "string", "enum": ["user", "tag", "location", "geography"]},
        object_id=nullable(TEXT),
        aspect={"type": "string", "enum": ["media"]},
        callback_url=URL,
    ),
    "Delivery": an_object(
        id=ID,
        status=TEXT,
        created_time=EPOCH,
        attempts=COUNT,
        last_attempt_time=nullable(EPOCH),
        http_status=nullable(COUNT),
        error=nullable(TEXT),
        payload=list_of({}),
    ),
    "Activity": an_object(
        {
            "id": ID,
            "type": {"type": "string", "enum": _ACTIVITY_TYPES},
            "created_time": EPOCH,
            "seen": FLAG,
            "from": ref("UserMini"),
            "media": nullable(an_object(id=MEDIA_ID, thumbnail=ref("Image"))),
            "comment": nullable(an_object(id=ID, text=TEXT)),
            "user": nullable(ref("UserMini")),
        }
    ),
    "Filter": an_object(name=TEXT, code=nullable(COUNT), active=FLAG),
    "Meta": an_object(code={"type": "integer", "enum": [200]}),
    "Error": an_object(
        closed=True,
        meta=an_object(
            optional=("errors",),
            code={"type": "integer", "minimum": 400},
            error_type=TEXT,
            error_message=TEXT,
            errors={"type": "object", "additionalProperties": list_of(TEXT)},
        ),
    ),
    "FlatError": an_object(code={"type": "integer", "minimum": 400}, error_type=TEXT, error_message=TEXT),
}
