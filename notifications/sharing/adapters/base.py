"""What every adapter can do, and what most of them do alike."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import requests
from django.conf import settings

from . import wire
from .faults import Later, Refused, Revoked, ServiceFault


@dataclass(frozen=True, slots=True)
class Account:
    """Whom to post as: the account's name there, token and secret."""

    name: str
    token: str
    secret: str = ""


@dataclass(frozen=True, slots=True)
class Post:
    """What is to be posted. By its link, unique to the photo, a post is found again."""

    link: str
    #: For the services that have machine tags.
    photo_id: int
    text: str = ""
    tags: tuple[str, ...] = ()
    #: For who cannot see the picture.
    alt: str = ""
    #: JPEG; None: the link alone, for photos that are another's or not everybody's.
    image: bytes | None = None
    #: Foursquare's id of the place.
    venue: str = ""
    position: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Handshake:
    """A linking under way: where to send the browser, and what to remember until it comes back."""

    address: str
    token: str = ""
    secret: str = ""


class Adapter(ABC):
    """A service. Its methods raise Refused, Revoked, Later."""

    service: ClassVar[str]

    @abstractmethod
    def post(self, account: Account, post: Post) -> str:
        """Post it; return its address there, empty where the service tells none."""

    @abstractmethod
    def resume(self, account: Account, post: Post) -> str | None:
        """Return the address of what an earlier attempt posted, completed if it stayed half; None if nothing."""

    @abstractmethod
    def begin(self, callback: str, state: str) -> Handshake:
        """Begin to link an account; the browser comes back to `callback`."""

    @abstractmethod
    def finish(self, callback: str, handshake: Handshake, answer: Mapping[str, str]) -> Account:
        """Return the account of a browser that came back with `answer`. Raises Refused if the person said no."""

    @property
    def key(self) -> str:
        """What the service knows us by."""
        return settings.SERVICE_KEYS[self.service][0]

    @property
    def secret(self) -> str:
        """The secret that goes with it."""
        return settings.SERVICE_KEYS[self.service][1]

    def ask(self, method: str, url: str, **options: Any) -> Any:
        """Make one request; return the JSON of a good answer."""
        response = wire.send(method, url, **options)
        if 200 <= response.status_code < 300:
            return wire.json_of(response)
        raise self.fault(response)

    def fault(self, response: requests.Response) -> ServiceFault:
        """Return what an answer that is not a good one means. Adapters know better where their service differs."""
        said = wire.sentence(self.words(response), response.status_code)
        if response.status_code == 429:
            return Later(said, seconds=wire.wished_wait(response), untouched=True)
        if response.status_code >= 500:
            return Later(said, seconds=wire.wished_wait(response))
        if response.status_code == 401:
            return Revoked(said)
        return Refused(said)

    def words(self, response: requests.Response) -> str | None:
        """Return what the service says of a fault."""
        return None
