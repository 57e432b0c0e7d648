"""What people do with photos."""

from .comments import add_comment, delete_comment
from .indexes import index_photos
from .likes import like_photo, unlike_photo
from .locations import find_or_create_location
from .pictures import store_picture
from .publish import delete_photo, publish, published_under

__all__ = [
    "add_comment",
    "delete_comment",
    "delete_photo",
    "find_or_create_location",
    "index_photos",
    "like_photo",
    "publish",
    "published_under",
    "store_picture",
    "unlike_photo",
]
