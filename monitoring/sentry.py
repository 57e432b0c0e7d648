"""Errors to Sentry, without what is nobody's business: credentials, cookies, bodies."""

import re
from typing import Any

import sentry_sdk
from django.conf import settings

from jobs.context import request_id

#: Parameters whose values let somebody in.
_SECRETS = re.compile(r"((?:access_token|client_secret|password|code|sig|token)=)[^&\s]*", re.IGNORECASE)


def start() -> None:
    """Start reporting from this process, to SENTRY_DSN; empty: nothing is reported."""
    if settings.SENTRY_DSN:
        # Not more: bodies and local variables hold passwords and pictures.
        sentry_sdk.init(
            dsn=settings.SENTRY_DSN,
            release=settings.RELEASE or None,
            max_request_body_size="never",
            include_local_variables=False,
            before_send=scrubbed,
            before_breadcrumb=without_query,
        )


def scrubbed(event: Any, _hint: Any) -> Any:
    """Return the event without credentials, named by the request it came from."""
    request = event.get("request", {})
    for name in ("query_string", "url"):
        if isinstance(request.get(name), str):
            request[name] = _SECRETS.sub(r"\1…", request[name])
    request.pop("cookies", None)
    if request_id.get():
        event.setdefault("tags", {})["request_id"] = request_id.get()
    return event


def without_query(crumb: Any, _hint: Any) -> Any:
    """Return what is told of a request that we made, without its query: other services take tokens there."""
    if crumb.get("category") == "httplib":
        crumb.get("data", {}).pop("http.query", None)
    return crumb
