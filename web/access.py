"""/accounts/manage_access/: the applications a person let in, and a way to throw them out again."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import tokens
from accounts.oauth.queries import authorised_by

from .pages import page, signed_in
from .sessions import signed_in_only


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in_only
def manage_access(request: HttpRequest) -> HttpResponse:
    """Show them; POST `token` revokes one: it works for no API call from then on."""
    authorised = authorised_by(signed_in(request).pk)
    if request.method != "POST":
        return page(request, "manage_access", {"title": "Applications", "authorised": authorised})
    # Out of one's own list, so that nobody revokes another's.
    for one in authorised:
        if str(one.token_id) == request.POST.get("token"):
            tokens.revoke(one.token_id)
    return HttpResponseRedirect(request.path)
