"""A moderator's walk in a real browser: in at the door, the next case, a look, removed by the keyboard, undone."""

import re
import secrets

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.faults import FEED, Person, body_of, sign_up
from tests.support.chromium import a_browser
from tests.support.private import PrivateStack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.faults  # a data centre with web and workers

PASSWORD = "a word of the night shift"


def a_moderator(stack: PrivateStack, page: Page) -> str:
    """Make a moderator by the command, set the password by the link that it prints; return the name."""
    name = f"mod.{secrets.token_hex(3)}"
    said = stack.manage("staff", "add", name, "--role", "moderator", "--email", f"{name}@example.com")
    page.goto(said.split()[-1])
    page.fill("#new_password", PASSWORD)
    page.get_by_role("button", name="Set it").click()
    expect(page.get_by_text("Sign in with the new password")).to_be_visible()
    return name


def in_feed(person: Person, photo_id: int) -> str:
    """Return the address of a photo's picture in a person's feed, "" where it is not."""
    media = {each["id"].partition("_")[0]: each for each in body_of(person.get(FEED))["data"]}
    found = media.get(str(photo_id))
    return found["images"]["standard_resolution"]["url"] if found else ""


def test_a_moderator_takes_the_next_case_removes_by_the_keyboard_and_undoes(private_stack: PrivateStack) -> None:
    people = sign_up(private_stack, each=2)
    (anna, ben), (carl, *_) = people["shard_a"], people["shard_b"]
    carl.follow(anna)
    photo_id = anna.upload(caption="Cheap pills, ask me")
    picture = wait_until(lambda: in_feed(carl, photo_id), seconds=30, what="the photo is in the follower's feed")
    body_of(ben.post(f"/v1/media/{photo_id}/report", reason="spam", text="it sells pills"))

    with a_browser() as page:
        name = a_moderator(private_stack, page)
        page.goto(f"{private_stack.url}/admin/")
        page.fill("[name=username]", name)
        page.fill("[name=password]", PASSWORD)
        page.click("[type=submit]")
        page.get_by_role("link", name="Reports", exact=True).first.click()
        wait_until(lambda: _waits(page, photo_id), seconds=30, what="the report is in the queue")
        page.keyboard.press("t")  # takes the next case

        expect(page.locator("h1")).to_contain_text(f"photo {photo_id}")
        expect(page.locator("blockquote")).to_have_text("Cheap pills, ask me")
        assert page.locator(".looked-at img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 612
        expect(page.get_by_text("it sells pills")).to_be_visible()

        page.keyboard.press("w")  # a warning needs words for its owner, too
        page.keyboard.press("Escape")
        page.keyboard.press("r")  # without a reason nothing happens but that the field asks for one
        expect(page.locator("#id_why")).to_be_focused()
        page.keyboard.press("Escape")
        page.keyboard.press("/")
        page.keyboard.type("sells pills, dear")
        page.keyboard.press("Enter")  # chooses no verdict
        page.keyboard.press("Escape")
        page.keyboard.press("r")
        expect(page.locator(".messagelist")).to_contain_text(f"Decided: Remove: photo {photo_id}")
        wait_until(lambda: not in_feed(carl, photo_id), what="the photo has left the follower's feed")
        wait_until(lambda: requests.get(picture, timeout=5).status_code == 404, what="its file is gone")

        page.keyboard.press("u")
        page.fill("[name=why]", "it was a joke among friends")
        page.get_by_role("button", name="Undo the decision").click()
        expect(page.locator(".messagelist")).to_contain_text("The decision is undone")
        again = wait_until(lambda: in_feed(carl, photo_id), seconds=30, what="the photo is in the feed again")
        assert requests.get(again, timeout=5).status_code == 200

        page.goto(f"{private_stack.url}/admin/decisions/?moderator={name}")
        expect(page.locator("#content table.stack tbody tr")).to_have_count(1)
        expect(page.locator("#content table.stack tbody tr")).to_contain_text("sells pills, dear")
        expect(page.locator("#content table.stack tbody tr")).to_contain_text("undone")


def _waits(page: Page, photo_id: int) -> bool:
    page.reload()
    return re.search(rf"\b{photo_id}\b", page.locator("#content").inner_text()) is not None
