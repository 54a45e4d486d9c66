"""Nothing that KV holds runs; the page is as closed as the controls; it writes only when a person says so."""

import pytest
from playwright.sync_api import Page, expect

from tests.cli.emulator_process import Emulator, StartEmulator
from tests.page.browser import ELSEWHERE
from tests.page.conftest import AT, PAGE, OpenPage

HOSTILE = "<img src=x onerror='window.ran = 1'><script>window.ran = 1</script>"
PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" onload="window.ran = 1"><script>window.ran = 1</script></svg>'
VIEWS = ("keys", "timeline", "clock", "cost", "explore")


def ran(page: Page) -> bool:
    return bool(page.evaluate("() => 'ran' in window"))


@pytest.mark.parametrize("value", [HOSTILE, PICTURE, f'{{"{HOSTILE[:20]}": "{HOSTILE[-30:]}"}}'])
def test_a_value_that_is_html_or_a_script_is_shown_and_never_runs(
    empty: Emulator, open_page: OpenPage, value: str
) -> None:
    written = {"key": HOSTILE, "text": value, "metadata": {HOSTILE: HOSTILE}}
    empty.ask("POST", f"{PAGE}keys/write", json=written)
    empty.ask("POST", f"{PAGE}enqueue", json={"task": {"id": HOSTILE}})
    page = open_page(empty.url)
    page.get_by_text(HOSTILE, exact=True).click()
    for tab in page.locator(".value-tabs button").all():
        tab.click()
    expect(page.get_by_label("The chosen key")).to_contain_text("window.ran")
    assert not ran(page)
    page.get_by_role("button", name="Edit").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.goto(f"{empty.url}{PAGE}#timeline")
    page.locator("button.op").first.click()
    page.get_by_role("button", name="Picture").click()
    page.get_by_role("dialog").locator("img").wait_for()
    assert not ran(page)


def test_looking_at_every_view_changes_nothing(emulator: Emulator, open_page: OpenPage) -> None:
    before = emulator.ask("GET", f"{PAGE}overview").json()["journal"]
    for view in VIEWS:
        page = open_page(emulator.url, view)
        expect(page.locator(".view")).to_be_visible()
    assert emulator.ask("GET", f"{PAGE}overview").json()["journal"] == before


def test_from_another_machine_the_token_is_typed_in_and_sent_as_a_header(
    start_emulator: StartEmulator, open_page: OpenPage
) -> None:
    emulator = start_emulator("--ephemeral", *AT, environment={"EMULATOR_CONTROL_TOKEN": "open-sesame"})
    emulator.ask("POST", f"{PAGE}keys/write", json={"key": "k", "text": "v"})
    page = open_page(emulator.url.replace("127.0.0.1", ELSEWHERE))
    page.get_by_role("textbox", name="Token").fill("wrong")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("alert").filter(has_text="That is not the token.")).to_be_visible()
    page.get_by_role("textbox", name="Token").fill("open-sesame")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_text("k", exact=True)).to_be_visible()
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    assert "sesame" not in page.url
    assert (
        page.evaluate("() => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])") == '[{},{},""]'
    )


def test_without_a_token_another_name_of_this_machine_gets_no_page(empty: Emulator, open_page: OpenPage) -> None:
    page = open_page(empty.url.replace("127.0.0.1", ELSEWHERE))
    expect(page.locator("body")).to_contain_text("answer only to loopback host names")


def test_real_data_is_shown_in_red_and_written_only_after_a_question(
    start_emulator: StartEmulator, open_page: OpenPage
) -> None:
    far = start_emulator("--ephemeral", environment={"EMULATOR_API_TOKEN": "far-token"})
    far.ask("POST", f"{PAGE}keys/write", json={"key": "real", "text": "untouched"})
    access = {
        "CLOUDFLARE_ACCOUNT_ID": "0123456789abcdef0123456789abcdef",
        "CLOUDFLARE_API_TOKEN": "far-token",
        "CLOUDFLARE_API_BASE_URL": f"{far.url}/client/v4",
    }
    namespace = far.ask("GET", f"{PAGE}overview").json()["namespaces"][0]["id"]
    page = open_page(start_emulator("--kv", "cloudflare", "--namespace-id", namespace, environment=access).url)
    expect(page.get_by_role("alert")).to_contain_text("Real data: namespace")
    page.get_by_text("real", exact=True).click()
    expect(page.get_by_label("The chosen key")).to_contain_text("untouched")

    def write(answer: str) -> object:
        page.get_by_role("button", name="Edit").click()
        page.get_by_role("textbox", name="Value").fill("changed")
        page.get_by_role("dialog", name="Write this key").get_by_role("button", name="Write").click()
        page.get_by_role("dialog", name="Write into the real namespace?").get_by_role("button", name=answer).click()
        return far.ask("POST", f"{PAGE}keys/read", json={"key": "real"}).json()["entry"]["text"]

    assert write("Cancel") == "untouched"
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    write("Write it")
    page.wait_for_function("() => !document.querySelector('dialog')")
    assert far.ask("POST", f"{PAGE}keys/read", json={"key": "real"}).json()["entry"]["text"] == "changed"
