"""Our own endpoints for accounts: sign up, one's own data, sign out."""

from typing import Any

from accounts.models import OAuthClient, User
from accounts.queries import profiles
from accounts.services import change_profile, sign_up
from accounts.services.sign_up import username_faults
from accounts.tokens import issue, revoke
from api.v1.base import Answer, Call, Endpoint, access, enveloped, route
from api.v1.present_users import present_full


class Accounts(Endpoint):
    """POST /v1/accounts: sign up."""

    @access(secret=True, first_party=True)
    def post(self, call: Call) -> Answer:
        """Make the account and sign it in."""
        params = call.params
        user = sign_up(
            username=params.get("username"),
            password=params.get("password"),
            email=params.get("email"),
            full_name=params.get("full_name"),
            phone=params.get("phone"),
        )
        token = issue(user, OAuthClient.objects.get(client_id=params.get("client_id")))
        return enveloped({"access_token": token, "user": present_full(profiles([user.pk])[user.pk])})


class CheckUsername(Endpoint):
    """Whether a name can be had."""

    @access(first_party=True)
    def get(self, call: Call) -> Answer:
        """Return the name and whether it is available."""
        username = call.params.required("username").strip().lower()
        return enveloped({"username": username, "available": not username_faults(username)})


class Myself(Endpoint):
    """One's own account."""

    @access(token=True, first_party=True)
    def get(self, call: Call) -> Answer:
        """Return the profile with what only its owner sees."""
        return enveloped(_present_own(User.objects.get(pk=call.my_id)))

    @access(first_party=True)
    def post(self, call: Call) -> Answer:
        """Change the given fields."""
        texts = {name: call.params.optional(name) for name in ("full_name", "bio", "website", "phone")}
        return enveloped(_present_own(change_profile(call.my_id, is_private=call.params.flag("is_private"), **texts)))


class Logout(Endpoint):
    """Sign out."""

    @access(first_party=True)
    def post(self, call: Call) -> Answer:
        """Revoke this token."""
        if call.viewer is not None:
            revoke(call.viewer.token_id)
        return enveloped(None)


def _present_own(user: User) -> dict[str, Any]:
    return present_full(profiles([user.pk])[user.pk]) | {
        "email": user.email,
        "phone": user.phone,
        "is_private": user.is_private,
    }


routes = [
    route("v1/accounts", Accounts),
    route("v1/accounts/check_username", CheckUsername),
    route("v1/accounts/self", Myself),
    route("v1/accounts/logout", Logout),
]
