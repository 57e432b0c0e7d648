"""Where mailed links lead: setting a forgotten password, "this was not me", confirming an address, taking one back."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.services import confirm_email, request_reset, reset_password
from accounts.services.addresses import change_of, take_back
from accounts.services.passwords import token_owner
from instagram.client_address import client_address
from instagram.errors import InvalidParameters, RateLimited

from .pages import page

_TOO_OLD = "This link was used already, or is too old. Have a new one mailed."


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def forgotten(request: HttpRequest) -> HttpResponse:
    """Ask for a name or address, and have a link mailed; the page says the same whether or not there is an account."""
    facts: dict[str, Any] = {"title": "Forgotten your password?"}
    if request.method != "POST":
        return page(request, "forgotten", facts)
    who = request.POST.get("who", "").replace("\x00", "").strip()[:300]
    try:
        request_reset(**{"email" if "@" in who else "username": who}, address=client_address(request.META))
    except RateLimited as error:
        problem = "Too many mails were asked for from here. Please try again in an hour."
        return page(request, "forgotten", facts | {"problem": problem, "who": who}, status=error.status)
    except InvalidParameters:
        problem = "Enter your username or your e-mail address."
        return page(request, "forgotten", facts | {"problem": problem})
    text = "If there is an account of that name or address, a mail with a link is on its way to it."
    return page(request, "problem", {"title": "Look into your mail", "text": text})


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new_password(request: HttpRequest) -> HttpResponse:
    """Show the form that a mailed link leads to; set the password, once."""
    return _new_password(request, {"title": "Set a new password", "everywhere": False})


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def secure(request: HttpRequest) -> HttpResponse:
    """Do the same for who did not sign in themselves: every program and browser is signed out with it."""
    return _new_password(request, {"title": "Secure your account", "everywhere": True})


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def take_account_back(request: HttpRequest) -> HttpResponse:
    """Give an account back to the address that it had before, with a new password; signed out is everybody."""
    token = request.GET.get("token", "")
    facts: dict[str, Any] = {"title": "Take your account back", "everywhere": True}
    try:
        change = change_of(token)
        facts |= {"username": change.user.username, "address": change.email}
        if request.method != "POST":
            return _private(page(request, "new_password", facts))
        take_back(token, request.POST.get("new_password", ""))
    except InvalidParameters as error:
        faults = error.errors or {}
        if "new_password" in faults:
            problem = f"A password has {faults['new_password'][0]}."
            return _private(page(request, "new_password", facts | {"problem": problem}))
        text = "This link was used already, or is too old."
        return page(request, "problem", {"title": "This did not work", "text": text}, status=400)
    return page(request, "password_set", facts | {"title": "Your account is yours again"})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest) -> HttpResponse:
    """Ask with a GET, since programs look into mailed links; note that the address is right with a POST."""
    if request.method != "POST":
        return _private(page(request, "confirm_email", {"title": "Confirm your address"}))
    try:
        user = confirm_email(request.GET.get("token", ""))
    except InvalidParameters:
        text = "This link is too old, or of an address you had before. The app can mail you a new one."
        return page(request, "problem", {"title": "This did not work", "text": text}, status=400)
    text = f"{user.email} is the address of {user.username}. Thank you."
    return page(request, "problem", {"title": "Confirmed", "text": text})


def _new_password(request: HttpRequest, facts: dict[str, Any]) -> HttpResponse:
    token = request.GET.get("token", "")
    try:
        facts |= {"username": token_owner(token).username}
    except InvalidParameters:
        return page(request, "forgotten", {"title": "Set a new password", "problem": _TOO_OLD}, status=400)
    if request.method != "POST":
        return _private(page(request, "new_password", facts))
    try:
        reset_password(token, request.POST.get("new_password", ""), everywhere=facts["everywhere"])
    except InvalidParameters as error:
        faults = (error.errors or {}).get("new_password")
        if not faults:
            return page(request, "forgotten", {"title": "Set a new password", "problem": _TOO_OLD}, status=400)
        return _private(page(request, "new_password", facts | {"problem": f"A password has {faults[0]}."}))
    return page(request, "password_set", facts | {"title": "Your password is set"})


def _private(response: HttpResponse) -> HttpResponse:
    """Keep the token in a page's address from other sites that the page leads to.

    Not "no-referrer": with it browsers send the form with `Origin: null`, and the CSRF check refuses everybody.
    """
    response["Referrer-Policy"] = "same-origin"
    return response
