"""The journal as a person reads it: what was served, and what should have been."""

import re

from playwright.sync_api import expect

from tests.cli.emulator_process import QUEUE, Emulator, StartEmulator
from tests.page.conftest import AT, PAGE, TOKYO, OpenPage


def test_a_stale_read_is_marked_and_tells_what_should_have_been(emulator: Emulator, open_page: OpenPage) -> None:
    page = open_page(emulator.url, "timeline")
    stale = page.locator("button.op.stale")
    expect(stale).to_have_count(1)
    expect(stale).to_contain_text("get queue:task:task2")
    stale.click()
    panel = page.get_by_label("The chosen operation")
    expect(panel.locator(".versus")).to_contain_text(re.compile(r"Was servedv\d+, a copy 2\d s old"))
    expect(panel.locator(".versus")).to_contain_text(
        re.compile(r"Should have beenv\d+, by a put of queue:task:task2 at SJC")
    )
    expect(panel).to_contain_text('"in_progress"')
    panel.get_by_role("button", name="Show that write").click()
    expect(panel.get_by_role("heading", name="put queue:task:task2")).to_be_visible()


def test_operations_appear_as_they_happen_and_one_key_has_a_life(emulator: Emulator, open_page: OpenPage) -> None:
    page = open_page(emulator.url, "timeline")
    page.get_by_label("Only this key").fill("queue:task:task4")
    expect(page.get_by_text("put queue:task:task4")).to_be_visible()
    expect(page.get_by_text("put queue:task:task3")).to_have_count(0)
    expect(page.get_by_text("get queue:task:task4")).to_have_count(1)  # the migration looked whether it is there
    emulator.ask("GET", "/api/queue/task4", headers=TOKYO)
    emulator.ask("GET", "/api/queue/task3", headers=TOKYO)
    expect(page.get_by_text("get queue:task:task4")).to_have_count(2)
    page.get_by_label("only stale or failed").check()
    expect(page.get_by_role("heading", name="Nothing like this happened")).to_be_visible()


def test_of_several_versions_each_run_names_its_own_and_one_can_be_chosen(
    start_emulator: StartEmulator, open_page: OpenPage
) -> None:
    emulator = start_emulator("--ephemeral", *AT, "--worker-version", "NRT=old")
    for headers in (TOKYO, QUEUE):
        emulator.ask("GET", "/api/queue/task1", headers=headers)
    page = open_page(emulator.url, "timeline")
    expect(page.locator(".run")).to_have_text(["GET /api/queue/{id}, version old", "GET /api/queue/{id}, version new"])
    chosen = page.get_by_label("Version of the Worker")
    expect(chosen.locator("option")).to_have_text(["All versions", "new: at SJC", "old: at NRT"])
    chosen.select_option("old")
    expect(page.locator(".run")).to_have_text(["GET /api/queue/{id}, version old"])
    page.locator("button.op").click()
    expect(page.get_by_label("The chosen operation")).to_contain_text("Version of the Workerold")


def test_a_fault_is_marked_with_its_rule(emulator: Emulator, open_page: OpenPage) -> None:
    emulator.ask("POST", f"{PAGE}faults", json={"verdict": "fail_before", "operation": "list"})
    emulator.ask("GET", "/api/queue", headers={"X-API-Key": "dev-queue-key"})
    page = open_page(emulator.url, "timeline")
    expect(page.locator("button.op.failed")).to_contain_text("⚡")
    expect(page.locator("button.op.failed")).to_contain_text("500 Internal Server Error")


def test_what_is_shown_is_drawn_and_saved_as_svg(emulator: Emulator, open_page: OpenPage) -> None:
    page = open_page(emulator.url, "timeline")
    page.get_by_label("Only this key").fill("queue:task:task2")
    page.get_by_role("button", name="Picture").click()
    drawn = page.get_by_role("dialog").locator("img")
    assert drawn.evaluate("(image) => image.decode().then(() => image.naturalWidth)") >= 1000
    page.keyboard.press("Escape")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as SVG").click()
    saved = download.value.path().read_text("utf-8")
    assert saved.startswith("<svg")
    assert "The life of queue:task:task2" in saved
    assert "STALE: not v" in saved
