"""Finding people by what staff has at hand: id, user name, e-mail, phone, name, a photo's id, code or link."""

import re
from urllib.parse import urlsplit

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join

from accounts.models import User, phone_digits
from backoffice import audit
from backoffice.roles import may
from feeds.explain import photo_named
from photos.queries import author_of_any
from sharding.ids import MAX_ID

#: People one search finds at most; who looks for more says more.
FOUND_MOST = 200
#: People that "did you mean" names.
MEANT_MOST = 8
_NAME = re.compile(r"[a-z0-9._]{1,30}")
_WORD = re.compile(r"\w+")
_PHONE_MIN_DIGITS = 6
#: Short codes of photos have that many characters, and more.
_CODE = re.compile(r"[A-Za-z0-9_-]{8,12}")


def people_found(request: HttpRequest, text: str) -> list[int]:
    """Return ids of the people a text may mean to who asks, at most FOUND_MOST.

    E-mail and phone, whole ones, are looked at for who may read them; whom nothing else found is written down: whose
    address it is, is an answer that nobody else may have. What names a photo leads to whose it is, deleted photos
    included. Cost: one to five queries on main, each by an index, and one on a photo's shard. Raises ShardUnavailable.
    """
    text = text.strip()
    ids: dict[int, None] = {}
    for find in (_by_id, _by_username, _by_photo, _by_words):
        ids |= dict.fromkeys(find(text))
    if may(request.user, "people.contact"):
        for user_id in [each for each in _by_contact(text) if each not in ids]:
            ids[user_id] = None
            audit.record(audit.actor_of(request), "people.contact", target=audit.Target("person", user_id))
    return list(ids)[:FOUND_MOST]


def the_person(request: HttpRequest, text: str, *, field: str) -> int | None:
    """Return the one person a text names, None for no text: by id, or a whole user name, e-mail address or phone.

    field: of the address, for links to those who may be meant instead. Nobody is guessed: raises ValidationError with
    these links, or one that says that nobody is like that. Cost: of a name one or two queries, else people_found().
    """
    text = text.strip()
    if not text:
        return None
    whole = _by_id(text) or list(User.objects.filter(username=_name_in(text)).values_list("pk", flat=True))
    if whole:
        return whole[0]
    found = people_found(request, text)
    if len(found) == 1 and may(request.user, "people.contact") and found == _by_contact(text):
        return found[0]
    if not found:
        raise ValidationError("nobody like that")
    people = User.objects.in_bulk(found[:MEANT_MOST])
    links = format_html_join(
        ", ", '<a href="{}">{}</a>',
        ((_asking_for(request, field, each), people[each].username) for each in found[:MEANT_MOST] if each in people),
    )  # fmt: skip
    raise ValidationError(format_html("Did you mean {}{}?", links, "" if len(found) <= MEANT_MOST else ", …"))


def _asking_for(request: HttpRequest, field: str, user_id: int) -> str:
    """Return the address of this list with a person's id for the text, from its first page on."""
    query = request.GET.copy()
    for name in ("before", "after"):
        query.pop(name, None)
    query[field] = str(user_id)
    return f"{request.path}?{query.urlencode()}"


def _by_id(text: str) -> list[int]:
    if not (text.isascii() and text.isdecimal()) or int(text) > MAX_ID:
        return []
    return list(User.objects.filter(pk=int(text)).values_list("pk", flat=True))


def _by_username(text: str) -> list[int]:
    name = _name_in(text)
    if not name:
        return []
    begins = User.objects.filter(username__startswith=name).order_by("username")
    return list(begins.values_list("pk", flat=True)[:FOUND_MOST])


def _name_in(text: str) -> str:
    """Return the user name, or its beginning, that a text or a link may be; "" if it can be none."""
    try:
        path = urlsplit(text).path.strip("/") if "://" in text else text
    except ValueError:  # no address after all: http://[
        return ""
    name = path.lower().removeprefix("@")
    return name if _NAME.fullmatch(name) else ""


def _by_photo(text: str) -> list[int]:
    is_number = text.replace("_", "").isdecimal() and len(text) > 9
    if not (is_number or "/p/" in text or _CODE.fullmatch(text)):
        return []
    try:
        author = author_of_any(photo_named(text))
    except ValueError:
        return []
    return [] if author is None else [author]


def _by_words(text: str) -> list[int]:
    words = _WORD.findall(text.lower())
    if not words or "@" in text or "/" in text or text.isdecimal():
        return []
    query = SearchQuery(" & ".join(f"{word}:*" for word in words), config="simple", search_type="raw")
    named = User.objects.annotate(words=SearchVector("full_name", config="simple")).filter(words=query)
    return list(named.order_by("-id").values_list("pk", flat=True)[:FOUND_MOST])


def _by_contact(text: str) -> list[int]:
    if "@" in text[1:]:
        return list(User.objects.filter(email=text.lower()).values_list("pk", flat=True))
    digits = re.sub(r"[^0-9]", "", text)
    if len(digits) < _PHONE_MIN_DIGITS or re.search(r"[^0-9 ()+./-]", text):
        return []
    people = User.objects.exclude(phone="").annotate(digits=phone_digits()).filter(digits=digits)
    return list(people.values_list("pk", flat=True)[:FOUND_MOST])
