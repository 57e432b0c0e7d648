"""What people do with photos."""

from .comments import add_comment, delete_comment
from .likes import like_photo, unlike_photo
from .publish import delete_photo, publish

__all__ = ["add_comment", "delete_comment", "delete_photo", "like_photo", "publish", "unlike_photo"]
