"""What goes in and comes out, per verb and path. A test asserts that every route stands here."""

from dataclasses import dataclass

from api.schema.components import (
    COUNT,
    FLAG,
    ID,
    NULL,
    TEXT,
    URL,
    Schema,
    an_object,
    list_of,
    nullable,
    ref,
)
from notifications.push import preferences
from notifications.push.models import Environment
from photos.filters import NAMES

NUMBER: Schema = {"type": "integer"}
SECONDS: Schema = {"type": "integer", "minimum": 0, "maximum": 4_102_444_800, "description": "seconds since 1970"}
LATITUDE: Schema = {"type": "number", "minimum": -90, "maximum": 90}
LONGITUDE: Schema = {"type": "number", "minimum": -180, "maximum": 180}
ONE_OR_ZERO: Schema = {"type": "integer", "enum": [0, 1]}
FILE: Schema = {"type": "string", "format": "binary"}
REASON: Schema = {"type": "string", "enum": ["spam", "nudity", "violence", "harassment", "copyright", "other"]}


def _choice(*names: str) -> Schema:
    return {"type": "string", "enum": list(names)}


@dataclass(frozen=True)
class Operation:
    """One verb of one path. params: name -> schema, "!" after a name: required; they go into the query of a GET or
    DELETE, else into the body. page: keys that `pagination` may have, None: there is no pagination. picture: what
    is answered is a JPEG by itself, and `data` says nothing."""

    summary: str
    data: Schema
    params: dict[str, Schema] | None = None
    page: tuple[str, ...] | None = None
    picture: bool = False


_MEDIA, _MEDIA_LIST = ref("Media"), list_of(ref("Media"))
_MINIS = list_of(ref("UserMini"))
_ID_PAGE = ("next_max_id", "next_url")
_BY_ID: dict[str, Schema] = {"count": NUMBER, "max_id": TEXT, "min_id": TEXT}
_BY_TIME = _BY_ID | {"max_timestamp": SECONDS, "min_timestamp": SECONDS}
_CURSOR: dict[str, Schema] = {"count": NUMBER, "cursor": ID}
_ENTRIES: dict[str, Schema] = {"count": NUMBER, "max_id": ID}
_TAG_PAGE = (
    "next_max_tag_id", "min_tag_id", "next_url", "next_max_id", "next_min_id", "deprecation_warning",
)  # fmt: skip
_CIRCLE: dict[str, Schema] = {"lat": LATITUDE, "lng": LONGITUDE, "distance": NUMBER, "count": NUMBER}
_REPORT: dict[str, Schema] = {"reason!": REASON, "text": TEXT}
_UPLOAD_ID: Schema = TEXT | {"maxLength": 64}
_PASSWORD: dict[str, Schema] = {"password!": TEXT}
_SUBSCRIPTION: dict[str, Schema] = {
    "object!": _choice("user", "tag", "location", "geography"),
    "object_id": TEXT,
    "lat": LATITUDE,
    "lng": LONGITUDE,
    "radius": NUMBER,
    "aspect!": _choice("media"),
    "callback_url!": URL,
    "verify_token": TEXT,
}
_ENVIRONMENT = _choice(*Environment.values)
_PUSH_SETTINGS: dict[str, Schema] = {name: _choice(*choices) for name, choices in preferences.CHOICES.items()}

