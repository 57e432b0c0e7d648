"""One adapter per service: how to link an account there, and how to post as it."""

from django.conf import settings

from .base import Account, Adapter, Handshake, Post
from .facebook import Facebook
from .faults import Later, Refused, Revoked, ServiceFault
from .flickr import Flickr
from .foursquare import Foursquare
from .tumblr import Tumblr
from .twitter import Twitter

__all__ = [
    "Account",
    "Adapter",
    "Handshake",
    "Later",
    "Post",
    "Refused",
    "Revoked",
    "ServiceFault",
    "adapter_of",
    "is_offered",
]

_ALL: tuple[Adapter, ...] = (Twitter(), Facebook(), Tumblr(), Flickr(), Foursquare())
_ADAPTERS = {adapter.service: adapter for adapter in _ALL}


def adapter_of(service: str) -> Adapter | None:
    """Return the adapter of a service, None for one that is not offered: closed, or without keys of ours."""
    return _ADAPTERS[service] if is_offered(service) else None


def is_offered(service: str) -> bool:
    """Return whether accounts of a service can be linked here. Posterous closed in 2013."""
    return service in _ADAPTERS and bool(settings.SERVICE_KEYS[service][0])
