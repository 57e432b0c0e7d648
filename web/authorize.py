"""/oauth/authorize: a client sends a browser here, a person allows or denies, the browser goes back to the client."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache

from accounts.oauth.authorize import AuthorizationRequest, allow, deny, is_granted, read_request
from accounts.oauth.scopes import MEANING
from instagram.errors import APIError, OAuthError, VerbNotAllowed

from .pages import page, signed_in
from .sessions import to_login


@never_cache
def authorize(request: HttpRequest) -> HttpResponse:
    """Check the request, then sign in, then ask; what was allowed before is not asked again.

    A bad request is told as flat JSON and never redirected: its redirect URI is not to be trusted.
    """
    try:
        if request.method not in ("GET", "HEAD", "POST"):
            raise VerbNotAllowed(request.method or "")
        # The form posts to the page's own address, so that what is allowed is what was shown.
        asked = read_request(request.GET.dict())
    except APIError as error:
        return _refused(error)
    person = signed_in(request)
    if person is None:
        return to_login(request)
    if request.method == "POST":
        return _answered(request, asked, person)
    if is_granted(asked, person.pk):
        return _sent_back(allow(asked, person))
    return page(
        request,
        "consent",
        {
            "title": f"Allow {asked.client.name}?",
            "client": asked.client,
            "scopes": [(scope, MEANING[scope]) for scope in asked.scopes],
        },
    )


def _answered(request: HttpRequest, asked: AuthorizationRequest, person: Any) -> HttpResponse:
    decision = request.POST.get("decision")
    if decision == "allow":
        return _sent_back(allow(asked, person))
    if decision == "deny":
        return _sent_back(deny(asked))
    return _refused(OAuthError("decision: must be allow or deny"))


def _sent_back(address: str) -> HttpResponse:
    """Redirect to the client. Django's own redirect refuses schemes of apps (myapp://)."""
    response = HttpResponse(status=302)
    response["Location"] = address
    # The address of this page names the client and its state: nobody else's business.
    response["Referrer-Policy"] = "no-referrer"
    return response


def _refused(error: APIError) -> HttpResponse:
    body = {"code": error.status, "error_type": error.error_type, "error_message": error.message}
    return JsonResponse(body, status=error.status, content_type="application/json; charset=utf-8")
