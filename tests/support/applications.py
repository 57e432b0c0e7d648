"""Applications of others for tests, and browsers to visit the web pages with."""

import re
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from django.test import Client

from accounts.models import OAuthClient, User
from accounts.oauth.applications import register_application
from accounts.tokens import issue
from tests.support.people import Person, a_person

CALLBACK = "http://prints.example/callback"


def an_application(*, redirect_uris: str = CALLBACK, name: str = "Harbour Prints", **switches: Any) -> OAuthClient:
    """Register an application of a new developer; set switches, also those that developers cannot."""
    client = register_application(owner_id=a_person().id, name=name, redirect_uris=redirect_uris)
    for switch, value in switches.items():
        setattr(client, switch, value)
    client.save()
    return client


def a_token(person: Person, client: OAuthClient, *scopes: str) -> str:
    """Return a person's token for an application."""
    return issue(User.objects.get(pk=person.id), client, scopes)


def a_browser(person: Person | None = None, **options: Any) -> Client:
    """Return a browser, signed in through the login page if a person is given."""
    browser = Client(**options)
    if person:
        answer = browser.post("/accounts/login/", {"username": person.username, "password": "secret word"})
        assert answer.status_code == 302, answer.content
    return browser


def authorize_path(client: OAuthClient, **changes: str) -> str:
    """Return the address a client sends a browser to."""
    asked = {"client_id": client.client_id, "redirect_uri": CALLBACK, "response_type": "code"} | changes
    return f"/oauth/authorize?{urlencode(asked)}"


def decide(browser: Client, path: str, decision: str = "allow") -> str:
    """Press a button of the consent page; return where the browser is sent."""
    answer = browser.post(path, {"decision": decision})
    assert answer.status_code == 302, answer.content
    return answer["Location"]


def query_of(address: str) -> dict[str, str]:
    """Return the query of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def fragment_of(address: str) -> dict[str, str]:
    """Return the fragment of an address, read as a query."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).fragment).items()}


def exchange(client: OAuthClient, code: str, **changes: str) -> Any:
    """Exchange a code as the client's server does; return the response."""
    return Client().post(
        "/oauth/access_token",
        {
            "client_id": client.client_id,
            "client_secret": client.client_secret,
            "grant_type": "authorization_code",
            "redirect_uri": CALLBACK,
            "code": code,
        }
        | changes,
    )


def flat_refusal(response: Any, *, status: int = 400) -> tuple[str, str]:
    """Return a flat error's type and message: all three fields are there, and nothing else."""
    assert response.status_code == status, response.content[:500]
    body = response.json()
    assert set(body) == {"code", "error_type", "error_message"}
    assert body["code"] == status
    return body["error_type"], body["error_message"]


def csrf_token_of(page: Any) -> str:
    """Return the token of a page's form."""
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.content.decode())
    assert found
    return found[1]
