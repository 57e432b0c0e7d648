"""What the README promises, on a running data centre with a demo: by curl and HTTP alone, nothing of ours imported."""

import html
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import pyvips
import requests

from tests.support.people import a_photo
from tests.support.private import ROOT, PrivateStack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.faults  # a data centre of its own

SIDES = {"thumbnail": 150, "low_resolution": 306, "standard_resolution": 612}


@pytest.fixture(scope="module")
def logins(private_stack: PrivateStack) -> dict[str, dict[str, str]]:
    """Load a small demo; return its logins by name."""
    private_stack.manage("demo", "--users", "30", "--photos", "60")
    told = json.loads((private_stack.state_dir / "demo.json").read_text())
    return {login["username"]: login for login in told["logins"]}


def tell(stack: PrivateStack, login: dict[str, str], path: str, **params: object) -> list[dict]:
    """Return the data of a GET as somebody."""
    params = {"access_token": login["access_token"]} | params
    answer = requests.get(f"{stack.url}/v1/{path}", params=params, timeout=5)
    assert answer.status_code == 200
    return answer.json()["data"]


def feed(stack: PrivateStack, login: dict[str, str], **params: object) -> list[dict]:
    return tell(stack, login, "users/self/feed", **params)


def test_the_demo_fills_a_page_of_the_feed_with_pictures_of_the_stated_size(
    private_stack: PrivateStack, logins: dict[str, dict[str, str]]
) -> None:
    media = feed(private_stack, logins["anna"])

    assert len(media) == 20
    numbers = [int(each["id"].split("_")[0]) for each in media]
    assert numbers == sorted(numbers, reverse=True)
    for name, side in SIDES.items():
        for image in (each["images"][name] for each in media):
            answer = requests.get(image["url"], timeout=5)
            assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/jpeg")
            picture = pyvips.Image.new_from_buffer(answer.content, "")
            assert picture.width == picture.height == image["width"] == image["height"] == side


def test_the_stacks_page_shows_within_two_seconds_what_anna_posts_ringing_bens_phone_and_going_to_twitter(
    private_stack: PrivateStack, logins: dict[str, dict[str, str]]
) -> None:
    # Before the other uploads of this file: one author rings a phone once a minute.
    def shown(page: str) -> str:
        return html.unescape(requests.get(f"{private_stack.page}{page}", timeout=5).text)

    sent = {"access_token": logins["anna"]["access_token"], "caption": "Fog & 🇩🇪", "share_to": "twitter"}
    photo = requests.post(f"{private_stack.url}/v1/media", sent, files={"photo": a_photo()}, timeout=10).json()["data"]
    posted_at = time.monotonic()
    assert photo["shares"] == [{"service": "twitter", "status": "queued"}]

    wait_until(lambda: "anna posted a photo: Fog & 🇩🇪" in shown("/inbox"), seconds=2.0)
    wait_until(lambda: f"Fog & 🇩🇪 {photo['link']}" in shown("/shares"), seconds=2.0)
    assert "ben's phone" in shown("/inbox")
    assert time.monotonic() - posted_at < 2.0
    assert tell(private_stack, logins["anna"], f"media/{photo['id']}/shares")[0]["status"] == "sent"


def test_a_like_is_in_annas_news_and_on_her_phone_within_two_seconds(
    private_stack: PrivateStack, logins: dict[str, dict[str, str]]
) -> None:
    anna, ben = logins["anna"], logins["ben"]
    sent = {"access_token": anna["access_token"], "caption": "Ferry"}
    photo = requests.post(f"{private_stack.url}/v1/media", sent, files={"photo": a_photo()}, timeout=10).json()["data"]

    token = {"access_token": ben["access_token"]}
    requests.post(f"{private_stack.url}/v1/media/{photo['id']}/likes", token, timeout=5)
    liked_at = time.monotonic()

    def is_news() -> bool:
        newest = tell(private_stack, anna, "users/self/activity", count=1)[0]
        return (newest["type"], newest["media"]["id"]) == ("like", photo["id"]) and newest["from"]["username"] == "ben"

    def rang() -> bool:
        page = html.unescape(requests.get(f"{private_stack.page}/inbox", timeout=5).text)
        return "ben liked your photo" in page and photo["id"] in page

    wait_until(is_news, seconds=2.0)
    wait_until(rang, seconds=2.0)
    assert time.monotonic() - liked_at < 2.0


def test_what_anna_uploads_by_curl_is_first_in_bens_feed_within_two_seconds(
    private_stack: PrivateStack, logins: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    picture = tmp_path / "picture.jpg"
    picture.write_bytes(a_photo())
    words = [
        "-F",
        f"access_token={logins['anna']['access_token']}",
        "-F",
        f"photo=@{picture}",
        "-F",
        "caption=Hello #world",
    ]
    curl = ["curl", "-sS", *words, f"{private_stack.url}/v1/media"]

    posted = json.loads(subprocess.run(curl, check=True, capture_output=True).stdout)
    answered_at = time.monotonic()

    photo = posted["data"]["id"]
    wait_until(lambda: feed(private_stack, logins["ben"], count=1)[0]["id"] == photo, seconds=2.0)
    assert time.monotonic() - answered_at < 2.0
    assert posted["data"]["tags"] == ["world"]


def test_the_quick_start_of_the_documentation_works_word_for_word(
    private_stack: PrivateStack, logins: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    page = (ROOT / "docs" / "api.md").read_text()
    lines = page.partition("## Quick start")[2].split("```")[1]
    (tmp_path / "picture.jpg").write_bytes(a_photo())
    for documented, here in {
        "http://127.0.0.1:8000": private_stack.url,
        ".local/demo.json": str(private_stack.state_dir / "demo.json"),
    }.items():
        assert documented in lines
        lines = lines.replace(documented, here)

    said = subprocess.run(["bash", "-euc", lines], cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    liked, uploaded = said[said.index("{") :].split("}{", 1)
    assert json.loads(liked + "}") == {"meta": {"code": 200}, "data": None}
    assert json.loads("{" + uploaded)["data"]["caption"]["text"] == "Hello #world"


def test_the_example_client_does_what_it_says(private_stack: PrivateStack, logins: dict[str, dict[str, str]]) -> None:
    client = [sys.executable, str(ROOT / "docs" / "examples" / "client.py"), private_stack.url]

    said = subprocess.run(
        [*client, "ben", logins["ben"]["password"]], check=True, capture_output=True, text=True
    ).stdout

    assert "allowed by    ben" in said
    assert said.count("in the feed") == 5
    assert "{'code': 200}" in said
    assert "This request requires scope=relationships" in said
