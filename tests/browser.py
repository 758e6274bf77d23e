"""A real browser for the tests of the explorer's page: Debian's chromium, offline."""

import os
import shutil

import pytest

from qlstm.explorer import explorer_page

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")


def open_browser():
    """A browser that reaches nothing but files; skips where there is none."""
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("needs chromium")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"]
        )
        yield browser
        browser.close()


class Visit:
    """The page in a window of its own, with everything that it complains about."""

    def __init__(self, browser, path, width=1440, scheme="light"):
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            reduced_motion="reduce",
            offline=True,
            accept_downloads=True,
        )
        self.page, self.complaints = context.new_page(), []
        self.page.on("console", lambda said: self.complaints.append(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.go(path.as_uri())

    def go(self, url):
        """Open an address and wait until it is drawn."""
        self.page.goto(url)
        self.page.wait_for_selector("html[data-ready]")

    def settle(self):
        """Until what was asked for is drawn: two frames."""
        self.page.evaluate(
            "() => new Promise((done) => requestAnimationFrame("
            "() => requestAnimationFrame(done)))"
        )

    def notice(self):
        """What the page says to the last thing that was done."""
        self.settle()
        return self.page.inner_text("#notice")

    def close(self):
        """Close it; nobody may have complained."""
        self.page.context.close()
        assert self.complaints == []


def write_page(folder, *args, **options):
    """A page as a file."""
    path = folder / "page.html"
    path.write_text(explorer_page(*args, **options), encoding="utf-8")
    return path
