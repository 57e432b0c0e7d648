"""POST /oauth/access_token: an authorization code, or a name and password (xAuth), for a token. Answers are flat.

/oauth/authorize, where people allow an application, is a page for browsers: web/authorize.py.
"""

from accounts import clients, tokens
from accounts.clients import Client
from accounts.models import AccessToken, OAuthClient
from accounts.oauth.codes import exchange
from accounts.oauth.scopes import read_scopes
from accounts.queries import profiles
from accounts.services import sign_in_from
from api.envelope import flat
from api.v1.base import Answer, Call, Endpoint, Nothing, access, route
from api.v1.present_users import present_brief
from instagram.errors import InvalidClient, OAuthError


class AccessTokenExchange(Endpoint):
    """The token exchange."""

    flat = True

    @access(secret=True)
    def post(self, call: Call) -> Answer:
        """Return the token and whose it is."""
        client, grant_type = call.client, call.params.get("grant_type")
        if client is None:
            raise OAuthError("You must provide a client_id")
        if grant_type == "authorization_code":
            token = _by_code(call, client)
        elif grant_type == "password":
            token = _by_password(call, client)
        else:
            raise OAuthError("You must provide a grant_type of authorization_code or password")
        person = profiles([token.user_id])[token.user_id]
        return flat({"access_token": tokens.text_of(token), "user": present_brief(person)})

    def _admit(self, call: Call, handler: object, budget: object, placeholders: dict[str, str]) -> None:
        if not call.params.get("client_id"):
            raise OAuthError("You must provide a client_id")
        try:
            call.client = clients.authenticate(call.params.get("client_id"))
        except InvalidClient:
            raise OAuthError("Invalid Client ID") from None
        if not call.client.has_secret(call.params.get("client_secret")):
            raise OAuthError("Invalid client_secret")


class NothingHere(Nothing):
    """Every path under /oauth that is none of the others."""

    flat = True


def _by_code(call: Call, client: Client) -> AccessToken:
    redirect_uri = call.params.get("redirect_uri")
    return exchange(client_pk=client.pk, code=call.params.get("code"), redirect_uri=redirect_uri)


def _by_password(call: Call, client: Client) -> AccessToken:
    if not (client.xauth or client.first_party):
        raise OAuthError("This client has not been approved for grant_type=password")
    scopes = read_scopes(call.params.get("scope"))
    user = sign_in_from(
        call.address,
        username=call.params.get("username"),
        password=call.params.get("password"),
        agent=call.agent,
    )
    if user is None:
        raise OAuthError("The username or password is wrong.")
    return tokens.grant(user, OAuthClient.objects.get(pk=client.pk), scopes)


routes = [route("oauth/access_token", AccessTokenExchange)]
