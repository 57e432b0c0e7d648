"""Faults on purpose, in the private data centre. Here: what these tests share, people who speak HTTP above all."""

import json
import secrets
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import psycopg2
import requests
from django.conf import settings

from tests.support.people import a_photo
from tests.support.private import PrivateStack

FEED = "/v1/users/self/feed"
SERVERS = ("main", *settings.SHARD_SERVERS)
#: Small, since each upload renders it four times.
_IMAGE = a_photo(width=200, height=200)

# As many as there are logical shards, so that some live on each server; no passwords, since hashing takes its time.
_SIGN_UP = """
import json
from django.conf import settings
from accounts.clients import first_party_client
from accounts.models import User
from accounts.tokens import issue
from sharding import by_server

names = ["{name}.%d" % number for number in range(settings.LOGICAL_SHARDS)]
users = User.objects.bulk_create([User(username=name, email=name + "@example.com", password="!") for name in names])
by_id = {{user.pk: user for user in users}}
print(json.dumps({{
    server.name: [(pk, issue(by_id[pk], first_party_client())) for pk in ids[:{each}]]
    for server, ids in by_server(by_id).items()
}}))
"""


@dataclass(frozen=True)
class Person:
    """Somebody with an account in the private data centre."""

    stack: PrivateStack
    id: int
    token: str

    def get(self, path: str, **params: Any) -> requests.Response:
        """GET a path of the API as this person."""
        return requests.get(self.stack.url + path, params=params | {"access_token": self.token}, timeout=30)

    def post(self, path: str, files: dict[str, Any] | None = None, **params: Any) -> requests.Response:
        """POST to a path of the API as this person."""
        data = params | {"access_token": self.token}
        return requests.post(self.stack.url + path, data=data, files=files, timeout=30)

    def try_to_upload(self, *, upload_id: str = "", **params: Any) -> requests.Response:
        """Upload a photo, whatever comes of it; the key in the address, where a load balancer sees it."""
        path = f"/v1/media?upload_id={quote(upload_id)}" if upload_id else "/v1/media"
        return self.post(path, files={"photo": ("photo.jpg", _IMAGE, "image/jpeg")}, **params)

    def upload(self, **params: Any) -> int:
        """Upload a photo; return its id."""
        (photo_id,) = photo_ids_in({"data": [body_of(self.try_to_upload(**params))["data"]]})
        return photo_id

    def follow(self, other: "Person") -> None:
        """Follow somebody."""
        body_of(self.post(f"/v1/users/{other.id}/relationship", action="follow"))

    def whole_feed(self, *, count: int = 20) -> list[int]:
        """Page through the home feed to its very end; return the ids of its photos."""
        seen: list[int] = []
        cursor: dict[str, str] = {}
        for _ in range(100):
            page = body_of(self.get(FEED, count=count, **cursor))
            seen += photo_ids_in(page)
            if not page["pagination"]:
                return seen
            cursor = {"max_id": page["pagination"]["next_max_id"]}
        raise AssertionError("the feed has no end")


def sign_up(stack: PrivateStack, *, each: int) -> dict[str, list[Person]]:
    """Make new accounts; return `each` many by the server that holds them."""
    said = stack.manage("shell", "-v0", "-c", _SIGN_UP.format(name=f"t{secrets.token_hex(4)}", each=each))
    return {
        server: [Person(stack, user_id, token) for user_id, token in made]
        for server, made in json.loads(said.splitlines()[-1]).items()
    }


def body_of(answer: requests.Response, *, status: int = 200) -> dict[str, Any]:
    """Return an enveloped answer's body, checked: its status, and that meta says the same."""
    assert answer.status_code == status, answer.text[:500]
    body = answer.json()
    assert body["meta"]["code"] == status, body["meta"]
    return body


def photo_ids_in(body: dict[str, Any]) -> list[int]:
    """Return the ids of the photos of a list."""
    return [int(media["id"].partition("_")[0]) for media in body["data"]]


def ask(stack: PrivateStack, server: str, statement: str, *arguments: Any) -> list[tuple[Any, ...]]:
    """Run one statement on a database server and return its rows."""
    link = psycopg2.connect(
        host="127.0.0.1",
        port=stack.ports["pgbouncer"],
        dbname=server,
        user=settings.DB_USER,
        password=settings.DB_PASSWORD,
    )
    with closing(link), link, link.cursor() as cursor:
        cursor.execute(statement, arguments or None)
        return cursor.fetchall() if cursor.description else []
