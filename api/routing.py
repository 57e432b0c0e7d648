"""Addresses of the API: each path in four spellings, none of which redirects.

`/v1/users/7`, `/v1/users/7/`, `/v1/users/7.json` and `/v1/users/7.json/` are one path: whole families of clients append
`.json` or a slash, and none follows a redirect on a POST.
"""

import re
from collections.abc import Iterable

from django.urls import URLPattern, re_path
from rest_framework.views import APIView

SPELLINGS = re.compile(r"(?:\.json)?/?\Z")
_PLACEHOLDER = re.compile(r"<([a-z_]+)>")


def route(template: str, view: type[APIView]) -> URLPattern:
    """Bind a path such as "v1/users/<user_id>/follows" to a view; a placeholder takes any text without a slash.

    A malformed id therefore reaches its view, which answers "invalid media id" instead of an unknown path.
    """
    pattern = _PLACEHOLDER.sub(r"(?P<\1>[^/]+?)", re.escape(template).replace(r"\-", "-"))
    found = re_path(rf"^{pattern}(?:\.json)?/?\Z", view.as_view())
    found.template = template  # type: ignore[attr-defined]  # ours, for ordered()
    return found


def ordered(routes: Iterable[URLPattern]) -> list[URLPattern]:
    """Sort routes so that words win over placeholders, in whatever order they are declared: search before <user_id>."""

    def key(each: URLPattern) -> list[bool]:
        return ["<" in part for part in each.template.split("/")]  # type: ignore[attr-defined]  # set by route()

    return sorted(routes, key=key)


def bare(path: str) -> str:
    """Return a requested path in its bare spelling."""
    return SPELLINGS.sub("", path)