OPERATIONS: dict[str, Operation] = {
    "GET v1/users/<user_id>": Operation("A person", ref("User")),
    "GET v1/users/self/feed": Operation("The home feed", _MEDIA_LIST, _BY_ID, _ID_PAGE),
    "GET v1/users/<user_id>/media/recent": Operation("A person's photos", _MEDIA_LIST, _BY_TIME, _ID_PAGE),
    "GET v1/users/self/media/liked": Operation(
        "Photos I like, latest like first",
        _MEDIA_LIST,
        {"count": NUMBER, "max_like_id": ID},
        ("next_max_like_id", "next_url"),
    ),
    "GET v1/users/search": Operation("People by name", _MINIS, {"q!": TEXT, "count": NUMBER}),
    "GET v1/users/<user_id>/follows": Operation("Whom they follow", _MINIS, _CURSOR, ("next_cursor", "next_url")),
    "GET v1/users/<user_id>/followed-by": Operation("Who follows them", _MINIS, _CURSOR, ("next_cursor", "next_url")),
    "GET v1/users/self/requested-by": Operation("Who waits for my approval", _MINIS, None, ()),
    "GET v1/users/<user_id>/relationship": Operation("How I stand with a person", ref("Relationship")),
    "POST v1/users/<user_id>/relationship": Operation(
        "Follow, unfollow, block, unblock, approve, ignore",
        ref("Relationship"),
        {"action!": _choice("follow", "unfollow", "block", "unblock", "approve", "ignore", "deny")},
    ),
    "GET v1/media/<media_id>": Operation("A photo", _MEDIA),
    "DELETE v1/media/<media_id>": Operation("Delete my photo", NULL),
    "GET v1/media/shortcode/<code>": Operation("A photo by the code in its link", _MEDIA),
    "GET v1/media/search": Operation(
        "Photos near a point, of the last five days if no time is given",
        _MEDIA_LIST,
        _CIRCLE | {"min_timestamp": SECONDS, "max_timestamp": SECONDS},
    ),
    "GET v1/media/popular": Operation("Photos that many like now", _MEDIA_LIST, {"count": NUMBER}),
    "POST v1/media": Operation(
        "Upload a photo",
        _MEDIA,
        {
            "photo": FILE,
            "caption": TEXT,
            "filter": _choice(*NAMES),
            "filtered": ONE_OR_ZERO,
            "border": ONE_OR_ZERO,
            "tilt_shift": _choice("none", "radial", "linear"),
            "lux": {"type": "number", "minimum": 0, "maximum": 1},
            "lat": LATITUDE,
            "lng": LONGITUDE,
            "location_id": ID,
            "foursquare_v2_id": TEXT,
            "location_name": TEXT,
            "share_to": TEXT,
            "upload_id": _UPLOAD_ID,
            "taken_at": SECONDS,
        },
    ),
    "POST v1/media/uploads": Operation(
        "Upload a picture before its caption", ref("Upload"), {"photo!": FILE, "upload_id": _UPLOAD_ID}
    ),
    "GET v1/media/uploads": Operation("My pictures that wait for their captions", list_of(ref("Upload"))),
    "DELETE v1/media/uploads": Operation("Throw a waiting picture away", NULL, {"upload_id!": _UPLOAD_ID}),
    "GET v1/media/<media_id>/receipt": Operation("What became of my upload", nullable(ref("Receipt"))),
    "GET v1/media/<media_id>/comments": Operation("All comments, oldest first", list_of(ref("Comment"))),
    "POST v1/media/<media_id>/comments": Operation("Comment", ref("Comment"), {"text!": TEXT}),
    "DELETE v1/media/<media_id>/comments/<comment_id>": Operation("Delete a comment", NULL),
    "GET v1/media/<media_id>/likes": Operation("Who likes a photo, latest first", _MINIS),
    "POST v1/media/<media_id>/likes": Operation("Like", NULL),
    "DELETE v1/media/<media_id>/likes": Operation("Like no more", NULL),
    "GET v1/tags/<name>": Operation("A tag", ref("Tag")),
    "GET v1/tags/<name>/media/recent": Operation(
        "Photos of a tag, in order of tagging",
        _MEDIA_LIST,
        {"count": NUMBER, "max_tag_id": ID, "min_tag_id": ID, "max_id": ID, "min_id": ID},
        _TAG_PAGE,
    ),
    "GET v1/tags/search": Operation("Tags by prefix", list_of(ref("Tag")), {"q!": TEXT, "count": NUMBER}),
    "GET v1/locations/<location_id>": Operation("A place", ref("Location")),
    "GET v1/locations/<location_id>/media/recent": Operation("Photos of a place", _MEDIA_LIST, _BY_TIME, _ID_PAGE),
    "GET v1/locations/search": Operation(
        "Places near a point or by an outer id",
        list_of(ref("Location")),
        _CIRCLE | {"foursquare_v2_id": TEXT, "foursquare_id": TEXT, "facebook_places_id": TEXT},
    ),
    "POST v1/locations": Operation(
        "Make a place",
        ref("Location"),
        {"name!": TEXT, "lat!": LATITUDE, "lng!": LONGITUDE, "foursquare_v2_id": TEXT},
    ),
    "GET v1/geographies/<geography_id>/media/recent": Operation(
        "Photos in a subscribed circle", _MEDIA_LIST, _BY_ID, ("next_max_id", "next_min_id", "next_url")
    ),
    "POST v1/subscriptions": Operation("Subscribe", ref("Subscription"), _SUBSCRIPTION),
    "GET v1/subscriptions": Operation("My subscriptions", list_of(ref("Subscription"))),
    "DELETE v1/subscriptions": Operation(
        "Unsubscribe",
        NULL,
        {"id": ID, "object": _choice("all", "user", "tag", "location", "geography"), "object_id": TEXT},
    ),
    "GET v1/subscriptions/<subscription_id>/deliveries": Operation(
        "What was delivered in the last day", list_of(ref("Delivery")), _CURSOR, ("next_cursor", "next_url")
    ),
    "POST v1/subscriptions/<subscription_id>/deliveries/<delivery_id>/replay": Operation(
        "Deliver again", ref("Delivery")
    ),
    "POST v1/accounts": Operation(
        "Sign up",
        an_object(access_token=TEXT, user=ref("User")),
        {"username!": TEXT, "password!": TEXT, "email!": TEXT, "full_name": TEXT, "phone": TEXT, "picture": FILE},
    ),
    "GET v1/accounts/check_username": Operation(
        "Is a name free?", an_object(username=TEXT, available=FLAG), {"username!": TEXT}
    ),
    "POST v1/accounts/password_reset": Operation(
        "Ask for a mail to set a new password", NULL, {"email": TEXT, "username": TEXT}
    ),
    "POST v1/accounts/password_reset/confirm": Operation(
        "Set a new password with the mail's token", NULL, {"token!": TEXT, "new_password!": TEXT}
    ),
    "GET v1/accounts/self": Operation("My account", ref("OwnAccount")),
    "POST v1/accounts/self": Operation(
        "Change my account",
        ref("OwnAccount"),
        {
            "full_name": TEXT,
            "bio": TEXT,
            "website": TEXT,
            "email": TEXT,
            "phone": TEXT,
            "is_private": ONE_OR_ZERO,
            "picture": FILE,
        },
    ),
    "POST v1/accounts/self/confirm_email": Operation("Mail me the link that confirms my address", NULL),
    "POST v1/accounts/self/password": Operation(
        "Change my password", NULL, {"old_password!": TEXT, "new_password!": TEXT}
    ),
    "POST v1/accounts/self/deactivate": Operation("Be hidden until I sign in again", NULL, _PASSWORD),
    "POST v1/accounts/self/reactivate": Operation("Be back", NULL, _PASSWORD),
    "DELETE v1/accounts/self": Operation("Delete everything of mine in 14 days", NULL, _PASSWORD),
    "GET v1/accounts/self/deletion": Operation("How far the deletion is", ref("Deletion")),
    "POST v1/accounts/self/export": Operation("Make an archive of everything of mine", NULL),
    "GET v1/accounts/self/export": Operation("Where the archive is", an_object(status=TEXT, url=nullable(URL))),
    "POST v1/accounts/logout": Operation("Give the token back", NULL),
    "POST v1/media/<media_id>/report": Operation("Report a photo", NULL, _REPORT),
    "POST v1/users/<user_id>/report": Operation("Report a person", NULL, _REPORT),
    "POST v1/media/<media_id>/comments/<comment_id>/report": Operation("Report a comment", NULL, _REPORT),
    "POST v1/media/<media_id>/share": Operation(
        "Post a photo at other services", list_of(ref("Share")), {"share_to!": TEXT, "text": TEXT}
    ),
    "GET v1/media/<media_id>/shares": Operation("What became of my shares of a photo", list_of(ref("Share"))),
    "GET v1/users/self/services": Operation("My accounts at other services", list_of(ref("LinkedService"))),
    "POST v1/users/self/services/<service>": Operation(
        "Link my account at a service",
        ref("LinkedService"),
        {"oauth_token!": TEXT, "oauth_secret": TEXT, "account!": TEXT},
    ),
    "DELETE v1/users/self/services/<service>": Operation("Unlink it", NULL),
    "GET v1/users/self/blocked": Operation("Whom I blocked", _MINIS, _CURSOR, ("next_cursor", "next_url")),
    "POST v1/users/lookup": Operation(
        "People by mail addresses and telephone numbers, or hashes of them",
        list_of(ref("UserFound")),
        {"emails": TEXT, "phones": TEXT, "email_hashes": TEXT, "phone_hashes": TEXT},
    ),
    "GET v1/users/suggested": Operation("People I might follow", _MINIS, {"count": NUMBER}),
    "GET v1/users/card": Operation(
        "A profile's head, of private accounts too", ref("UserCard"), {"id": ID, "username": TEXT}
    ),
    "GET v1/users/self/activity": Operation("My News", list_of(ref("Activity")), _ENTRIES, _ID_PAGE),
    "GET v1/users/self/activity/following": Operation(
        "What those did whom I follow", list_of(ref("Activity")), _ENTRIES, _ID_PAGE
    ),
    "GET v1/users/self/activity/unseen": Operation("How much of my News I have not seen", an_object(count=COUNT)),
    "POST v1/users/self/activity/seen": Operation("I have seen my News up to an entry", NULL, {"max_id": ID}),
    "POST v1/devices": Operation(
        "Let a phone ring for me",
        an_object(id=ID, token=TEXT, platform=_choice("ios"), environment=_ENVIRONMENT),
        {
            "token!": TEXT,
            "platform": _choice("ios"),
            "environment": _ENVIRONMENT,
            "app_version": TEXT | {"maxLength": 30},
            "locale": TEXT | {"maxLength": 30},
        },
    ),
    "DELETE v1/devices/<device_token>": Operation("Let a phone ring no more", NULL),
    "GET v1/users/self/settings/push": Operation("What I am rung for", an_object(_PUSH_SETTINGS)),
    "POST v1/users/self/settings/push": Operation(
        "Change what I am rung for", an_object(_PUSH_SETTINGS), _PUSH_SETTINGS
    ),
    "POST v1/users/<user_id>/bell": Operation("Tell me when they post", NULL),
    "DELETE v1/users/<user_id>/bell": Operation("Tell me no more when they post", NULL),
    "GET v1/filters": Operation("The filters", list_of(ref("Filter"))),
    "POST v1/filters/preview": Operation(
        "See a picture in one filter, or in all that are offered in a row",
        NULL,
        {
            "photo!": FILE,
            "filter": _choice(*NAMES),
            "border": ONE_OR_ZERO,
            "tilt_shift": _choice("none", "radial", "linear"),
            "lux": {"type": "number", "minimum": 0, "maximum": 1},
            "size": {"type": "integer", "minimum": 60, "maximum": 612},
        },
        picture=True,
    ),
}
