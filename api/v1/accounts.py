"""Our own endpoints for accounts: sign up, one's own data, password, leaving and coming back, export, sign out."""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

from accounts import tokens
from accounts.models import Export, OAuthClient, User
from accounts.queries import profiles
from accounts.services import (
    change_password,
    change_profile,
    deactivate,
    note_login,
    reactivate,
    request_confirmation,
    request_deletion,
    request_export,
    request_reset,
    require_password,
    reset_password,
    set_picture,
    sign_up,
)
from accounts.services.deletion import progress
from accounts.services.exports import expires_at, latest_export
from accounts.services.sign_up import username_faults
from accounts.tokens import issue, revoke
from api import rate_limit, signatures
from api.calls import Call
from api.credentials import access_of, require
from api.v1.base import Answer, Endpoint, access, enveloped, route
from api.v1.present_users import present_full
from instagram.errors import MissingCredential
from photos import storage
from photos.services import store_picture
from photos.storage.signing import end_of_addresses


class Accounts(Endpoint):
    """POST /v1/accounts: sign up."""

    @access(secret=True, first_party=True)
    def post(self, call: Call) -> Answer:
        """Make the account and sign it in."""
        params = call.params
        with _stored_picture(call) as stem:
            user = sign_up(
                username=params.get("username"),
                password=params.get("password"),
                email=params.get("email"),
                full_name=params.get("full_name"),
                phone=params.get("phone"),
            )
            if stem:
                set_picture(user.pk, stem)
        note_login(user.pk, address=call.address, agent=call.agent, is_news=False)
        token = issue(user, OAuthClient.objects.get(client_id=params.get("client_id")))
        return enveloped({"access_token": token, "user": present_full(profiles([user.pk])[user.pk])})


class CheckUsername(Endpoint):
    """Whether a name can be had."""

    @access(first_party=True)
    def get(self, call: Call) -> Answer:
        """Return the name and whether it is available."""
        username = call.params.required("username").strip().lower()
        return enveloped({"username": username, "available": not username_faults(username)})


class PasswordReset(Endpoint):
    """A forgotten password: ask for a mail."""

    @access(token=False, first_party=True)
    def post(self, call: Call) -> Answer:
        """Have a link mailed; the answer and its time are the same whether or not there is such an account."""
        params = call.params
        request_reset(email=params.get("email"), username=params.get("username"), address=call.address)
        return enveloped(None)


class PasswordResetConfirm(Endpoint):
    """A forgotten password: set a new one with the token of the mail. Ours, like all of this module."""

    @access(token=False, first_party=True)
    def post(self, call: Call) -> Answer:
        """Set it, once; tokens of our own applications are revoked."""
        reset_password(call.params.required("token"), call.params.get("new_password"))
        return enveloped(None)


class Myself(Endpoint):
    """One's own account."""

    @access(token=True, first_party=True)
    def get(self, call: Call) -> Answer:
        """Return the profile with what only its owner sees."""
        return enveloped(_present_own(User.objects.get(pk=call.my_id)))

    @access(first_party=True)
    def post(self, call: Call) -> Answer:
        """Change the given fields."""
        texts = {name: call.params.optional(name) for name in ("full_name", "bio", "website", "phone", "email")}
        is_private = call.params.flag("is_private")
        with _stored_picture(call) as stem:
            user = change_profile(call.my_id, is_private=is_private, **texts)
            if stem:
                set_picture(call.my_id, stem)
        return enveloped(_present_own(user))

    @access(first_party=True)
    def delete(self, call: Call) -> Answer:
        """Hide me now and delete everything later, unless I sign in again before."""
        require_password(call.my_id, call.params.get("password"))
        request_deletion(call.my_id)
        return enveloped(None)


class ConfirmEmail(Endpoint):
    """One's own address."""

    @access(first_party=True)
    def post(self, call: Call) -> Answer:
        """Have the link that confirms it mailed once more; nothing is sent when it is confirmed."""
        request_confirmation(call.my_id)
        return enveloped(None)


class Password(Endpoint):
    """One's own password."""

    @access(first_party=True)
    def post(self, call: Call) -> Answer:
        """Change it; this token stays, others of our own applications are revoked."""
        change_password(
            call.my_id,
            old=call.params.get("old_password"),
            new=call.params.get("new_password"),
            kept_token_id=call.viewer.token_id if call.viewer else None,
        )
        return enveloped(None)


