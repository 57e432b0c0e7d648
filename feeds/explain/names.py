"""How operators name photos and people."""

import re

from accounts.models import User
from instagram.errors import NotFound
from sharding.ids import MAX_ID, id_of_shortcode

_LINK = re.compile(r"/p/([^/?#]+)")


def photo_named(text: str) -> int:
    """Return the photo's id of an id, an id with its author's (as answers show it), a short code or a photo's link.

    Raises ValueError for anything else. Digits alone are an id.
    """
    if link := _LINK.search(text):
        text = link[1]
    number, _, author = text.partition("_")
    if number.isdecimal() and (not author or author.isdecimal()) and int(number) <= MAX_ID:
        return int(number)
    return id_of_shortcode(text)


def person_named(text: str) -> int:
    """Return the id of a person by id or user name. Raises NotFound for a name that nobody has."""
    by_name = User.objects.filter(username=text.lower().removeprefix("@")).values_list("pk", flat=True).first()
    if by_name is not None:
        return by_name
    if not text.isdecimal():
        raise NotFound(what="user")
    return int(text)
