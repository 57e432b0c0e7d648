"""Signing in and out of the web pages; and the decorator for pages that need somebody."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.services import sign_in_from
from instagram.client_address import client_address
from instagram.errors import Suspended, TooManyAttempts

from .pages import page, signed_in

View = ParamSpec("View")
_HOME = "/accounts/manage_access/"


def signed_in_only(
    view: Callable[Concatenate[HttpRequest, View], HttpResponse],
) -> Callable[Concatenate[HttpRequest, View], HttpResponse]:
    """Send who is not signed in to the login page, and from there back here."""

    @wraps(view)
    def checked(request: HttpRequest, *args: View.args, **kwargs: View.kwargs) -> HttpResponse:
        return view(request, *args, **kwargs) if signed_in(request) else to_login(request)

    return checked


def to_login(request: HttpRequest) -> HttpResponse:
    """Redirect to the login page, which comes back to this address; a phone's layout stays one."""
    query = {"next": request.get_full_path()}
    if request.GET.get("display") == "touch":
        query["display"] = "touch"
    return HttpResponseRedirect(f"{settings.LOGIN_URL}?{urlencode(query)}")


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def log_in(request: HttpRequest) -> HttpResponse:
    """Show the form; check name and password, at a bounded rate."""
    values = request.POST if request.method == "POST" else request.GET
    target = _local(request, values.get("next", ""))
    facts: dict[str, Any] = {"next": target, "title": "Log in"}
    if request.method != "POST":
        return HttpResponseRedirect(target) if signed_in(request) else page(request, "login", facts)
    username, password = request.POST.get("username", ""), request.POST.get("password", "")
    try:
        # No name holds a null character, and PostgreSQL refuses it.
        user = (
            None
            if "\x00" in username
            else sign_in_from(
                client_address(request.META),
                username=username,
                password=password,
                agent=request.META.get("HTTP_USER_AGENT", ""),
            )
        )
    except (TooManyAttempts, Suspended) as error:
        return page(request, "login", facts | {"problem": error.message, "username": username}, status=error.status)
    if user is None:
        problem = "This name and password do not fit together."
        return page(request, "login", facts | {"problem": problem, "username": username})
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return HttpResponseRedirect(target)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def log_out(request: HttpRequest) -> HttpResponse:
    """Ask with a GET, since a link or a picture on another site must not sign anybody out; do it with a POST."""
    if request.method == "POST":
        logout(request)
        return HttpResponseRedirect(settings.LOGIN_URL)
    return page(request, "logout", {"title": "Log out"})


def _local(request: HttpRequest, target: str) -> str:
    """Return where to go after signing in: an address of this site, whatever was asked for."""
    safe = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if safe and target.isprintable() else _HOME
