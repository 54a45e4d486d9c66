"""Clock, faults, cost and the explorer, as a person plays with them."""

from playwright.sync_api import expect

from tests.cli.emulator_process import QUEUE, Emulator
from tests.page.conftest import PAGE, OpenPage


def test_the_clock_is_moved_frozen_and_sent_to_the_next_expiry(emulator: Emulator, open_page: OpenPage) -> None:
    page = open_page(emulator.url, "clock")
    card = page.locator(".card", has=page.get_by_role("heading", name="Clock", exact=True))
    page.get_by_role("button", name="+60 s").click()
    expect(card).to_contain_text("80 s ahead of this machine")
    page.get_by_role("button", name="Freeze").click()
    expect(card).to_contain_text("Frozen")
    page.get_by_label("Time to set").fill("2030-01-02T03:04:05Z")
    page.get_by_role("button", name="Set", exact=True).click()
    expect(card.locator(".clock-face")).to_have_text("2030-01-02 03:04:05 UTC")
    page.get_by_role("button", name="Let it run").click()
    expect(card).to_contain_text("Running")


def test_a_lease_is_let_expire(emulator: Emulator, open_page: OpenPage) -> None:
    page = open_page(emulator.url)
    page.get_by_text("queue:lease:task1", exact=True).click()
    page.get_by_role("button", name="Let it expire").click()
    expect(page.get_by_label("The chosen key")).to_contain_text("Nothing: deleted, expired, or never written.")
    claimed = emulator.ask("POST", "/api/queue/claim", headers=QUEUE, json={}).json()
    assert claimed["taskId"] == "task1"


def test_the_next_lease_write_is_made_to_fail_once(emulator: Emulator, open_page: OpenPage) -> None:
    page = open_page(emulator.url, "clock")
    page.get_by_role("button", name="Make the next lease write fail, once").click()
    rule = page.locator(".rule")
    expect(rule).to_contain_text("a put of queue:lease:… fails with 500, once")
    assert [emulator.ask("POST", "/api/queue/claim", headers=QUEUE, json={}).status_code for _ in range(2)] == [
        500,
        200,
    ]
    expect(rule).to_contain_text("applied to 1 of 2 matches")
    rule.get_by_role("checkbox").click()
    expect(page.locator(".rule.off")).to_be_visible()
    assert emulator.ask("GET", f"{PAGE}faults").json() == {"rules": []}
    page.locator(".rule.off").get_by_role("checkbox").click()
    expect(page.locator(".rule.off")).to_have_count(0)
    (again,) = emulator.ask("GET", f"{PAGE}faults").json()["rules"]
    assert (again["verdict"], again["times"]) == ("fail_before", 1)
    rule.get_by_role("button").click()
    expect(page.get_by_text("No rule: everything works.")).to_be_visible()


def test_a_rule_that_cannot_be_switched_stays_as_it_was(emulator: Emulator, open_page: OpenPage) -> None:
    page = open_page(emulator.url, "clock")
    page.get_by_role("button", name="Lists wait for 5 seconds").click()
    expect(page.locator(".rule")).to_have_count(1)
    refusal = {"status": 409, "json": {"error": "not now"}}
    page.route("**/faults/*", lambda route: route.fulfill(**refusal))
    page.locator(".rule").get_by_role("checkbox").click()
    expect(page.get_by_text("not now")).to_be_visible()
    expect(page.locator(".rule").get_by_role("checkbox")).to_be_checked()
    expect(page.locator(".rule")).to_have_count(1)
    page.unroute("**/faults/*")
    page.locator(".rule").get_by_role("checkbox").click()
    expect(page.locator(".rule.off")).to_have_count(1)
    page.route(
        "**/faults", lambda route: route.fulfill(**refusal) if route.request.method == "POST" else route.fallback()
    )
    page.locator(".rule").get_by_role("checkbox").click()
    expect(page.get_by_text("not now")).to_have_count(2)
    expect(page.locator(".rule.off")).to_have_count(1)
    assert emulator.ask("GET", f"{PAGE}faults").json() == {"rules": []}


