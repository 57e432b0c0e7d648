"""Finding people by name."""

import re

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import QuerySet

from . import visibility
from .models import User
from .queries import Profile

#: Read beyond the page, since some may have blocked the viewer.
SPARE = 20
_WORD = re.compile(r"\w+")


def people_named(text: str, *, viewer_id: int | None, count: int) -> list[Profile]:
    """Return people whose username begins with the text, that very name first, then those whose full name's words do.

    text: a leading @ and case do not matter. Nobody who is away or blocked the viewer.
    Cost: one query on main by the index of usernames; when that does not fill the page, one by the index of full names'
    words; then visibility.listed().
    """
    text = text.strip().removeprefix("@").strip().lower()
    wanted = count + SPARE
    begins = _there().filter(username__startswith=text).order_by("username")
    ids = list(begins.values_list("pk", flat=True)[:wanted])
    words = _WORD.findall(text)
    if len(ids) < wanted and words:
        query = SearchQuery(" & ".join(f"{word}:*" for word in words), config="simple", search_type="raw")
        named = _there().annotate(words=SearchVector("full_name", config="simple")).filter(words=query)
        found = named.exclude(pk__in=ids).order_by("full_name", "pk").values_list("pk", flat=True)
        ids += found[: wanted - len(ids)]
    people = visibility.listed(viewer_id, ids)
    return [people[user_id] for user_id in ids if user_id in people][:count]


def _there() -> QuerySet[User]:
    return User.objects.filter(is_active=True, deactivated_at=None)
