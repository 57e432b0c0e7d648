"""The site at /admin/: our pages and Django's registered models, under one menu, one table of acts and one policy."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse

from instagram.errors import Unavailable

from .acts import ACTS, LEFT_OUT, MODELS
from .desk import ReasonForm, RoleGuard
from .frame import GROUPS, PAGES, Menu, note_refused, served
from .proof import has_second_factor, is_signed_in
from .roles import may, role_of

#: No script but our own files, nothing from elsewhere but pictures of the CDN. Django's admin keeps to it as it is.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: {cdn}; font-src 'self';"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
#: Django's pages that we do not have: passwords are changed on the web pages, which sign out what they should.
_NOT_OURS = frozenset({"password_change", "password_change_done", "view_on_site", "autocomplete"})
#: Open to who has to set up a second factor first.
_BEFORE_FACTOR = frozenset({"second-factor", "prove", "logout"})


class OfficeSite(admin.AdminSite):
    """Django's admin with roles for permissions and pages of ours beside the models."""

    site_header = "Instagram admin"
    site_title = "Instagram admin"
    index_title = "What is going on"
    index_template = "backoffice/index.html"
    empty_value_display = "–"

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Register a model whose line is in acts.MODELS, guarded by it whatever its admin class says."""
        models: list[Any] = [model_or_iterable] if isinstance(model_or_iterable, type) else list(model_or_iterable)
        for model in models:
            label = model._meta.label_lower
            if label in LEFT_OUT or model._meta.swapped:
                continue
            if label not in MODELS:
                raise ImproperlyConfigured(f"{label} is in no table: backoffice/acts.py says who may see it")
            base: Any = admin_class or admin.ModelAdmin
            if {"add", "change"} & MODELS[label].keys() and (
                not issubclass(base.form, ReasonForm) or base.list_editable
            ):
                raise ImproperlyConfigured(f"{base.__name__} changes things without asking why: form = ReasonForm")
            super().register(model, type(base.__name__, (RoleGuard, base), {"__module__": base.__module__}), **options)

    def unregister(self, model_or_iterable: Any) -> None:
        """Forget models; those we never took are no error."""
        models: list[Any] = [model_or_iterable] if isinstance(model_or_iterable, type) else list(model_or_iterable)
        super().unregister([model for model in models if model._meta.label_lower not in LEFT_OUT])

    def has_permission(self, request: HttpRequest) -> bool:
        """Return whether this is staff with a role, come in by our own door."""
        return role_of(request.user) is not None and is_signed_in(request)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Add the policy to Django's own checks, and the wait for a second factor where one is a must."""
        checked = super().admin_view(view, cacheable)

        def office_view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                answer = _factor_first(request) if self.has_permission(request) else None
                return self.sealed(answer or checked(request, *args, **kwargs))
            except PermissionDenied:  # of a registered model: our own pages refuse with a page
                note_refused(request, "")
                raise
            except Unavailable as error:
                return self.sealed(_silent(error))

        return office_view

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show our door, with limits and codes."""
        from .signing_in import sign_in  # noqa: PLC0415  # it renders in this site's frame

        try:
            return self.sealed(sign_in(request, extra_context))
        except Unavailable as error:
            return self.sealed(_silent(error))

    def sealed(self, answer: HttpResponse) -> HttpResponse:
        """Put the policy onto an answer."""
        answer["Content-Security-Policy"] = _POLICY.format(cdn=settings.CDN_BASE_URL)
        answer["Referrer-Policy"] = "same-origin"
        if "Cache-Control" not in answer:
            answer["Cache-Control"] = "private, no-store"
        return answer

    def get_urls(self) -> list[Any]:
        """Return our pages' addresses, then Django's without those we do not have."""
        from . import pages  # noqa: F401, PLC0415  # importing it registers them, which processes without a web need not

        ours = [path(one.route, self.admin_view(served(one)), name=one.name) for one in PAGES.values()]
        theirs = [each for each in super().get_urls() if getattr(each, "name", None) not in _NOT_OURS]
        return [*ours, *theirs]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Show what is going on: the panels this person may read, then the menu."""
        from .front import read_panels  # noqa: PLC0415  # it reads models

        facts = {"panels": read_panels(request.user)} | (extra_context or {})
        return super().index(request, facts)

    def app_index(self, request: HttpRequest, app_label: str, extra_context: Any = None) -> Any:
        """Lead to the front page: our menu is not cut by apps."""
        return HttpResponseRedirect(reverse("admin:index"))

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Return the menu, in the shape Django's templates take: groups, each with the lines this person may open."""
        lines: dict[str, list[tuple[int, dict[str, Any]]]] = {group: [] for group in GROUPS}
        for one in PAGES.values():
            if one.menu and may(request.user, one.act):
                lines[one.menu.group].append((one.menu.order, _line(one.menu.label, reverse(f"admin:{one.name}"))))
        for model, desk in self._registry.items():
            menu = getattr(desk, "menu", None) or Menu("Service", str(model._meta.verbose_name_plural).capitalize())
            if may(request.user, MODELS[model._meta.label_lower]["view"]):
                names = (model._meta.app_label, model._meta.model_name)
                lines[menu.group].append(
                    (menu.order, _line(menu.label, reverse("admin:{}_{}_changelist".format(*names))))
                )
        return [
            {
                "name": group,
                "app_label": group.lower().replace(" ", "-"),
                "app_url": reverse("admin:index"),
                "has_module_perms": True,
                "models": [line for _, line in sorted(found, key=lambda each: (each[0], each[1]["name"]))],
            }
            for group, found in lines.items()
            if found
        ]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Add the person's role and the acts they may do, for templates."""
        role = role_of(request.user)
        mine = {name.replace(".", "_") for name, act in ACTS.items() if role in act.roles}
        return super().each_context(request) | {"role": role, "may": dict.fromkeys(mine, True)}


def _line(label: str, address: str) -> dict[str, Any]:
    return {
        "name": label,
        "object_name": label.replace(" ", "-"),
        "admin_url": address,
        "add_url": None,
        "view_only": True,
        "perms": {"view": True},
    }


def _silent(error: Unavailable) -> HttpResponse:
    """Answer without a frame: main is away, which says who asks and what they may."""
    return HttpResponse(f"The admin cannot answer: {error.message}.", status=503, content_type="text/plain")


def _factor_first(request: HttpRequest) -> HttpResponse | None:
    """Lead who has no second factor to the page that sets one up, where staff must have one."""
    match: Any = request.resolver_match
    if not settings.OFFICE_SECOND_FACTOR or (match and match.url_name in _BEFORE_FACTOR):
        return None
    if has_second_factor(request.user):
        return None
    return HttpResponseRedirect(reverse("admin:second-factor"))
