"""Take docs/admin/*.jpg of a running service with the demo: `python docs/screenshots.py http://127.0.0.1:8000`.

Needs Debian's chromium and the demo, with its logins (.local/demo.json), reports and decision. A picture is a line in
PICTURES; each is kept below 100 kB.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = "/usr/bin/chromium"
DESK, PHONE = 1280, 390
LARGEST = 100_000


@dataclass(frozen=True)
class Picture:
    """One picture: where to go as whom, and what to do there before it is taken."""

    name: str
    path: str
    role: str = "admin"
    width: int = DESK
    height: int = 800
    act: Callable[[Page], None] = lambda _page: None


def _open_first_person(page: Page) -> None:
    page.locator("table.stack tbody a").first.click()
    page.wait_for_load_state("networkidle")


def _suspend_first_person(page: Page) -> None:
    _open_first_person(page)
    page.get_by_role("link", name="Suspend").click()
    page.wait_for_load_state("networkidle")


def _take_a_photo(page: Page) -> None:
    """Take a photo's case; whose moderator has one already is given that again."""
    page.get_by_role("button", name="Take the next case").click()
    page.wait_for_load_state("networkidle")


def _open_first_photo(page: Page) -> None:
    page.locator("table.stack td.thumb a").first.click()
    page.wait_for_load_state("networkidle")


def _undo_first(page: Page) -> None:
    page.locator("table.stack a", has_text="Undo").first.click()
    page.wait_for_load_state("networkidle")


PICTURES = (
    Picture("front", "/admin/", height=420),
    Picture("people", "/admin/people/?private=0&state=here"),
    Picture("person", "/admin/people/?q=@anna", act=_open_first_person, height=900),
    Picture("person-phone", "/admin/people/?q=@anna", width=PHONE, height=844, act=_open_first_person),
    Picture("suspend", "/admin/people/?q=@ben", role="moderator", act=_suspend_first_person),
    Picture("queue", "/admin/reports/", role="moderator"),
    Picture("case", "/admin/reports/?kind=media", role="moderator", act=_take_a_photo, height=900),
    Picture("case-phone", "/admin/reports/?kind=media", role="moderator", width=PHONE, height=844, act=_take_a_photo),
    Picture("decisions", "/admin/decisions/", role="moderator", height=480),
    Picture("undo", "/admin/decisions/?state=stands", role="moderator", height=560, act=_undo_first),
    Picture("photos", "/admin/photos/", role="moderator"),
    Picture("comments", "/admin/comments/", role="moderator", height=600),
    Picture("photo", "/admin/photos/?person=@anna", role="moderator", act=_open_first_photo, height=1000),
    Picture(
        "photo-phone", "/admin/photos/?person=@anna", role="moderator", width=PHONE, height=844, act=_open_first_photo
    ),
    Picture("switches", "/admin/switches/", height=560),
    Picture("shards", "/admin/dashboards/shards/", height=1000),
    Picture("cache-phone", "/admin/dashboards/cache/", width=PHONE, height=844),
    Picture("audit", "/admin/audit/", height=700),
)


def take(base: str, wanted: list[str]) -> None:
    """Take the pictures that were asked for, all if none was named."""
    logins = {each["role"]: each for each in json.loads((ROOT / ".local/demo.json").read_text())["staff"]}
    folder = ROOT / "docs" / "admin"
    folder.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for picture in PICTURES:
            if wanted and picture.name not in wanted:
                continue
            size = ViewportSize(width=picture.width, height=picture.height)
            page = browser.new_context(viewport=size, color_scheme="light").new_page()
            page.goto(f"{base}/admin/login/")
            page.fill("[name=username]", logins[picture.role]["username"])
            page.fill("[name=password]", logins[picture.role]["password"])
            page.click("[type=submit]")
            page.goto(base + picture.path, wait_until="networkidle")
            picture.act(page)
            for quality in (80, 60, 40):
                image = page.screenshot(type="jpeg", quality=quality)
                if len(image) <= LARGEST:
                    break
            (folder / f"{picture.name}.jpg").write_bytes(image)
            print(f"{picture.name}: {len(image) // 1000} kB")
            page.context.close()
        browser.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", help="where the service runs")
    parser.add_argument("names", nargs="*", help="pictures to take; default: all")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - {picture.name for picture in PICTURES}
    if unknown:
        parser.error(f"no such picture: {', '.join(sorted(unknown))}")
    take(arguments.base.rstrip("/"), arguments.names)