def test_a_search_that_fails_is_told(emulator: Emulator, open_page: OpenPage) -> None:
    page = open_page(emulator.url, "explore")
    said = '{"error": "the search ended with exit code 3"}\n'
    page.route(
        "**/explore", lambda route: route.fulfill(body=said) if route.request.method == "POST" else route.fallback()
    )
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".explore").get_by_role("status")).to_have_text("the search ended with exit code 3")
    expect(page.get_by_role("button", name="Search")).to_be_visible()


def test_a_rule_is_made_by_the_form(emulator: Emulator, open_page: OpenPage) -> None:
    page = open_page(emulator.url, "clock")
    page.get_by_label("What happens").select_option("drop_replication")
    page.get_by_label("Not seen at").select_option("NRT")
    page.get_by_label("For seconds").fill("30")
    page.get_by_label("Key begins with").fill("queue:")
    page.get_by_role("button", name="Add the rule").click()
    expect(page.locator(".rule")).to_contain_text("of queue:… is not seen at NRT for 30 s")
    (rule,) = emulator.ask("GET", f"{PAGE}faults").json()["rules"]
    assert (rule["to"], rule["for_s"], rule["key_prefix"]) == ("NRT", 30, "queue:")


def test_traffic_is_priced_by_route(emulator: Emulator, open_page: OpenPage) -> None:
    page = open_page(emulator.url, "cost")
    expect(page.get_by_role("rowheader", name="POST /api/migrate/run")).to_be_visible()
    expect(page.get_by_role("heading", name="Free plan")).to_be_visible()
    page.get_by_label("This traffic happens in").select_option("86400")
    expect(page.get_by_text("Within the quotas of a day.")).to_be_visible()


def test_findings_arrive_with_pictures_and_are_played_to_the_place_where_it_breaks(
    emulator: Emulator, open_page: OpenPage
) -> None:
    page = open_page(emulator.url, "explore")
    page.get_by_label("Scenario").select_option("two-ends")
    page.get_by_label("Seconds").fill("20")
    page.get_by_role("button", name="Search").click()
    finding = page.locator(".finding").first
    finding.wait_for()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Search")).to_be_visible()
    finding.get_by_role("button", name="Picture").click()
    assert page.locator(".player img").evaluate("(image) => image.decode().then(() => image.naturalWidth)") >= 1000
    finding.get_by_role("button", name="Play it step by step").click()
    further = page.get_by_role("button", name="Next as found")
    ended, outcome = page.locator(".outcome.broken"), page.get_by_role("heading", name="Who goes next?")
    expect(outcome).to_be_visible()
    page.locator(".choices button").first.click()
    expect(page.locator(".player img")).to_be_visible()
    page.get_by_role("button", name="From the beginning").click()
    expect(further).to_be_visible()
    for _ in range(60):
        if further.count() == 0:
            break
        shown = page.locator(".player").inner_text()
        further.click()
        page.wait_for_function("(before) => document.querySelector('.player').innerText !== before", arg=shown)
    if ended.count() == 0:
        page.get_by_role("button", name="End here, and look").click()
    expect(ended).to_be_visible()


def test_a_scenario_is_played_by_hand_and_breaks_nothing_when_all_is_in_order(
    empty: Emulator, open_page: OpenPage
) -> None:
    page = open_page(empty.url, "explore")
    page.get_by_label("Scenario").select_option("webhooks")
    page.get_by_role("button", name="Play the scenario").click()
    page.get_by_role("button", name="h1 begins: enqueue t1").click()
    expect(page.locator(".player img")).to_be_visible()
    page.get_by_role("button", name="End here, and look").click()
    expect(page.get_by_text("Nothing is broken: every guarantee holds.").first).to_be_visible()
