"""Reading `scope`: names separated by spaces (`+` in an address) or commas."""

from accounts.tokens import SCOPES
from instagram.errors import OAuthError

#: What each lets an application do, in words for the consent page.
MEANING = {
    "basic": "See your profile, your photos, and the people you follow",
    "comments": "Write and delete comments for you",
    "relationships": "Follow and unfollow people for you",
    "likes": "Like and unlike photos for you",
}


def read_scopes(text: str) -> tuple[str, ...]:
    """Return the scopes asked for, `basic` first, each once. Empty is basic. Raises OAuthError for unknown ones."""
    asked = text.replace(",", " ").split()
    if unknown := [scope for scope in dict.fromkeys(asked) if scope not in SCOPES]:
        raise OAuthError(f"Invalid scope field(s): {', '.join(unknown)}")
    return tuple(scope for scope in SCOPES if scope == "basic" or scope in asked)
