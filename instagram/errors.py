"""Errors a client may see: one base class, a stable `error_type`, a status.

Bottom of the house: every room may import it, it imports none. Types and messages are the API
contract's (docs/api.md, section "Errors"); clients match on `error_type`, so never reword one.
"""

from collections.abc import Mapping, Sequence


class APIError(Exception):
    """Base of every error a client may see; the API's edge wraps it in the envelope."""

    error_type = "APIError"
    status = 400
    #: True: the body is `{code, error_type, error_message}` without `meta` (OAuth and signature refusals).
    flat = False
    #: Seconds after which trying again makes sense (Retry-After); None: nothing is known.
    retry_after_s: int | None = None

    def __init__(self, message: str, *, errors: Mapping[str, Sequence[str]] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.errors = errors  # per field, for forms; becomes meta.errors


class InvalidParameters(APIError):
    """A missing or bad parameter; the message names it."""

    error_type = "APIInvalidParametersError"


class TooLarge(InvalidParameters):
    """A body or file over its limit."""

    status = 413


class NotFound(APIError):
    """No such object, or none this viewer may know of."""

    error_type = "APINotFoundError"

    def __init__(self, *, what: str = "") -> None:
        super().__init__("this user does not exist" if what == "user" else f"invalid {what} id")


class UnknownPath(APIError):
    """No endpoint has this path: the one case besides the photo page where not found is HTTP 404."""

    error_type = "APINotFoundError"
    status = 404

    def __init__(self) -> None:
        super().__init__("no such endpoint")


class NotAllowed(APIError):
    """The viewer may not see or do this."""

    error_type = "APINotAllowedError"

    def __init__(self, message: str = "you cannot view this resource") -> None:
        super().__init__(message)


class VerbNotAllowed(APIError):
    """The path exists, but not with this verb."""

    error_type = "APINotAllowedError"
    status = 405

    def __init__(self, verb: str) -> None:
        super().__init__(f"{verb} is not allowed here")


class MissingCredential(APIError):
    """Neither or the wrong kind of credential came with the request."""

    error_type = "OAuthParameterException"

    def __init__(self, *, token_needed: bool) -> None:
        names = "access_token" if token_needed else "client_id or access_token"
        super().__init__(f"Missing {names} URL parameter.")


class InvalidToken(APIError):
    """Unknown, revoked or expired access token."""

    error_type = "OAuthAccessTokenException"

    def __init__(self) -> None:
        super().__init__("The access_token provided is invalid.")


class InvalidClient(APIError):
    """Unknown client_id."""

    error_type = "OAuthParameterException"

    def __init__(self) -> None:
        super().__init__("The client_id provided is invalid and does not match a valid application.")


class InactiveClient(APIError):
    """The client record is switched off."""

    error_type = "OAuthClientException"

    def __init__(self) -> None:
        super().__init__("The client used for authentication is no longer active.")


class ClientRefused(APIError):
    """The client_secret is missing or does not fit the client_id."""

    error_type = "OAuthClientException"


class NotPermitted(APIError):
    """The token lacks a scope, or its client is not approved for the endpoint."""

    error_type = "OAuthPermissionsException"

    def __init__(self, *, scope: str | None = None) -> None:
        super().__init__(
            f"This request requires scope={scope}, but this access token is not authorized with this scope. "
            f"The user must re-authorize your application with scope={scope} to be granted write permissions."
            if scope
            else "This client has not been approved to access this resource."
        )


class OAuthError(APIError):
    """A refusal of /oauth/*: a flat body."""

    error_type = "OAuthException"
    flat = True


class OAuthForbidden(OAuthError):
    """The client's own switches rule this out: an unsigned call, the implicit flow."""

    error_type = "OAuthForbiddenException"
    status = 403


class TooManyAttempts(OAuthError):
    """Too many wrong passwords for this name or from this address."""

    error_type = "OAuthRateLimitException"
    status = 429

    def __init__(self) -> None:
        super().__init__("Too many wrong passwords. Please try again in a few minutes.")


class Suspended(OAuthError):
    """The password is right, and staff has suspended the account."""

    def __init__(self, *, until: str, told: str) -> None:
        super().__init__(
            " ".join(filter(None, ["This account is suspended", until])) + "." + (f" {told}" if told else "")
        )


class RateLimited(APIError):
    """Over the hourly limit."""

    error_type = "OAuthRateLimitException"
    status = 429

    def __init__(self, *, made: int, limit: int) -> None:
        super().__init__(
            "The maximum number of requests per hour has been exceeded. "
            f"You have made {made} requests of the {limit} allowed in the last hour."
        )


class Unavailable(APIError):
    """Something the request needs is down for now; clients treat 503 as "try again later"."""

    status = 503

    def __init__(
        self, message: str = "this part of the service is unavailable for the moment, please try again"
    ) -> None:
        super().__init__(message)


class SwitchedOff(Unavailable):
    """An operator turned this off for a while, on purpose; the message says what and why."""

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
