"""Lists of the admin: newest first, by an id cursor: page 50 costs what page 1 does. None counts all rows."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db.models import QuerySet
from django.http import HttpRequest

from sharding import Server, physical_servers

#: Rows on a page.
PAGE = 50
_LARGEST = 2**63 - 1
#: The last day that has a day after it, as a list up to a day needs one.
_LAST_DAY = date.max - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Rows:
    """A page: its rows, newest first, and where the neighbours are ("" for none)."""

    rows: list[Any]
    older: str
    newer: str


class Questions(forms.Form):
    """The form above a list; empty fields ask for nothing."""

    use_required_attribute = False

    def asked(self) -> dict[str, Any]:
        """Return what was asked, empty answers left out. Call is_valid() before."""
        return {name: value for name, value in self.cleaned_data.items() if value not in (None, "")}


class PlainText(forms.CharField):
    """Text as PostgreSQL takes it."""

    def __init__(self, label: str, *, most: int = 100) -> None:
        super().__init__(label=label, required=False, max_length=most)

    def clean(self, value: Any) -> str:
        """Refuse nothing for a null character: no row holds one."""
        return str(super().clean(str(value or "").replace("\x00", "")))


class ServerField(forms.ChoiceField):
    """A server's name. servers: asked each time, since placement changes while processes run."""

    def __init__(self, servers: Callable[[], list[Server]] = physical_servers) -> None:
        def choices() -> list[tuple[str, str]]:
            return [("", "any"), *((server.name, server.name) for server in servers())]

        super().__init__(label="Server", required=False, choices=choices)


class ShardField(forms.IntegerField):
    """A logical shard's number."""

    def __init__(self) -> None:
        super().__init__(label="Logical shard", required=False, min_value=0, max_value=settings.LOGICAL_SHARDS - 1)


def day_field(label: str) -> forms.DateField:
    """Return a field for a day, with the browser's calendar."""
    widget = forms.DateInput(attrs={"type": "date"})
    return forms.DateField(label=label, required=False, widget=widget, validators=[MaxValueValidator(_LAST_DAY)])


def midnight(day: date) -> datetime:
    """Return the moment a day begins, UTC."""
    return datetime.combine(day, time(), tzinfo=UTC)


def page_of(request: HttpRequest, rows: QuerySet[Any], *, count: int = PAGE) -> Rows:
    """Return one page of rows that have an `id`: ?before= and ?after= are cursors, both exclusive.

    Cost: one query, of at most count + 1 rows that fit.
    """
    before, after = cursors(request)
    if after is not None:
        found = list(reversed(rows.filter(id__gt=after).order_by("id")[: count + 1]))
        more_newer, found = len(found) > count, found[-count:]
        older = bool(found)
    else:
        if before is not None:
            rows = rows.filter(id__lt=before)
        found = list(rows.order_by("-id")[: count + 1])
        older, found = len(found) > count, found[:count]
        more_newer = before is not None and bool(found)
    return Rows(
        found,
        address_with(request, before=found[-1].id) if older and found else "",
        address_with(request, after=found[0].id) if more_newer and found else "",
    )


def cursors(request: HttpRequest, *, most: int = _LARGEST) -> tuple[int | None, int | None]:
    """Return ?before= and ?after=, at most `most`; None for what is not there or no number."""
    return _cursor(request, "before", most), _cursor(request, "after", most)


def _cursor(request: HttpRequest, name: str, most: int) -> int | None:
    text = request.GET.get(name, "")
    return min(int(text), most) if text.isascii() and text.isdecimal() and len(text) < 25 else None


def address_with(request: HttpRequest, **cursor: int) -> str:
    """Return the address of this list with another cursor: before=, or after=."""
    query = request.GET.copy()
    for name in ("before", "after"):
        query.pop(name, None)
    query.update({name: str(value) for name, value in cursor.items()})
    return f"{request.path}?{query.urlencode()}"
