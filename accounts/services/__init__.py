"""What people do with their accounts."""

from .attempts import sign_in_from
from .confirmation import confirm_email, request_confirmation
from .deletion import request_deletion
from .exports import request_export
from .follows import approve_request, block_user, follow_user, ignore_request, unblock_user, unfollow_user
from .logins import note_login
from .passwords import change_password, request_reset, require_password, reset_password
from .presence import deactivate, reactivate
from .profiles import change_profile, set_picture
from .sign_up import check_password, sign_in, sign_up
from .suspension import sign_out_everywhere, suspend, unsuspend

__all__ = [
    "approve_request",
    "block_user",
    "change_password",
    "change_profile",
    "check_password",
    "confirm_email",
    "deactivate",
    "follow_user",
    "ignore_request",
    "note_login",
    "reactivate",
    "request_confirmation",
    "request_deletion",
    "request_export",
    "request_reset",
    "require_password",
    "reset_password",
    "set_picture",
    "sign_in",
    "sign_in_from",
    "sign_out_everywhere",
    "sign_up",
    "suspend",
    "unblock_user",
    "unfollow_user",
    "unsuspend",
]
