"""What people do with their accounts."""

from .follows import follow_user, unfollow_user
from .profiles import change_profile
from .sign_up import check_password, sign_up

__all__ = ["change_profile", "check_password", "follow_user", "sign_up", "unfollow_user"]
