"""How an endpoint of /v1 is written.

    # api/v1/likes.py
    from api.pagination import next_page
    from api.parameters import media_id_of
    from api.v1.base import Answer, Call, Endpoint, access, enveloped, route

    class Likes(Endpoint):
        def get(self, call: Call, media_id: str) -> Answer:  # GET: any credential
            ...
            return enveloped(people)  # or enveloped(page, next_page(call, "max_id", last_id))

        @access(scope="likes")  # other verbs: a token, and here a scope
        def post(self, call: Call, media_id: str) -> Answer:
            like_photo(user_id=call.my_id, photo_id=...)                 # call.my_id: int, the signed-in person
            return enveloped(None)

    routes = [route("v1/media/<media_id>/likes", Likes)]

and `likes` is added to the modules in api/v1/urls.py. All spellings of a path (`.json`, slash), `_method`, JSONP,
parameters in query or body, the credential, the rate limit with its headers and every error are done here.

- Handlers take the Call and the placeholders of their route as text, and answer `enveloped(data)`, or `picture(jpeg)`
  where operations.py says so. They raise the
  errors of instagram/errors.py; anything else becomes a logged 500 in the envelope.
- Ids out of paths: `call.user_id(text)` (number or "self"; "self" demands a token by itself), `media_id_of(text)`
  (canonical or bare: check `.user_id` against the photo's author when it is not None), `object_id_of(text, "comment")`.
- Parameters: `call.params.count(20, 100)`, `.photo_cursor("max_id")`, `.id_cursor("cursor")`, `.epoch(...)`,
  `.required("text")`, `.flag("is_private")`, `.position()`, `.files.get("photo")`: see api/parameters.py.
- Who asks: `call.viewer_id` (None for a client_id alone; for presenters and visibility), `call.my_id` (int, or the
  contract's "Missing access_token"), `call.client`. `@access(first_party=True)` for our own endpoints (section 16),
  `@access(token=True)` for a GET that needs a person, `@access(secret=True)` for client_id + client_secret.
- Order of checks: path, verb, credential, signature, rate limit, client approval and scope; then the handler's:
  object exists, viewer may see it (accounts.visibility), parameters.
- A handler may run a second time when a shard moved under it: writes are idempotent or in one transaction.
"""

import logging
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.views import APIView

from api import rate_limit, signatures
from api.calls import Call
from api.credentials import access, access_of, identify, require
from api.envelope import CALLBACK, Answer, enveloped, picture, refusal, rendered
from api.parameters import Params, read_parameters
from api.routing import bare, route
from instagram import tracing
from instagram.errors import APIError, InvalidParameters, UnknownPath, VerbNotAllowed
from sharding import retry_if_moved
from switches import guards

__all__ = ["Answer", "Call", "Endpoint", "access", "enveloped", "picture", "route"]

logger = logging.getLogger(__name__)

VERBS = ("GET", "POST", "PUT", "DELETE")


class InternalError(APIError):
    """A fault of ours: the log knows more, the client is told nothing."""

    status = 500

    def __init__(self) -> None:
        super().__init__("something went wrong on our side, please try again")


class Endpoint(APIView):
    """A resource of the API: handlers `get`, `post`, `put`, `delete`, each (call, **placeholders) -> Answer.

    Of Django REST framework it keeps the class (and with it the schema); the way from request to handler is our own,
    since the contract asks for another order, other parameters and other errors.
    """

    #: True: answers and errors without the envelope, and no rate limit (OAuth).
    flat = False
    #: True: its POST changes nothing and goes on while the service is read-only.
    only_reads = False

    def dispatch(self, request: HttpRequest, *args: Any, **placeholders: str) -> HttpResponseBase:
        budget = rate_limit.Budget()
        try:
            answer = self._answer(request, budget, placeholders)
        except Exception as error:  # the edge: nothing may leave without the envelope
            answer = refusal(_told(error, request), flat=self.flat)
            if isinstance(error, VerbNotAllowed):
                answer.headers["Allow"] = ", ".join(verb for verb in VERBS if hasattr(self, verb.lower()))
        if not self.flat:
            answer.headers |= budget.headers()
        callback = request.GET.get("callback", "") if request.method in ("GET", "HEAD") else ""
        if callback and not CALLBACK.fullmatch(callback):
            callback = ""
            if answer.status == 200:
                bad_name = InvalidParameters("callback: not a function name")
                answer = Answer(refusal(bad_name, flat=self.flat).body, bad_name.status, answer.headers)
        return rendered(answer, callback)

    def _answer(self, request: HttpRequest, budget: rate_limit.Budget, placeholders: dict[str, str]) -> Answer:
        values, files = read_parameters(request)
        verb = _verb(request, values)
        handler = getattr(self, verb.lower(), None) if verb in VERBS else None
        if handler is None:
            raise VerbNotAllowed(verb)
        call = Call(request, verb, bare(request.path), Params(values, files))
        self._admit(call, handler, budget, placeholders)
        if verb != "GET" and not self.only_reads:
            guards.refuse_writes(call.viewer_id)
        # A file can be read once; its sender tries again, with the same upload_id.
        run = handler if files else retry_if_moved(handler)
        return run(call, **placeholders)

    def _admit(self, call: Call, handler: Any, budget: rate_limit.Budget, placeholders: dict[str, str]) -> None:
        """Check the credential and the signature, count the call, check what the handler asks of its caller."""
        needs = access_of(handler)
        if placeholders.get("user_id") == "self" and not needs.token:
            needs = type(needs)(True, needs.scope, needs.first_party, needs.secret)
        call.viewer, call.client = identify(call.params, needs)
        if call.viewer:
            tracing.person(call.viewer.user_id, first_party=call.client.first_party)
        signatures.check(call, call.client)
        budget.spend(f"t{call.viewer.token_id}" if call.viewer else f"c{call.client.pk}")
        require(needs, call.viewer, call.client)
        if needs.scope and call.viewer:
            rate_limit.spend_write(call.client, call.viewer.token_id, needs.scope)
            if call.verb == "POST":  # taking back is never too fast
                rate_limit.spend_pace(call.viewer.user_id, needs.scope)


class Nothing(Endpoint):
    """Every path under /v1 that is none of the others."""

    def _answer(self, request: HttpRequest, budget: rate_limit.Budget, placeholders: dict[str, str]) -> Answer:
        raise UnknownPath()


def _verb(request: HttpRequest, values: dict[str, str]) -> str:
    """Return the verb that counts: browsers of the time could send GET and POST only."""
    verb = (request.method or "").upper()
    if verb == "HEAD":
        return "GET"
    override = values.get("_method", "").upper()
    return override if verb == "POST" and override in ("DELETE", "PUT") else verb


def _told(error: Exception, request: HttpRequest) -> APIError:
    """Return what the client is told about an error."""
    if isinstance(error, APIError):
        return error
    if isinstance(error, SuspiciousOperation):  # a Host header that is none of ours, for one
        return InvalidParameters("the request cannot be read")
    # The path alone: the query carries the credential.
    logger.error("%s %s failed", request.method, request.path, exc_info=error)
    return InternalError()
