"""Reads about photos. None writes."""

from .bodies import PhotoBody, bodies, body_of, is_published
from .engagement import Samples, comments_of, counts_of, liked_by, likers_of, samples_of
from .owners import owners_of
from .pages import photos_by

__all__ = [
    "PhotoBody",
    "Samples",
    "bodies",
    "body_of",
    "comments_of",
    "counts_of",
    "is_published",
    "liked_by",
    "likers_of",
    "owners_of",
    "photos_by",
    "samples_of",
]
