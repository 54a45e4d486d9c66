"""Keys by locations, as a person looks at them and changes them."""

import json
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.cli.emulator_process import Emulator
from tests.page.conftest import PAGE, TOKYO, OpenPage


def row(page: Page, key: str) -> Locator:
    """The row of a key."""
    return page.get_by_role("row").filter(has=page.get_by_text(key, exact=True))


def stored(emulator: Emulator, key: str) -> dict[str, object]:
    told = emulator.ask("POST", f"{PAGE}keys/read", json={"key": key}).json()
    entry: dict[str, object] = told["entry"]
    return entry


def test_which_location_sees_an_old_value_of_a_task_and_until_when(emulator: Emulator, open_page: OpenPage) -> None:
    page = open_page(emulator.url)
    expect(row(page, "queue:task:task2").locator(".chip.stale")).to_contain_text("old v")
    expect(row(page, "queue:task:task3").locator(".chip.stale")).to_have_count(0)
    page.get_by_text("queue:task:task2", exact=True).click()
    panel = page.get_by_label("The chosen key")
    expect(panel.get_by_role("heading", name="NRT sees an old value")).to_be_visible()
    expect(panel).to_contain_text("An old copy: a read here is shown v")
    expect(panel).to_contain_text("s more, until ")
    expect(panel).to_contain_text('"in_progress"')
    expect(panel).to_contain_text('"pending"')


def test_the_list_follows_what_happens(emulator: Emulator, open_page: OpenPage) -> None:
    page = open_page(emulator.url)
    expect(page.get_by_text("queue:task:task5", exact=True)).to_be_visible()
    expect(row(page, "queue:task:task5").locator(".chip.none")).to_have_count(1)
    emulator.ask("GET", "/api/queue/task5", headers=TOKYO)
    expect(row(page, "queue:task:task5").locator(".chip.same")).to_have_count(2)
    emulator.ask("POST", f"{PAGE}clock", json={"advance_s": 61})
    expect(row(page, "queue:task:task5").locator(".chip.same")).to_have_count(0)
    emulator.ask("POST", f"{PAGE}enqueue", json={"task": {"id": "t9"}})
    expect(page.get_by_text("queue:task:t9", exact=True)).to_be_visible()


def test_a_value_is_edited_and_keeps_its_metadata_and_lifetime(emulator: Emulator, open_page: OpenPage) -> None:
    written = {"key": "queue:task:m", "text": '{"a": 1}', "metadata": {"by": "me"}, "expiration_ttl": 500}
    emulator.ask("POST", f"{PAGE}keys/write", json=written)
    emulator.ask("POST", f"{PAGE}clock", json={"advance_s": 2})
    before = stored(emulator, "queue:task:m")
    page = open_page(emulator.url)
    page.get_by_text("queue:task:m", exact=True).click()
    page.get_by_role("button", name="Edit").click()
    page.get_by_role("textbox", name="Value").fill('{"a": 2}')
    page.get_by_role("dialog").get_by_role("button", name="Write").click()
    expect(page.get_by_label("The chosen key")).to_contain_text("2")
    page.wait_for_function("() => !document.querySelector('dialog')")
    after = stored(emulator, "queue:task:m")
    assert (after["text"], after["metadata"], after["expiration"]) == ('{"a": 2}', {"by": "me"}, before["expiration"])
    assert after["version"] != before["version"]


def test_a_refusal_of_kv_is_said_where_the_key_is_written(empty: Emulator, open_page: OpenPage) -> None:
    page = open_page(empty.url)
    page.get_by_role("button", name="Add a key").click()
    page.get_by_role("textbox", name="Key").fill("..")
    page.get_by_role("dialog").get_by_role("button", name="Write").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text('Illegal key name ".."')


def test_a_key_is_added_found_by_its_prefix_and_deleted_after_a_question(empty: Emulator, open_page: OpenPage) -> None:
    page = open_page(empty.url)
    expect(page.get_by_role("heading", name="No keys yet")).to_be_visible()
    for key in ("a:1", "b:1"):
        page.get_by_role("button", name="Add a key").click()
        page.get_by_role("textbox", name="Key").fill(key)
        page.get_by_role("textbox", name="Value").fill("v")
        page.get_by_role("dialog").get_by_role("button", name="Write").click()
        expect(page.get_by_text(key, exact=True)).to_be_visible()
    page.get_by_label("Prefix of keys").fill("b:")
    expect(page.get_by_text("a:1", exact=True)).to_have_count(0)
    page.get_by_text("b:1", exact=True).click()
    page.get_by_label("The chosen key").get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert stored(empty, "b:1") is not None
    page.get_by_label("The chosen key").get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="No key begins with this")).to_be_visible()
    assert stored(empty, "b:1") is None


