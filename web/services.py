"""/accounts/services/: a person's accounts at other services; linking one leads there and back (OAuth)."""

import secrets
import time
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from instagram.errors import InvalidParameters
from notifications.sharing.adapters import Handshake, is_offered
from notifications.sharing.models import Service
from notifications.sharing.queries import linked_accounts
from notifications.sharing.services import begin_linking, finish_linking, unlink

from .pages import missing, page, signed_in
from .sessions import signed_in_only

#: Where the session keeps a linking under way, and for how many seconds it may take.
_UNDER_WAY, _LASTS_S = "linking", 600


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in_only
def services(request: HttpRequest) -> HttpResponse:
    """Show them; POST `unlink` forgets one."""
    if request.method != "POST":
        return _shown(request)
    service = request.POST.get("unlink", "")
    if service in Service.values:
        unlink(user_id=signed_in(request).pk, service=service)
    return HttpResponseRedirect(request.path)


@never_cache
@require_POST
@signed_in_only
def link_service(request: HttpRequest, service: str) -> HttpResponse:
    """Send the browser to the service, which asks the person and sends it to service_linked()."""
    if not is_offered(service):
        return missing(request)
    state = secrets.token_urlsafe(24)
    try:
        handshake = begin_linking(service=service, callback=_callback(service), state=state)
    except InvalidParameters as error:
        return _shown(request, problem=error.message)
    # Of one linking at a time: a second one ends the first.
    request.session[_UNDER_WAY] = {
        "service": service,
        "token": handshake.token,
        "secret": handshake.secret,
        "until": time.time() + _LASTS_S,
    }
    response = HttpResponse(status=302)
    response["Location"] = handshake.address
    response["Referrer-Policy"] = "no-referrer"
    return response


@never_cache
@require_http_methods(["GET"])
@signed_in_only
def service_linked(request: HttpRequest, service: str) -> HttpResponse:
    """Link the account of a browser that comes back, if this very session sent it, a moment ago."""
    under_way: dict[str, Any] = request.session.pop(_UNDER_WAY, None) or {}
    if under_way.get("service") != service or under_way["until"] < time.time():
        return _shown(request, problem="This took too long, or began in another window. Please try again.")
    try:
        finish_linking(
            user_id=signed_in(request).pk,
            service=service,
            callback=_callback(service),
            handshake=Handshake("", under_way["token"], under_way["secret"]),
            answer=request.GET.dict(),
        )
    except InvalidParameters as error:
        return _shown(request, problem=error.message)
    return HttpResponseRedirect(reverse("services"))


def _shown(request: HttpRequest, *, problem: str = "") -> HttpResponse:
    linked = linked_accounts(signed_in(request).pk)
    listed = [
        {"name": service.value, "label": service.label, "account": linked.get(service.value)}
        for service in Service
        if is_offered(service.value) or service.value in linked
    ]
    facts = {"title": "Linked services", "services": listed, "problem": problem}
    return page(request, "services", facts, status=400 if problem else 200)


def _callback(service: str) -> str:
    return settings.WEB_BASE_URL + reverse("service-linked", args=[service])
