"""Every view without a violation that axe knows of, in light and dark, on a phone and on a large screen."""

from collections.abc import Sequence

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.cli.emulator_process import Emulator
from tests.page.conftest import PAGE, OpenPage

VIEWS = ("keys", "timeline", "clock", "cost", "explore")
IN_COLOR = ("color-contrast", "link-in-text-block")  # what a color scheme changes
PHONE, LARGE = {"width": 360, "height": 740}, {"width": 3840, "height": 2160}


def violations(page: Page, axe: str, rules: Sequence[str] = ()) -> list[str]:
    """What axe finds, by all its rules or by these."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(axe)
    options = {"runOnly": list(rules)} if rules else {}
    found = page.evaluate("(options) => axe.run(options).then((results) => results.violations)", options)
    return [f"{each['id']}: {each['nodes'][0]['html']}" for each in found]


@pytest.mark.parametrize("viewport", [PHONE, LARGE], ids=["phone", "large"])
def test_no_view_has_a_violation_or_needs_to_be_scrolled_sideways(
    emulator: Emulator, open_page: OpenPage, axe: str, viewport: ViewportSize
) -> None:
    page = open_page(emulator.url, color_scheme="light", viewport=viewport)
    for number, view in enumerate(VIEWS, 1):
        page.evaluate("(view) => { location.hash = view; }", view)
        expect(page.locator(f".tabs a:nth-child({number})")).to_have_attribute("aria-current", "page")
        if view in ("keys", "timeline"):
            page.locator(".row .key, button.op").last.click()
            page.locator(".panel .card").first.wait_for()
        assert violations(page, axe) == [], view
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), view
        page.emulate_media(color_scheme="dark")
        assert violations(page, axe, IN_COLOR) == [], view
        page.emulate_media(color_scheme="light")


def test_dialogs_and_empty_states_have_none_either(empty: Emulator, open_page: OpenPage, axe: str) -> None:
    page = open_page(empty.url)
    expect(page.get_by_role("heading", name="No keys yet")).to_be_visible()
    assert violations(page, axe) == []
    for button in ("Add a key", "Import"):
        page.get_by_role("button", name=button).click()
        assert violations(page, axe) == []
        page.keyboard.press("Escape")
    page.keyboard.press("2")
    expect(page.get_by_role("heading", name="Nothing has happened yet")).to_be_visible()
    page.keyboard.press("4")
    expect(page.get_by_role("heading", name="No traffic yet")).to_be_visible()
    assert violations(page, axe) == []


def test_on_a_phone_all_that_locations_show_fits_and_each_run_names_its_location(
    emulator: Emulator, open_page: OpenPage
) -> None:
    page = open_page(emulator.url, viewport={"width": 360, "height": 740})
    row = page.locator(".row").filter(has_text="queue:task:task2")
    expect(row.locator(".chip.stale")).to_be_visible()
    assert row.locator(".places").evaluate("(each) => each.scrollWidth <= each.clientWidth")
    page.goto(f"{emulator.url}{PAGE}#timeline")
    run = page.locator(".run").last
    run.wait_for()
    assert "NRT" in run.evaluate("(each) => getComputedStyle(each, '::before').content")
