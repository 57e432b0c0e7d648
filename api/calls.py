"""One request to the API, read once: who calls, through which client, with which parameters."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.http import HttpRequest

from api.parameters import Params, object_id_of
from instagram.client_address import client_address
from instagram.errors import MissingCredential

if TYPE_CHECKING:
    from accounts.clients import Client
    from accounts.tokens import Viewer


@dataclass(slots=True)
class Call:
    """What a handler gets to know of the request."""

    request: HttpRequest
    #: The verb that counts: after `_method`, and GET for HEAD.
    verb: str
    #: The path in its bare spelling, without `.json` or a trailing slash.
    path: str
    params: Params
    #: The person behind the access token; None when only a client_id came.
    viewer: "Viewer | None" = None
    #: The application; None only on endpoints that take no credential.
    client: "Client | None" = None

    @property
    def viewer_id(self) -> int | None:
        """The id of the person who asks, None for a client_id alone: what visibility and presenters want."""
        return self.viewer.user_id if self.viewer else None

    @property
    def my_id(self) -> int:
        """The id of the person who asks, where a token is needed anyway: writes and `self`."""
        if self.viewer is None:
            raise MissingCredential(token_needed=True)
        return self.viewer.user_id

    @property
    def address(self) -> str:
        """The network address the request came from."""
        return client_address(self.request.META)

    @property
    def agent(self) -> str:
        """What the program that asks calls itself."""
        return str(self.request.META.get("HTTP_USER_AGENT", ""))

    def user_id(self, text: str) -> int:
        """Read the `<user_id>` of a path: a number, or `self` for the owner of the token."""
        return self.my_id if text == "self" else object_id_of(text, "user")
