"""The pages that the Rust tests of cost-page wrote, and Chromium to look at them: Debian's, or the one that the machine has."""

import os
import pathlib
import shutil
import subprocess

import pytest
from playwright.sync_api import sync_playwright

TOP = pathlib.Path(__file__).parents[2]
PAGES = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", TOP / "target")) / "tmp/pages"
NAMES = ["report", "month", "team", "minimal", "hostile", "largest", "scan", "hostile-scan"]
BROWSERS = ["chromium", "google-chrome", "google-chrome-stable"]
# What Chromium does besides showing a page, turned off. Playwright gives it an empty profile and turns its sandbox off, which root needs.
QUIET = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


def found():
    return next((path for path in map(shutil.which, BROWSERS) if path), None)


def installed():
    """Debian's chromium, if apt-get may install it: as root, or by a sudo that asks for no password."""
    may = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if not shutil.which("apt-get") or (may and not shutil.which("sudo")):
        return None
    for step in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
        if subprocess.run([*may, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *step], stdin=subprocess.DEVNULL, check=False).returncode:
            return None
    return found()


@pytest.fixture(scope="session")
def browser():
    path = found() or installed()
    if not path:
        pytest.fail("no browser: install Chromium (Debian: `apt install chromium`) or Google Chrome. It could not be installed from here.", pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def look(browser):
    """Opens a page at a width and in a colour scheme; what it asks for and complains of is in `asked` and `complaints`."""
    contexts = []

    def look(name, width=1280, scheme="light"):
        file = PAGES / f"{name}.html"
        if not file.exists():
            pytest.fail(f"{file} is missing: `make unit` writes it", pytrace=False)
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.asked, page.complaints = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(file.as_uri())
        page.address = file.as_uri()
        return page

    yield look
    for context in contexts:
        context.close()
