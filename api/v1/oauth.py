"""POST /oauth/access_token: a name and password for a token (xAuth). Answers are flat."""

from accounts import clients
from accounts.models import OAuthClient
from accounts.queries import profiles
from accounts.services import check_password
from accounts.tokens import SCOPES, issue
from api.envelope import flat
from api.v1.base import Answer, Call, Endpoint, access, route
from api.v1.present_users import present_brief
from instagram.errors import InvalidClient, OAuthError


class AccessTokenExchange(Endpoint):
    """The token exchange; the grant with a code comes with the authorize page."""

    flat = True

    @access(secret=True)
    def post(self, call: Call) -> Answer:
        """Return the token and whose it is."""
        client = OAuthClient.objects.get(pk=call.client.pk) if call.client else None
        if client is None:
            raise OAuthError("You must provide a client_id")
        if call.params.get("grant_type") != "password":
            raise OAuthError("grant_type: this server takes grant_type=password")
        if not (client.xauth or client.first_party):
            raise OAuthError("This client has not been approved for grant_type=password")
        scopes = call.params.get("scope").replace(",", " ").split()
        if unknown := [scope for scope in scopes if scope not in SCOPES]:
            raise OAuthError(f"Invalid scope field(s): {', '.join(unknown)}")
        user = check_password(call.params.get("username"), call.params.get("password"))
        if user is None:
            raise OAuthError("The username or password is wrong.")
        return flat({"access_token": issue(user, client, scopes), "user": present_brief(profiles([user.pk])[user.pk])})

    def _admit(self, call: Call, handler: object, budget: object, placeholders: dict[str, str]) -> None:
        if not call.params.get("client_id"):
            raise OAuthError("You must provide a client_id")
        try:
            call.client = clients.authenticate(call.params.get("client_id"))
        except InvalidClient:
            raise OAuthError("Invalid Client ID") from None
        if not call.client.has_secret(call.params.get("client_secret")):
            raise OAuthError("Invalid client_secret")


routes = [route("oauth/access_token", AccessTokenExchange)]
