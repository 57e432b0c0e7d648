"""The directory of tags, in main."""

import hashlib
from typing import Any

from django.db.models import Case, IntegerField, Value, When

from caching import get_or_load_many

from ..models import Tag

#: What everybody types first is asked of the database once in PREFIX_TTL_S: prefixes this short have many tags.
SHORT_PREFIX, PREFIX_TTL_S = 2, 30
#: Tags kept of a short prefix.
SHORT_PREFIX_TAGS = 50
PREFIX_KIND = "tagprefix:1"


def tags_beginning(prefix: str, *, count: int) -> list[tuple[str, int]]:
    """Return (name, media count) of tags, `prefix` itself first, then those with the most photos.

    prefix: of tag_named(); count: at most SHORT_PREFIX_TAGS. Cost: one query on main by the index of prefixes, short
    ones cached.
    """
    if len(prefix) > SHORT_PREFIX:
        return _read(prefix, count)
    # As a digest: a memcached key takes ASCII only.
    key = hashlib.md5(prefix.encode(), usedforsecurity=False).hexdigest()

    def load(_: list[str]) -> dict[str, Any]:
        return {key: _read(prefix, SHORT_PREFIX_TAGS)}

    found = get_or_load_many(PREFIX_KIND, [key], load, ttl_s=PREFIX_TTL_S)[key]
    return [(name, media_count) for name, media_count in found[:count]]


def is_hidden(tag: str) -> bool:
    """Return whether staff hid the tag. Cost: one query on main."""
    return Tag.objects.filter(name=tag, hidden=True).exists()


def _read(prefix: str, count: int) -> list[tuple[str, int]]:
    exact = Case(When(name=prefix, then=Value(0)), default=Value(1), output_field=IntegerField())
    tags = Tag.objects.filter(name__startswith=prefix, media_count__gt=0, hidden=False)
    return list(tags.order_by(exact, "-media_count", "name").values_list("name", "media_count")[:count])
