"""People for tests: everybody is new, so tests share the databases without meeting."""

import itertools
import os
import secrets
from dataclasses import dataclass
from typing import Any

import pyvips
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.clients import first_party_client
from accounts.models import OAuthClient
from accounts.services import sign_up
from accounts.tokens import issue

_numbers = itertools.count()
_run = secrets.token_hex(4)


@dataclass(frozen=True)
class Person:
    """Somebody who is signed up and signed in."""

    id: int
    username: str
    token: str

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        """GET a path of the API as this person; return the body of an answer that must be well."""
        return body(Client().get(path, params | {"access_token": self.token}))

    def post(self, path: str, **params: Any) -> dict[str, Any]:
        """POST to a path of the API as this person; return the body of an answer that must be well."""
        return body(Client().post(path, params | {"access_token": self.token}))

    def delete(self, path: str) -> dict[str, Any]:
        """DELETE a path of the API as this person; return the body of an answer that must be well."""
        return body(Client().delete(f"{path}?access_token={self.token}"))

    def upload(self, image: bytes | None = None, **params: Any) -> dict[str, Any]:
        """Upload a photo; return its Media object."""
        photo = SimpleUploadedFile("photo.jpg", image or a_photo())
        return self.post("/v1/media", photo=photo, **params)["data"]

    def follow(self, other: "Person") -> None:
        """Follow somebody through the API."""
        self.post(f"/v1/users/{other.id}/relationship", action="follow")

    def unfollow(self, other: "Person") -> None:
        """Stop following somebody through the API."""
        self.post(f"/v1/users/{other.id}/relationship", action="unfollow")


def a_person(**facts: Any) -> Person:
    """Sign somebody new up."""
    username = f"t{_run}{os.getpid() % 1000}.{next(_numbers)}"
    user = sign_up(
        username=username, password="secret word", email=f"{username}@example.com", **{"email_confirmed": True} | facts
    )
    return Person(user.pk, username, issue(user, our_client()))


def our_client() -> OAuthClient:
    """Return the first-party client."""
    return first_party_client()


def a_photo(*, width: int = 640, height: int = 480) -> bytes:
    """Return a small JPEG of a gradient."""
    x = pyvips.Image.xyz(width, height)
    bands = [(x[0] / width * 255), (x[1] / height * 255), ((x[0] + x[1]) / (width + height) * 255)]
    return bands[0].bandjoin(bands[1:]).cast("uchar").copy(interpretation="srgb").jpegsave_buffer(Q=80)


def body(response: Any, *, status: int = 200) -> dict[str, Any]:
    """Return an enveloped answer's body, checked: its status, and that meta says the same."""
    assert response.status_code == status, response.content[:500]
    answer = response.json()
    assert answer["meta"]["code"] == status
    return answer


def refusal(response: Any, *, status: int = 400) -> tuple[str, str]:
    """Return an enveloped error's type and message."""
    meta = body(response, status=status)["meta"]
    return meta["error_type"], meta["error_message"]
