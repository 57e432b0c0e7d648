"""Signed requests, for clients that opted in; for all others `sig` and the header mean nothing, even if wrong.

Two switches of a client. "Enforce signed header": POST and DELETE carry `X-Insta-Forwarded-For: {ips}|{hex}`, the
HMAC-SHA256 of the addresses. "Enforce signed requests": every call carries `sig`, the HMAC-SHA256 of its path and
parameters. Both under the client_secret. The contract's known answers: tests/api/test_signed_requests.py.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.http import HttpRequest
from django.utils.encoding import escape_uri_path

from api.parameters import read_body
from instagram.errors import OAuthForbidden

if TYPE_CHECKING:
    from accounts.clients import Client
    from api.calls import Call

ROOT = "/v1"


def check(call: "Call", client: "Client") -> None:
    """Check what this client asked us to enforce. Raises OAuthForbidden, a flat 403."""
    if client.enforce_signed_header and call.verb != "GET" and not _has_signed_header(call.request, client):
        raise OAuthForbidden("Invalid header: X-Insta-Forwarded-For is required for this operation")
    if client.enforce_signed_requests and not _has_signature(call, client):
        # The contract has one message for a missing and a wrong signature.
        raise OAuthForbidden("Invalid signed-request: Missing required parameter 'sig'")


def signature(secret: str, endpoint: str, values: Mapping[str, str]) -> str:
    """Return the `sig` of a call, lower-case hex.

    endpoint: the path after /v1, as it is sent: percent-encoded, with `.json` or a slash where there is one.
    values: all parameters, decoded, without `sig`.
    """
    message = endpoint + "".join(f"|{name}={value}" for name, value in sorted(values.items()))
    return _hmac(secret, message)


def _has_signature(call: "Call", client: "Client") -> bool:
    """Return whether any `sig` fits all parameters or, as one client signs its POSTs, those of the query alone."""
    endpoint = _raw_path(call.request).removeprefix(ROOT)
    asked, merged = call.request.GET.dict(), {name: call.params.get(name) for name in call.params}
    fitting = []
    for values in (merged, asked):
        values.pop("sig", None)
        fitting.append(signature(client.client_secret, endpoint, values).encode())
    # Sent twice, in the query and in the body: any of them counts.
    sent = {*call.request.GET.getlist("sig"), *read_body(call.request).getlist("sig")}
    return any(hmac.compare_digest(each.encode(), right) for each in sent for right in fitting)


def _has_signed_header(request: HttpRequest, client: "Client") -> bool:
    ips, _, code = request.headers.get("X-Insta-Forwarded-For", "").rpartition("|")
    return bool(ips) and hmac.compare_digest(_hmac(client.client_secret, ips).encode(), code.strip().encode())


def _raw_path(request: HttpRequest) -> str:
    """Return the path as the client sent it, percent-encoding and all; Gunicorn keeps it as RAW_URI."""
    raw: str = request.META.get("RAW_URI", "").partition("?")[0]
    return raw if raw.startswith("/") else escape_uri_path(request.path)


def _hmac(secret: str, message: str) -> str:
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()
