"""Screenshots of the inspector for people to look at: `python -m tests.page.screenshots FOLDER`.

With `--readme` only the three pictures of the README, small: its folder is fixtures/inspector. PAGE_TOOLS as for tests.
"""

import argparse
import re
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.cli.emulator_process import BASIC, QUEUE, Emulator, start
from tests.page.browser import browser

PAGE = "/cdn-cgi/emulator/"
AT = ("SJC", "NRT", "FRA")
LIGHT = ("light", {"width": 1360, "height": 850})
DARK = ("dark", {"width": 1360, "height": 850})
PHONE = ("light", {"width": 390, "height": 800})
PHONE_DARK = ("dark", {"width": 360, "height": 740})
README = ("light", {"width": 1200, "height": 700})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--readme", action="store_true", help="only the pictures of the README")
    parsed = parser.parse_args()
    parsed.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        places = [word for place in AT[: 2 if parsed.readme else 3] for word in ("--location", place)]
        emulator = start("--ephemeral", *places, folder=Path(folder), log_file=Path(folder) / "log")
        try:
            with browser() as chromium:
                shots = (("readme", README),) if parsed.readme else _ALL
                for name, (scheme, size) in shots:
                    happen(emulator)
                    _shoot(chromium, emulator.url, parsed.folder, name, scheme, size, readme=parsed.readme)
        finally:
            emulator.dispose()


_ALL = (("light", LIGHT), ("dark", DARK), ("phone", PHONE), ("phone-dark", PHONE_DARK))


def happen(emulator: Emulator) -> None:
    """Two daemons at two locations, one of which sees old values."""

    def at(location: str) -> dict[str, str]:
        return {**QUEUE, "X-Emulator-Location": location}

    def later(by_s: int) -> None:
        emulator.ask("POST", f"{PAGE}clock", json={"advance_s": by_s})

    emulator.ask("POST", f"{PAGE}reset")
    emulator.ask("POST", f"{PAGE}seed", content=BASIC.read_bytes())
    emulator.ask("POST", "/api/migrate/run", headers={"X-API-Key": "dev-admin-key"})
    for task in ("task1", "task2", "task3"):
        emulator.ask("GET", f"/api/queue/{task}", headers=at("NRT"))
    emulator.ask("GET", "/api/queue", headers=at("NRT"))
    emulator.ask("GET", "/api/queue/task2", headers=at("FRA"))
    later(21)
    emulator.ask("POST", "/api/queue/task2/status", headers=at("SJC"), json={"status": "in_progress"})
    emulator.ask("POST", "/api/queue/claim", headers=at("SJC"), json={"workerId": "daemon-a"})
    later(4)
    emulator.ask("GET", "/api/queue/task2", headers=at("NRT"))
    emulator.ask("POST", "/api/queue/claim", headers=at("NRT"), json={"workerId": "daemon-b"})
    emulator.ask("GET", "/api/queue", headers=at("NRT"))


def _shoot(
    chromium: Browser, url: str, folder: Path, name: str, scheme: str, size: dict[str, int], *, readme: bool
) -> None:
    context = chromium.new_context(color_scheme=scheme, viewport=size)
    page = context.new_page()

    def shot(what: str) -> None:
        page.screenshot(path=folder / (f"{what}.png" if readme else f"{what}-{name}.png"))

    page.goto(f"{url}{PAGE}")
    page.locator(".row .key").first.wait_for()
    if not readme:
        shot("keys")
    page.get_by_text("queue:task:task2", exact=True).click()
    page.get_by_label("The chosen key").get_by_role("heading", name=re.compile("sees? an old value")).wait_for()
    shot("key" if not readme else "keys")
    _view(page, url, "timeline")
    page.locator("button.op.stale").last.click()
    page.locator(".versus").wait_for()
    shot("timeline")
    if not readme:
        _view(page, url, "clock")
        page.get_by_role("button", name="Make the next lease write fail, once").click()
        page.locator(".rule").wait_for()
        shot("clock")
        page.locator(".rule").get_by_role("button").click()
        _view(page, url, "cost")
        page.get_by_role("heading", name="Free plan").wait_for()
        shot("cost")
    _explore(page, url)
    shot("explore")
    context.close()


def _explore(page: Page, url: str) -> None:
    """Search, and play what is found."""
    _view(page, url, "explore")
    page.get_by_label("Scenario").select_option("two-ends")
    page.get_by_label("Seconds").fill("3")
    page.get_by_role("button", name="Search").click()
    page.locator(".finding").first.wait_for()
    page.get_by_role("button", name="Search").wait_for()
    page.locator(".finding").first.get_by_role("button", name="Play it step by step").click()
    for _ in range(9):
        page.get_by_role("button", name="Next as found").click()
        page.locator(".player img").wait_for()
    page.wait_for_timeout(300)


def _view(page: Page, url: str, name: str) -> None:
    page.goto(f"{url}{PAGE}#{name}")
    page.wait_for_timeout(300)


if __name__ == "__main__":
    main()
