"""Errors of moderation that a moderator may see."""

from instagram.errors import APIError


class ClaimedByAnotherError(APIError):
    """Somebody else is at this case."""

    error_type, status = "ModerationClaimedError", 409

    def __init__(self, *, who: str) -> None:
        super().__init__(f"{who} is looking at this case")


class OwnCaseError(APIError):
    """Nobody decides about themselves, or what they reported themselves."""

    error_type, status = "ModerationOwnCaseError", 403

    def __init__(self) -> None:
        super().__init__("this is about you, or you reported it: somebody else decides")


class TooLateError(APIError):
    """It was decided, undone or deleted for good before."""

    error_type, status = "ModerationTooLateError", 409