def test_a_bulk_file_comes_in_and_goes_out(empty: Emulator, open_page: OpenPage, tmp_path: Path) -> None:
    data = [{"key": "k1", "value": "v1", "metadata": {"n": 1}}, {"key": "k2", "value": "/w==", "base64": True}]
    file = tmp_path / "bulk.json"
    file.write_text(json.dumps(data), "utf-8")
    page = open_page(empty.url)
    page.get_by_role("button", name="Import").click()
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("dialog").get_by_role("button", name="Import").click()
    expect(page.get_by_text("k2", exact=True)).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    assert json.loads(download.value.path().read_text("utf-8")) == data


def test_a_binary_value_is_shown_as_hex_and_a_picture_as_one(empty: Emulator, open_page: OpenPage) -> None:
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    empty.ask("POST", f"{PAGE}keys/write", json={"key": "pixel", "base64": pixel})
    page = open_page(empty.url)
    page.get_by_text("pixel", exact=True).click()
    shown = page.get_by_alt_text("The value as a picture")
    expect(shown).to_be_visible()
    assert shown.evaluate("(image) => image.decode().then(() => image.naturalWidth)") == 1
    page.get_by_role("button", name="Hex").click()
    expect(page.get_by_label("Value", exact=True)).to_contain_text("000000  89 50 4e 47")


def test_numbers_are_shown_as_they_are_stored(empty: Emulator, open_page: OpenPage) -> None:
    stored_text = '{"a":1e999,"b":[12345678901234567890,-1.50],"c":7}'
    empty.ask("POST", f"{PAGE}keys/write", json={"key": "numbers", "text": stored_text})
    page = open_page(empty.url)
    page.get_by_text("numbers", exact=True).click()
    numbers = page.locator("aside.panel .json .number")
    expect(numbers).to_have_text(["1e999", "12345678901234567890", "-1.50", "7"])


def test_the_list_is_used_by_the_keyboard_alone(emulator: Emulator, open_page: OpenPage) -> None:
    page = open_page(emulator.url)
    expect(page.get_by_text("queue:lease:task1", exact=True)).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("queue:task:")
    expect(page.get_by_text("5 keys", exact=True)).to_be_visible()
    page.get_by_role("grid", name="Keys").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_label("The chosen key").get_by_role("heading", name="queue:task:task2")).to_be_visible()
    page.get_by_label("The chosen key").focus()
    page.keyboard.press("Escape")
    expect(page.get_by_label("The chosen key")).to_be_hidden()
    page.keyboard.press("2")
    expect(page.get_by_label("Timeline")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()


def test_what_is_written_as_it_was_read_is_the_same_whatever_its_line_breaks(
    empty: Emulator, open_page: OpenPage
) -> None:
    texts = {"with crlf": "x\r\ny\r\n", "with cr": "x\ry", "mixed": "x\r\ny\né", "a\nb": "v\n"}
    for key, text in texts.items():
        empty.ask("POST", f"{PAGE}keys/write", json={"key": key, "text": text})
    page = open_page(empty.url)
    for key, text in texts.items():
        before = stored(empty, key)
        page.locator(".row").nth(sorted(texts).index(key)).click()
        page.get_by_role("button", name="Edit").click()
        page.get_by_role("dialog").get_by_role("button", name="Write").click()
        page.wait_for_function("() => !document.querySelector('dialog')")
        after = stored(empty, key)
        assert after["text"] == text
        assert after["version"] != before["version"]
    assert empty.keys() == len(texts), "no other key was written"


def test_a_change_while_the_same_keys_are_on_their_way_is_shown(empty: Emulator, open_page: OpenPage) -> None:
    page = open_page(empty.url)
    expect(page.get_by_role("heading", name="No keys yet")).to_be_visible()
    told = page.evaluate(
        """async (address) => {
            const { Pages } = await import(address);
            const asked = [];
            const answers = [[{ key: "a" }], [{ key: "a" }], [{ key: "a", version: 2 }]];
            window.fetch = async () => {
                const keys = answers[asked.push(0) - 1];
                await new Promise((resolve) => setTimeout(resolve));
                const headers = { "content-type": "application/json" };
                return new Response(JSON.stringify({ keys, cursor: null }), { headers });
            };
            let waiting = () => {};
            const changed = () => waiting();
            const pages = new Pages({ asked: () => ({}), changed, failed: changed });
            const next = () => new Promise((resolve) => { waiting = resolve; });
            let shown = next();
            pages.want(0, 1);
            await shown;
            shown = next();
            pages.refresh(0, 1);
            pages.refresh(0, 1);
            await shown;
            if (asked.length < 2) throw new Error("nothing was asked");
            await Promise.race([next(), new Promise((resolve) => setTimeout(resolve, 1_000))]);
            return pages.key(0).version ?? null;
        }""",
        f"{PAGE}page/pages.mjs",
    )
    assert told == 2
