"""What can be wrong with a subscription, as its client is told."""

from instagram.errors import APIError


class SubscriptionError(APIError):
    """The client_secret does not fit, the callback does not answer as it should, or there are too many."""

    error_type = "APISubscriptionError"
