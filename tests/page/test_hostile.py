"""Keys, values and links that are made to mislead, to break the page or to hold it up; and pages of other sites."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.cli.emulator_process import Emulator
from tests.page.browser import ELSEWHERE
from tests.page.conftest import PAGE, OpenPage

MARKS = "\u202e\u2066\u200b\u0000\u001b\u007f\u0085\u2028\ufeff\U000e0041\r"
NESTED = "[" * 20_000 + "]" * 20_000
MANY = json.dumps([[[1] * 38] * 38] * 38)  # each has few enough members to be open at first
FAR_S = 9_007_199_254_740_991
FLOOD = "covers" + "\u0301" * 40
KEYS: dict[str, dict[str, object]] = {
    f"{MARKS[:4]}txt.exe": {"text": f"a{MARKS}\nb", "metadata": {MARKS[:3]: MARKS[:3]}},
    "two\nlines\tand\ra tab": {"text": "two\nlines"},
    "nested": {"text": NESTED},
    "many": {"text": MANY},
    "far": {"text": "v", "expiration": FAR_S},
    FLOOD: {"text": FLOOD},
    "__proto__": {"text": '{"__proto__": {"a": 1}, "constructor": 1}', "metadata": {"__proto__": 1}},
    "a picture": {"text": '<svg xmlns="http://www.w3.org/2000/svg"><image href="http://evil.example/"/></svg>'},
}


def hidden(text: str) -> list[str]:
    return [each for each in text if each in MARKS]


@pytest.fixture
def hostile(empty: Emulator) -> Emulator:
    for key, entry in KEYS.items():
        assert empty.ask("POST", f"{PAGE}keys/write", json={"key": key, **entry}).status_code == 200
    return empty


def open_next(page: Page) -> str:
    """Open the key below the one that is open; what its panel shows."""
    page.locator(".scroller").press("ArrowDown")
    page.locator(".scroller").press("Enter")
    expect(page.locator("aside.panel .value")).to_have_count(1)
    shown: str = page.locator("aside.panel").inner_text()
    return shown


def test_each_of_them_is_shown_and_none_reorders_or_hides_text(hostile: Emulator, open_page: OpenPage) -> None:
    page = open_page(hostile.url)
    expect(page.locator(".row .key")).to_have_count(len(KEYS))
    seen = [open_next(page) for _ in KEYS]
    assert len({text.splitlines()[0] for text in seen}) == len(KEYS)
    for text in (*seen, page.locator("body").inner_text()):
        assert hidden(text) == []
        assert "\u0301" * 9 not in text
    assert r"\u202e\u2066\u200b\u0000txt.exe" in page.locator("body").inner_text()
    assert r"two\nlines\tand\u000da tab" in page.locator("body").inner_text()
    assert r"\u0301\u0301" in page.locator("body").inner_text()
    assert any("after the year 275760" in text for text in seen)
    titles = page.evaluate(
        "() => [...document.querySelectorAll('[title], [aria-label]')].map((each) => each.outerHTML)"
    )
    assert hidden("".join(titles)) == []


def test_a_question_names_the_key_in_one_line_as_it_is(hostile: Emulator, open_page: OpenPage) -> None:
    page = open_page(hostile.url)
    page.get_by_text(r"two\nlines\tand\u000da tab", exact=True).click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog")).to_contain_text(r"two\nlines\tand\u000da tab")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator(".row .key")).to_have_count(len(KEYS) - 1)


def test_a_large_value_is_folded_before_it_holds_the_page_up(hostile: Emulator, open_page: OpenPage) -> None:
    page = open_page(hostile.url)
    for key in ("nested", "many"):
        page.get_by_text(key, exact=True).click()
        expect(page.locator("aside.panel h2").first).to_have_text(key)
        expect(page.locator("aside.panel .json")).to_have_count(1)
        assert page.evaluate("() => document.querySelectorAll('.json *').length") < 20_000
    folded = page.locator("aside.panel details:not([open])").first
    folded.locator("summary").first.click()
    expect(page.locator("aside.panel details[open]").last.locator(".member").first).to_be_visible()


@pytest.mark.parametrize("view", ["constructor", "__proto__", "toString", "%00", "<b>"])
def test_a_link_to_a_view_that_there_is_not_leads_to_the_keys(view: str, empty: Emulator, open_page: OpenPage) -> None:
    page = open_page(empty.url, view)
    expect(page.get_by_role("region", name="Keys")).to_be_visible()
    page.get_by_role("link", name="Timeline").click()
    expect(page.get_by_role("region", name="Timeline")).to_be_visible()


ATTACKS = Path(__file__).with_name("other_site.js").read_text("utf-8")
REFUSALS = ("answer only to loopback host names", "refuse requests from other origins")


class _OtherSite(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        content = b"<!doctype html><body>another site</body>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@pytest.fixture
def other_site() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _OtherSite)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://{ELSEWHERE}:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("rebound", [False, True], ids=["from its own address", "by a name that leads here"])
def test_a_page_of_another_site_changes_and_reads_nothing(
    rebound: bool, empty: Emulator, other_site: str, chromium: Browser
) -> None:
    empty.ask("POST", f"{PAGE}keys/write", json={"key": "precious", "text": "v"})
    before = empty.ask("GET", f"{PAGE}overview").json()
    context = chromium.new_context()
    page = context.new_page()
    here = empty.url.replace("127.0.0.1", ELSEWHERE) if rebound else empty.url
    page.goto(here if rebound else other_site)
    done = page.evaluate(ATTACKS, f"{here}{PAGE}".removesuffix("/"))
    context.close()
    assert done["tried"] == 28
    # Of its own site a page may read the answer: it is a refusal.
    assert [each for each in done["read"] if not any(refusal in each for refusal in REFUSALS)] == []
    assert rebound or not done["read"]
    after = empty.ask("GET", f"{PAGE}overview").json()
    assert [after[each] for each in ("epoch", "journal", "namespaces")] == [
        before[each] for each in ("epoch", "journal", "namespaces")
    ]
    assert abs(after["clock"]["offset_ms"] - before["clock"]["offset_ms"]) < 30_000
    assert empty.ask("POST", f"{PAGE}keys/read", json={"key": "precious"}).json()["entry"]["text"] == "v"
    assert empty.ask("GET", f"{PAGE}faults").json()["rules"] == []
