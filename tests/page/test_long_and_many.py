"""Two pages at once, a page that is left open over a restart, a million keys, and a busy journal."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import expect

from queue_emulator.core.clock import MovableClock, SystemClock
from queue_emulator.core.entries import Entry
from queue_emulator.kv.service import KVService
from queue_emulator.kv.store import MemoryStore
from queue_emulator.web.app import create_app
from queue_emulator.web.deployment import Deployment
from queue_emulator.web.serve import listen, serve, url
from queue_emulator.worker.auth import ApiKeys
from tests.cli.emulator_process import Emulator, StartEmulator
from tests.page.conftest import AT, PAGE, OpenPage

MANY = 1_000_000


@contextmanager
def port_of_our_own() -> Iterator[int]:
    """A port that nobody else is given meanwhile: bound, and left to who listens on it."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def test_what_one_page_changes_another_shows(empty: Emulator, open_page: OpenPage) -> None:
    one, other = open_page(empty.url), open_page(empty.url)
    expect(other.get_by_role("heading", name="No keys yet")).to_be_visible()
    one.get_by_role("button", name="Add a key").click()
    one.get_by_role("textbox", name="Key").fill("shared")
    one.get_by_role("dialog").get_by_role("button", name="Write").click()
    expect(other.get_by_text("shared", exact=True)).to_be_visible()
    empty.ask("POST", f"{PAGE}reset")
    for page in (one, other):
        expect(page.get_by_role("heading", name="No keys yet")).to_be_visible()
    one.goto(f"{empty.url}{PAGE}#clock")
    other.goto(f"{empty.url}{PAGE}#clock")
    one.get_by_role("button", name="Lists wait for 5 seconds").click()
    expect(other.locator(".rule")).to_have_count(1)
    one.get_by_role("button", name="Freeze").click()
    expect(other.get_by_role("button", name="Let it run")).to_be_visible()


def test_a_page_that_is_left_open_over_a_restart_goes_on_with_what_is_there_then(
    start_emulator: StartEmulator, open_page: OpenPage
) -> None:
    with port_of_our_own() as port:
        first = start_emulator("--ephemeral", *AT, "--port", str(port))
        first.ask("POST", f"{PAGE}keys/write", json={"key": "before", "text": "v"})
        page = open_page(first.url)
        expect(page.get_by_text("before", exact=True)).to_be_visible()
        expect(page.get_by_text("live", exact=True)).to_be_visible()
        assert first.stop() == 0, "an open page does not hold up the end"
        expect(page.get_by_text("no answer")).to_be_visible()
        second = start_emulator("--ephemeral", *AT, "--port", str(port))
        second.ask("POST", f"{PAGE}keys/write", json={"key": "after", "text": "v"})
        expect(page.get_by_text("after", exact=True)).to_be_visible()
        expect(page.get_by_text("before", exact=True)).to_have_count(0)
        expect(page.get_by_text("live", exact=True)).to_be_visible()


@contextmanager
def serving_a_million_keys() -> Iterator[str]:
    """In this process, because to seed so many takes longer than to look at them."""
    store, stop, ready = MemoryStore(), threading.Event(), threading.Event()
    told: list[str] = []

    async def run() -> None:
        await store.write([Entry(b"key:%07d" % number, b"v", number + 1, 0) for number in range(MANY)])
        clock = MovableClock(SystemClock())
        service = KVService(store, clock=clock)
        deployment = Deployment(service=service, clock=clock, keys=ApiKeys(), locations=("SJC", "NRT"))
        with listen("127.0.0.1", 0) as sock:
            told.append(url(sock))
            ended = asyncio.Event()
            loop = asyncio.get_running_loop()
            threading.Thread(target=lambda: (stop.wait(), loop.call_soon_threadsafe(ended.set)), daemon=True).start()
            await serve(
                create_app(deployment, log_requests=False),
                sock,
                ready=ready.set,
                grace_s=1,
                stop=ended,
                ending=deployment.ending,
            )

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    ready.wait()
    try:
        yield told[0]
    finally:
        stop.set()
        thread.join()


def test_a_million_keys_are_listed_scrolled_and_found(open_page: OpenPage) -> None:
    with serving_a_million_keys() as base:
        page = open_page(base)
        expect(page.get_by_text("key:0000000", exact=True)).to_be_visible()
        grid = page.get_by_role("grid", name="Keys")
        assert page.locator(".row").count() < 100, "only what is seen is in the page"
        grid.focus()
        for _ in range(5):
            known = int(grid.get_attribute("aria-rowcount") or 0)
            page.keyboard.press("End")
            page.wait_for_function(
                "(known) => Number(document.querySelector('[role=grid]').ariaRowCount) > known", arg=known
            )
        last = int(grid.get_attribute("aria-rowcount") or 0) - 1
        assert last >= 1_000
        page.keyboard.press("End")
        expect(page.get_by_text(f"key:{last:07}", exact=True)).to_have_count(1)
        assert page.locator(".row").count() < 100
        page.get_by_label("Prefix of keys").fill("key:09999")
        expect(page.get_by_text("key:0999900", exact=True)).to_be_visible()
        expect(page.get_by_text("100 keys", exact=True)).to_be_visible()


def test_a_tab_keeps_up_with_thousands_of_operations(empty: Emulator, open_page: OpenPage) -> None:
    page = open_page(empty.url, "timeline")
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    data = [{"key": f"key:{number}", "value": "v"} for number in range(4_000)]
    empty.ask("POST", f"{PAGE}seed", json=data)
    expect(page.get_by_text("put key:3999")).to_be_visible()
    expect(page.get_by_text("4,000 operations", exact=True)).to_be_visible()
