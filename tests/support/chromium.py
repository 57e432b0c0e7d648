"""Debian's Chromium without a screen, for tests of what people do in a browser."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, sync_playwright

#: No sandbox, for root has none; nothing that calls home.
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def a_browser(*, width: int = 1280, height: int = 900) -> Iterator[Page]:
    """Yield an empty page of a new browser; what does not come within 20 s fails the test."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=_ARGUMENTS)
        page = browser.new_context(viewport={"width": width, "height": height}).new_page()
        page.set_default_timeout(20_000)
        try:
            yield page
        finally:
            browser.close()