class Deactivate(Endpoint):
    """Leave for a while."""

    @access(first_party=True)
    def post(self, call: Call) -> Answer:
        """Hide everything of mine until I sign in again."""
        require_password(call.my_id, call.params.get("password"))
        deactivate(call.my_id)
        return enveloped(None)


class _Away(Endpoint):
    """What somebody may do whose token is worth nothing elsewhere, since they left."""

    def _admit(self, call: Call, handler: Any, budget: rate_limit.Budget, placeholders: dict[str, str]) -> None:
        token = call.params.get("access_token")
        if not token:
            raise MissingCredential(token_needed="client_id" in call.params)
        call.viewer = tokens.authenticate_away(token)
        call.client = call.viewer.client
        signatures.check(call, call.client)
        budget.spend(f"t{call.viewer.token_id}")
        require(access_of(handler), call.viewer, call.client)


class Reactivate(_Away):
    """Come back."""

    @access(first_party=True)
    def post(self, call: Call) -> Answer:
        """Take the deactivation back, and the wish to be deleted; the old token works again."""
        require_password(call.my_id, call.params.get("password"))
        reactivate(call.my_id)
        return enveloped(None)


class DeletionProgress(_Away):
    """How far one's deletion is."""

    @access(token=True, first_party=True)
    def get(self, call: Call) -> Answer:
        """Return status, when it begins, and each step with what it deleted so far."""
        return enveloped(progress(call.my_id))


class Exports(Endpoint):
    """An archive of everything one owns."""

    @access(token=True, first_party=True)
    def get(self, call: Call) -> Answer:
        """Return {"status": "none" | "queued" | "ready" | "expired", "url": signed address or None}.

        The address is good for an hour at most, though the archive is kept for longer: ask again.
        """
        export = latest_export(call.my_id)
        if export is None:
            return enveloped({"status": "none", "url": None})
        ends = expires_at(export)
        gone = export.state == Export.State.READY and ends is None
        url = storage.signed_url(export.key, expires_at=min(ends, end_of_addresses(time.time()))) if ends else None
        return enveloped({"status": Export.State.EXPIRED.value if gone else export.state, "url": url})

    @access(first_party=True)
    def post(self, call: Call) -> Answer:
        """Have one made; harmless to repeat."""
        request_export(call.my_id)
        return enveloped(None)


class Logout(Endpoint):
    """Sign out."""

    @access(first_party=True)
    def post(self, call: Call) -> Answer:
        """Revoke this token; accounts.signals.tokens_revoked tells whoever keeps devices."""
        if call.viewer is not None:
            revoke(call.viewer.token_id)
        return enveloped(None)


@contextlib.contextmanager
def _stored_picture(call: Call) -> Iterator[str]:
    """Yield the stem of the request's `picture`, stored already, or "" without one; a block that fails drops it.

    Before any transaction: the store is slow, and what it refuses shall change nothing.
    """
    file = call.params.files.get("picture")
    stem = store_picture(file.read()) if file is not None else ""
    try:
        yield stem
    except Exception:
        if stem:
            storage.delete_renditions(stem)
        raise


def _present_own(user: User) -> dict[str, Any]:
    return present_full(profiles([user.pk])[user.pk]) | {
        "email": user.email,
        "email_confirmed": user.email_confirmed_at is not None,
        "phone": user.phone,
        "is_private": user.is_private,
    }


routes = [
    route("v1/accounts", Accounts),
    route("v1/accounts/check_username", CheckUsername),
    route("v1/accounts/password_reset", PasswordReset),
    route("v1/accounts/password_reset/confirm", PasswordResetConfirm),
    route("v1/accounts/self", Myself),
    route("v1/accounts/self/confirm_email", ConfirmEmail),
    route("v1/accounts/self/password", Password),
    route("v1/accounts/self/deactivate", Deactivate),
    route("v1/accounts/self/reactivate", Reactivate),
    route("v1/accounts/self/deletion", DeletionProgress),
    route("v1/accounts/self/export", Exports),
    route("v1/accounts/logout", Logout),
]
