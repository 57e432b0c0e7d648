"""The envelope around every answer of /v1, and its rendering as JSON or JSONP.

`{"meta": {"code": 200}, "data": ..., "pagination": {...}}`; errors carry `meta` alone; OAuth answers are flat.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.http import HttpResponse

from instagram.errors import APIError

JPEG_TYPE = "image/jpeg"
JSON_TYPE = "application/json; charset=utf-8"
SCRIPT_TYPE = "application/javascript; charset=utf-8"
#: Function names JSONP accepts: nothing that could carry script of its own.
CALLBACK = re.compile(r"[A-Za-z_$][A-Za-z0-9_$.]{0,127}")


@dataclass(slots=True)
class Answer:
    """What a handler gives back: a JSON body, or the bytes of a JPEG, and the status it is sent under."""

    body: dict[str, Any] | bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def enveloped(data: Any, pagination: dict[str, Any] | None = None) -> Answer:
    """Wrap what an endpoint answers.

    data: object, list or None ("nothing to return": like, unlike, delete).
    pagination: only on paginated endpoints, and there always: `{}` when there is no further page.
    """
    body: dict[str, Any] = {"meta": {"code": 200}, "data": data}
    if pagination is not None:
        body["pagination"] = pagination
    return Answer(body)


def picture(jpeg: bytes, headers: dict[str, str] | None = None) -> Answer:
    """Answer with a picture and no envelope; errors have theirs all the same."""
    return Answer(jpeg, headers=headers or {})


def flat(body: dict[str, Any]) -> Answer:
    """Answer without the envelope, as OAuth does."""
    return Answer(body)


def refusal(error: APIError, *, flat: bool = False) -> Answer:
    """Wrap an error: in `meta`, or flat for /oauth/* and signature refusals."""
    meta: dict[str, Any] = {
        "code": error.status,
        "error_type": error.error_type,
        "error_message": error.message,
    }
    if error.errors:
        meta["errors"] = {name: list(messages) for name, messages in error.errors.items()}
    headers = {} if error.retry_after_s is None else {"Retry-After": str(error.retry_after_s)}
    return Answer(meta if flat or error.flat else {"meta": meta}, status=error.status, headers=headers)


def rendered(answer: Answer, callback: str = "") -> HttpResponse:
    """Turn an answer into a response.

    callback: a name CALLBACK accepts, for JSONP: then the HTTP status is always 200, since a script tag would not run
    the body of any other; the real code stays in the body.
    """
    if isinstance(answer.body, bytes):
        response = HttpResponse(answer.body, content_type=JPEG_TYPE)
    else:
        response = _written(answer.body, answer.status, callback)
    # Answers depend on the credential: no cache between us and the client may keep one.
    response["Cache-Control"] = "private, no-cache, no-store, must-revalidate"
    for name, value in answer.headers.items():
        response[name] = value
    return response


def _written(body: dict[str, Any], status: int, callback: str) -> HttpResponse:
    content = orjson.dumps(body)
    if callback:
        # Valid in JSON, but line ends inside string literals to the JavaScript of the time.
        content = content.replace(b"\xe2\x80\xa8", b"\\u2028").replace(b"\xe2\x80\xa9", b"\\u2029")
        return HttpResponse(callback.encode() + b"(" + content + b");", content_type=SCRIPT_TYPE)
    return HttpResponse(content, status=status, content_type=JSON_TYPE)
