"""What rooms above are told at once, in the same transaction on main, without accounts/ knowing them."""

from django.dispatch import Signal

#: token_ids: access tokens that are worth nothing any more (signed out, password changed). Devices end with theirs.
tokens_revoked = Signal()
