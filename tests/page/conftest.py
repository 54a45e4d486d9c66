"""A browser for all tests, and for each an emulator at two or three locations, and a page of it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, Request, ViewportSize, expect

from tests.cli.emulator_process import BASIC, QUEUE, Emulator, start
from tests.page.browser import browser as started

expect.set_options(timeout=20_000)  # far beyond what anything here takes: a test asserts no time
PAGE = "/cdn-cgi/emulator/"
TOKYO = {**QUEUE, "X-Emulator-Location": "NRT"}
AT = ("--location", "SJC", "--location", "NRT")

OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with started() as running:
        yield running


@pytest.fixture(scope="session")
def _shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    folder = tmp_path_factory.mktemp("emulator")
    running = start("--ephemeral", *AT, folder=folder, log_file=folder / "log")
    yield running
    running.dispose()


@pytest.fixture
def empty(_shared: Emulator) -> Emulator:
    """An emulator at SJC and NRT that holds nothing."""
    assert _shared.ask("POST", f"{PAGE}reset").status_code == 200
    return _shared


@pytest.fixture
def emulator(empty: Emulator) -> Emulator:
    """The same with five tasks and two leases; NRT has looked at task2, which has changed since."""
    empty.ask("POST", f"{PAGE}seed", content=BASIC.read_bytes())
    empty.ask("POST", "/api/migrate/run", headers={"X-API-Key": "dev-admin-key"})
    empty.ask("GET", "/api/queue/task2", headers=TOKYO)
    empty.ask("GET", "/api/queue", headers=TOKYO)
    empty.ask("POST", f"{PAGE}clock", json={"advance_s": 20})
    empty.ask("POST", "/api/queue/task2/status", headers=QUEUE, json={"status": "in_progress"})
    empty.ask("GET", "/api/queue/task2", headers=TOKYO)
    return empty


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[OpenPage]:
    """`open_page(emulator.url)`: its page in a window of its own. What fails in it, or leaves it, fails the test."""
    wrong: list[str] = []
    contexts = []

    def opened(
        url: str,
        view: str = "keys",
        *,
        color_scheme: Literal["light", "dark"] | None = None,
        viewport: ViewportSize | None = None,
    ) -> Page:

        def asked(request: Request) -> None:
            if not request.url.startswith((f"{url}{PAGE}", "blob:")):
                wrong.append(f"asked for {request.url}")
            if "task" in request.url:
                wrong.append(f"a key is in a URL: {request.url}")

        context = chromium.new_context(color_scheme=color_scheme, viewport=viewport)
        contexts.append(context)
        page = context.new_page()
        page.on("request", asked)
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on("console", lambda message: wrong.append(message.text) if "Content Security" in message.text else None)
        page.goto(f"{url}{PAGE}#{view}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core."""
    return (Path(os.environ["PAGE_TOOLS"]) / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")
