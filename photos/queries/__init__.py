"""Reads about photos. None writes."""

from .bodies import PhotoBody, bodies, body_of, is_published
from .engagement import (
    Engagement,
    comment_author_of,
    comments_of,
    comments_with_ids,
    counts_of,
    engagement_of,
    forget_engagement,
    liked_by,
    liked_page,
    likers_of,
)
from .indexes import Nearby, Tagging, media_count_of, tagged_with, taken_at, taken_near
from .locations import location_called, location_of, locations_near
from .owners import author_of_any, owners_of
from .pages import photos_by
from .tags import is_hidden, tags_beginning

__all__ = [
    "Engagement",
    "Nearby",
    "PhotoBody",
    "Tagging",
    "author_of_any",
    "bodies",
    "body_of",
    "comment_author_of",
    "comments_of",
    "comments_with_ids",
    "counts_of",
    "engagement_of",
    "forget_engagement",
    "is_hidden",
    "is_published",
    "liked_by",
    "liked_page",
    "likers_of",
    "location_called",
    "location_of",
    "locations_near",
    "media_count_of",
    "owners_of",
    "photos_by",
    "tagged_with",
    "tags_beginning",
    "taken_at",
    "taken_near",
]
