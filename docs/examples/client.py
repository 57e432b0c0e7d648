#!/usr/bin/env python3
"""An application of the time in a hundred lines: sign in, register, be allowed, read, like, comment, follow pages.

    .local/venv/bin/python docs/examples/client.py http://127.0.0.1:8000 anna demo-password-anna

Only the standard library. Registering and allowing happen in a browser in real life; here the script is the browser.
"""

import json
import re
import sys
from http.cookiejar import CookieJar
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, OpenerDirector, Request, build_opener

BACK = "http://127.0.0.1:9/back"


class NoRedirects(HTTPRedirectHandler):
    """The address we are sent to is the answer."""

    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        """Follow nothing."""


class Browser:
    """What a person's browser does: cookies and forms."""

    def __init__(self, host: str) -> None:
        self.host, self.jar = host, CookieJar()
        self.opener: OpenerDirector = build_opener(HTTPCookieProcessor(self.jar), NoRedirects())

    def get(self, path: str) -> str:
        """Return a page."""
        return self.opener.open(self.host + path, timeout=10).read().decode()

    def post(self, path: str, **fields: str) -> str:
        """Send a form; return where it leads."""
        token = next(cookie.value for cookie in self.jar if cookie.name == "csrftoken")
        body = urlencode({"csrfmiddlewaretoken": token} | fields).encode()
        try:
            self.opener.open(Request(self.host + path, body), timeout=10)  # noqa: S310  # the host we were given
        except HTTPError as answer:
            if answer.code == 302:
                return answer.headers["Location"]
            raise
        raise SystemExit(f"{path}: the form was not taken")


def call(address: str, **fields: str) -> dict[str, Any]:
    """Call the API: GET without fields, else POST. Errors are answers, too."""
    request = Request(address, urlencode(fields).encode() if fields else None)  # noqa: S310  # the address is the reader's own
    try:
        return json.load(build_opener().open(request, timeout=10))
    except HTTPError as answer:
        return json.load(answer)


def main(host: str, username: str, password: str) -> None:
    """Do all of it and say so."""
    browser = Browser(host)
    browser.get("/accounts/login/")
    browser.post("/accounts/login/", username=username, password=password)
    page = browser.post("/developer/clients/register/", name="Fog horn", redirect_uris=BACK)
    client_id, client_secret = re.findall(r"<code>([0-9a-f]{32})</code>", browser.get(urlsplit(page).path))[:2]
    print("registered   ", client_id)

    question = {"client_id": client_id, "redirect_uri": BACK, "response_type": "code", "scope": "likes comments"}
    sent_to = browser.post("/oauth/authorize?" + urlencode(question), decision="allow")
    (code,) = parse_qs(urlsplit(sent_to).query)["code"]
    facts = {"client_id": client_id, "client_secret": client_secret, "redirect_uri": BACK, "code": code}
    granted = call(f"{host}/oauth/access_token", grant_type="authorization_code", **facts)
    token = granted["access_token"]
    print("allowed by   ", granted["user"]["username"], token)

    feed = call(f"{host}/v1/users/self/feed.json?count=5&access_token={token}")
    for media in feed["data"]:
        words = (media["caption"] or {"text": ""})["text"]
        print("in the feed  ", media["user"]["username"], media["likes"]["count"], "likes", words[:40])
    if feed["pagination"]:
        print("and further  ", len(call(feed["pagination"]["next_url"])["data"]), "on the next page")

    first = feed["data"][0]["id"]
    print("liked        ", call(f"{host}/v1/media/{first}/likes?access_token={token}", hello="")["meta"])
    said = call(f"{host}/v1/media/{first}/comments", access_token=token, text="lovely")
    print("commented    ", said["data"]["text"])
    refused = call(f"{host}/v1/users/{granted['user']['id']}/relationship", access_token=token, action="follow")
    print("not allowed  ", refused["meta"]["error_message"][:60])


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
