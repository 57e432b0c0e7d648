"""What people do with their accounts."""

from .follows import approve_request, block_user, follow_user, ignore_request, unblock_user, unfollow_user
from .presence import deactivate, reactivate
from .profiles import change_profile
from .sign_up import check_password, sign_in, sign_up

__all__ = [
    "approve_request",
    "block_user",
    "change_profile",
    "check_password",
    "deactivate",
    "follow_user",
    "ignore_request",
    "reactivate",
    "sign_in",
    "sign_up",
    "unblock_user",
    "unfollow_user",
]
