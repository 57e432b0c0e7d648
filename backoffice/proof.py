"""Proving again who one is: before dangerous acts, OFFICE_PROOF_S after the last time; and the second factor.

The session carries when the password was proved, and whether a second factor was. Guessing is limited as signing in is.
"""

import time
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

#: In the session: {"at": epoch seconds, "since": epoch seconds of signing in, "factor": bool}.
_KEY = "office"
_CODE_MAX_CHARS = 20


def note_proof(request: HttpRequest, *, factor: bool, begins: bool = False) -> None:
    """Remember in the session that this person has just proved who they are. begins: by signing in."""
    now = time.time()
    since = now if begins else request.session.get(_KEY, {}).get("since", now)
    request.session[_KEY] = {"at": now, "since": since, "factor": factor}


def is_proved(request: HttpRequest) -> bool:
    """Return whether that was a moment ago."""
    return time.time() - request.session.get(_KEY, {}).get("at", 0) < settings.OFFICE_PROOF_S


def is_signed_in(request: HttpRequest) -> bool:
    """Return whether this session came through the admin's own door, today, with a second factor if there is one.

    Signing in to the web pages is not enough: they know of no second factor. Cost: one query on main.
    """
    proof = request.session.get(_KEY)
    if not proof or time.time() - proof["since"] > settings.OFFICE_SESSION_S:
        return False
    return proof["factor"] or not has_second_factor(request.user)


def ask_for_proof(request: HttpRequest) -> HttpResponse:
    """Send the browser to the page that asks, and from there back here; what a form carried is asked again."""
    return HttpResponseRedirect(f"{reverse('admin:prove')}?{urlencode({'next': request.get_full_path()})}")


def local(request: HttpRequest, target: str) -> str:
    """Return where to go next: an address below /admin/, whatever was asked for."""
    home = reverse("admin:index")
    safe = url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()})
    return target if safe and target.startswith(home) and target.isprintable() else home


def has_second_factor(user: Any) -> bool:
    """Return whether somebody has an authenticator app. Cost: one query on main."""
    return TOTPDevice.objects.filter(user=user, confirmed=True).exists()


def is_second_factor(user: Any, code: str) -> bool:
    """Return whether a code is the authenticator's of this moment, or one of the recovery codes, which it uses up.

    After wrong ones the library refuses to look, for seconds that double. Cost: two to four queries on main.
    """
    code = code.replace(" ", "").replace("-", "").lower()
    if not code.isascii() or not 6 <= len(code) <= _CODE_MAX_CHARS:
        return False
    kind = TOTPDevice if len(code) == 6 and code.isdecimal() else StaticDevice
    for device in kind.objects.filter(user=user, confirmed=True):
        allowed, _why = device.verify_is_allowed()
        if allowed and device.verify_token(code):
            return True
    return False
