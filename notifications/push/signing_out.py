"""Signing out silences the phone: in the transaction that makes the access token worthless."""

from typing import Any

from accounts.signals import tokens_revoked

from .devices import end_with_tokens


def connect() -> None:
    """Be told of tokens that are revoked."""
    tokens_revoked.connect(_revoked, dispatch_uid="notifications.push")


def _revoked(sender: object, *, token_ids: list[int], **_rest: Any) -> None:
    del sender
    end_with_tokens(token_ids)
