"""A page of Django admin: why a photo is, or is not, in somebody's feed."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from feeds.explain import explain, person_named, photo_named
from instagram.errors import NotFound
from sharding import ShardUnavailable

#: Django's own, with a link to the page.
admin.site.index_template = "feeds/admin_index.html"


@require_safe
def explain_feed(request: HttpRequest) -> HttpResponse:
    """Ask for a photo and a viewer, as explain_feed does on the command line; say the verdict, then the facts.

    For staff who may look at people. Cost: explain().
    """
    if not request.user.has_perm("accounts.view_user"):
        raise PermissionDenied
    asked = {name: request.GET.get(name, "").replace("\x00", "").strip() for name in ("photo", "viewer")}
    told: dict[str, Any] = {}
    if all(asked.values()):
        try:
            told["explanation"] = explain(photo_named(asked["photo"]), person_named(asked["viewer"]))
        except ValueError as error:
            told["problem"] = f"Photo: {error}."
        except NotFound:
            told["problem"] = f"Nobody is called {asked['viewer']}."
        except ShardUnavailable as error:
            told["problem"] = f"Database {error.server_name} does not answer."
    title = {"title": "Why is this photo (not) in this feed?"}
    return render(request, "feeds/explain_feed.html", admin.site.each_context(request) | title | asked | told)
