"""What every page of the admin stands in: its address, its act, its place in the menu, and what may go wrong.

@page("people/<int:user_id>/", name="person", act="people.view") registers a view; the site serves it below /admin/,
to signed-in staff whose role may do the act. The permission test walks PAGES.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render

from instagram.errors import APIError, NotFound
from sharding import ShardBusy, ShardUnavailable

from . import audit
from .acts import ACTS
from .proof import ask_for_proof, is_proved
from .roles import may

View = Callable[..., HttpResponse]
#: The menu's groups, in this order.
GROUPS = ("What is going on", "People", "Photos and comments", "Dashboards", "Service", "Staff")


@dataclass(frozen=True, slots=True)
class Menu:
    """A line of the menu. group: one of GROUPS; order: within the group, smaller first."""

    group: str
    label: str
    order: int = 50


@dataclass(frozen=True, slots=True)
class Page:
    """A registered page."""

    route: str
    name: str
    act: str
    view: View
    menu: Menu | None
    methods: tuple[str, ...]
    example: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Panel:
    """A box of the front page: read() returns (text, detail, address of the page behind it)."""

    title: str
    act: str
    order: int
    read: Callable[[], tuple[str, str, str]]


PAGES: dict[str, Page] = {}
PANELS: list[Panel] = []


def page(
    route: str,
    *,
    name: str,
    act: str,
    menu: Menu | None = None,
    methods: tuple[str, ...] = ("GET", "HEAD"),
    example: dict[str, Any] | None = None,
) -> Callable[[View], View]:
    """Register a page below /admin/, as admin:<name>.

    act: a line of acts.ACTS; a dangerous one asks for the password first. methods: without POST nothing may change.
    example: values for the route's parts, with which the permission test opens it.
    """
    if act not in ACTS:
        raise ValueError(f"{act} is in no table of acts")
    if menu and menu.group not in GROUPS:
        raise ValueError(f"{menu.group} is no group of the menu")

    def register(view: View) -> View:
        if name in PAGES:
            raise ValueError(f"two pages are called {name}")
        PAGES[name] = Page(route, name, act, view, menu, methods, example or {})
        return view

    return register


def panel(title: str, *, act: str, order: int = 50) -> Callable[[Callable[[], tuple[str, str, str]]], Any]:
    """Register a box of the front page. It has to be cheap: all of them are read for one page."""

    def register(read: Callable[[], tuple[str, str, str]]) -> Any:
        PANELS.append(Panel(title, act, order, read))
        return read

    return register


def served(one: Page) -> View:
    """Return a page's view with its checks: verb, role, password; and a page for what does not answer."""

    def view(request: HttpRequest, **parts: Any) -> HttpResponse:
        if request.method not in one.methods:
            return HttpResponseNotAllowed(one.methods)
        if not may(request.user, one.act):
            return refused(request, one.act)
        if ACTS[one.act].dangerous and not is_proved(request):
            return ask_for_proof(request)
        try:
            return one.view(request, **parts)
        except ShardBusy as error:
            text = f"Database {error.server_name} took too long for this. Ask for less, or try again."
            return problem(request, text, status=503)
        except ShardUnavailable as error:
            return problem(request, f"Database {error.server_name} does not answer. Please try again.", status=503)
        except APIError as error:
            return problem(request, error.message, status=404 if isinstance(error, NotFound) else error.status)

    return view


def refused(request: HttpRequest, act: str) -> HttpResponse:
    """Answer who may not do an act, and say who may; the log keeps that they tried."""
    note_refused(request, act)
    roles = ", ".join(role for role in ACTS[act].roles) or "nobody"
    return problem(request, f"Your role may not {ACTS[act].says}; {roles} may.", status=403)


def note_refused(request: HttpRequest, act: str) -> None:
    """Write down that a member of the staff tried what their role may not do, and where."""
    # Without null characters, which an address may have and no row.
    tried = {"act": act, "method": request.method, "path": request.path[:200].replace("\x00", "")}
    audit.record(audit.actor_of(request), "office.refused", after=tried)


def problem(request: HttpRequest, text: str, *, status: int) -> HttpResponse:
    """Answer with a page that says what is wrong."""
    return shown(request, "problem", {"title": "That did not work", "text": text[:1].upper() + text[1:]}, status=status)


def shown(request: HttpRequest, template: str, facts: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """Render templates/backoffice/<template>.html in the admin's frame. `may`: acts this person may do, by name."""
    from django.contrib import admin  # noqa: PLC0415  # the site imports this module

    context = admin.site.each_context(request) | facts
    return render(request, f"backoffice/{template}.html", context, status=status)
