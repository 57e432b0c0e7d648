"""A page: why a photo is, or is not, in somebody's feed."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from feeds.explain import explain, person_named, photo_named
from instagram.errors import NotFound

from .frame import Menu, page, shown


@page("explain_feed/", name="explain-feed", act="feeds.explain", menu=Menu("Photos and comments", "Explain a feed", 80))
def explain_feed(request: HttpRequest) -> HttpResponse:
    """Ask for a photo and a viewer, as explain_feed does on the command line; say the verdict, then the facts.

    Cost: explain().
    """
    asked = {name: request.GET.get(name, "").replace("\x00", "").strip() for name in ("photo", "viewer")}
    told: dict[str, Any] = {}
    if all(asked.values()):
        try:
            told["explanation"] = explain(photo_named(asked["photo"]), person_named(asked["viewer"]))
        except ValueError as error:
            told["problem"] = f"Photo: {error}."
        except NotFound:
            told["problem"] = f"Nobody is called {asked['viewer']}."
    return shown(request, "explain_feed", {"title": "Why is this photo (not) in this feed?"} | asked | told)
