"""Values one at a time, through Cloudflare's API: bytes in, the same bytes out."""

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.limits import VALUE_BYTES_MAX
from tests.web.rest.api import CACHE, Api, refused, succeeded, value_path

pytestmark = pytest.mark.anyio

EVERY_BYTE = bytes(range(256))
BINARY = EVERY_BYTE + b"\r\n--x\r\n\r\n" + EVERY_BYTE


async def test_a_raw_body_is_the_value(api: Api) -> None:
    for value in (b"text", BINARY, b""):
        await api.put("k", value)
        assert await api.get("k") == value


@pytest.mark.parametrize(
    "content_type", ["text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "application/json", ""]
)
async def test_whatever_a_raw_body_calls_itself(api: Api, content_type: str) -> None:
    await api.put("k", b'{"value": 1}&value=2', headers={"Content-Type": content_type})
    assert await api.get("k") == b'{"value": 1}&value=2'


async def test_an_answer_is_the_envelope_alone(api: Api) -> None:
    empty: dict[str, object] = {"result": None, "success": True, "errors": [], "messages": []}
    assert succeeded(await api.ask("PUT", value_path("k"), content=b"v")) == empty
    assert succeeded(await api.ask("DELETE", value_path("k"))) == empty


@pytest.mark.parametrize(
    ("value_part", "metadata_part"),
    [
        ((None, BINARY), (None, '{"a": [1, "ü"]}')),  # wrangler: no types of their own
        (("upload", BINARY, "application/octet-stream"), (None, '{"a": [1, "ü"]}', "application/json")),  # the SDK
        (("v.bin", BINARY, "text/plain"), (None, '{"a": [1, "ü"]}', "text/plain")),
    ],
)
async def test_a_form_carries_a_value_and_its_metadata(api: Api, value_part: object, metadata_part: object) -> None:
    files = {"value": value_part, "metadata": metadata_part}
    succeeded(await api.ask("PUT", value_path("k"), files=files))
    assert await api.get("k") == BINARY
    assert await api.result("GET", f"/{CACHE}/metadata/k") == {"a": [1, "ü"]}
    assert await api.result("GET", f"/{CACHE}/keys") == [{"name": "k", "metadata": {"a": [1, "ü"]}}]


async def test_a_form_may_go_without_metadata_or_with_null(api: Api) -> None:
    for files in ({"value": (None, b"v")}, {"value": (None, b"v"), "metadata": (None, "null")}):
        succeeded(await api.ask("PUT", value_path("k"), files=files))
        assert await api.result("GET", f"/{CACHE}/metadata/k") is None
        assert await api.result("GET", f"/{CACHE}/keys") == [{"name": "k"}]


@pytest.mark.parametrize("metadata", ["false", "0", '""', "[]", '"text"', '{"n":1e400}'])
async def test_metadata_is_any_json(api: Api, metadata: str) -> None:
    files = {"value": (None, b"v"), "metadata": (None, metadata)}
    succeeded(await api.ask("PUT", value_path("k"), files=files))
    kept = await api.ask("GET", f"/{CACHE}/metadata/k")
    assert kept.text.startswith(f'{{"result":{metadata.replace("1e400", "null")},"success":true')


async def test_a_form_with_files_like_parts_of_other_names_ignores_them(api: Api) -> None:
    files = {"value": (None, b"v"), "other": (None, b"x" * 100)}
    succeeded(await api.ask("PUT", value_path("k"), files=files))
    assert await api.get("k") == b"v"


@pytest.mark.parametrize(
    "key", ["a/b", "a b", "%", "%2F", "a%2Fb", "?x#y", "ü", "🚀", "a\nb", "\0", "...", "a+b", "a;b", "k" * 512]
)
async def test_keys_are_percent_decoded_once(api: Api, key: str) -> None:
    await api.put(key, key.encode())
    assert await api.names() == [key]
    assert await api.get(key) == key.encode()
    succeeded(await api.ask("DELETE", value_path(key)))
    assert await api.get(key) is None


async def test_a_colon_needs_no_escape(api: Api) -> None:
    await api.put("queue:task:t1")
    answer = await api.ask("GET", f"/{CACHE}/values/queue:task:t1")
    assert answer.content == b"v"


async def test_an_expiration_comes_back_as_a_header(api: Api, clock: MovableClock) -> None:
    now_s = clock.now_ms() // 1000
    await api.put("k", params={"expiration_ttl": 60})
    assert (await api.ask("GET", value_path("k"))).headers["expiration"] == str(now_s + 60)
    await api.put("k", params={"expiration": now_s + 90})
    assert (await api.ask("GET", value_path("k"))).headers["expiration"] == str(now_s + 90)
    await api.put("k", params={"expiration": now_s + 90, "expiration_ttl": 70})  # the ttl wins
    assert await api.result("GET", f"/{CACHE}/keys") == [{"name": "k", "expiration": now_s + 70}]
    clock.advance(70_000)
    assert await api.get("k") is None
    assert refused(await api.ask("GET", f"/{CACHE}/metadata/k")) == (404, 10009, "get: 'key not found'")


async def test_an_expiration_beyond_the_binding_s_32_bits_is_taken(api: Api) -> None:
    await api.put("k", params={"expiration": 2**40})
    assert (await api.ask("GET", value_path("k"))).headers["expiration"] == str(2**40)


async def test_a_write_replaces_metadata_and_expiration(api: Api) -> None:
    files = {"value": (None, b"1"), "metadata": (None, "{}")}
    succeeded(await api.ask("PUT", value_path("k"), params={"expiration_ttl": 60}, files=files))
    await api.put("k", b"2")
    assert await api.result("GET", f"/{CACHE}/keys") == [{"name": "k"}]


async def test_one_key_may_be_written_more_often_than_once_a_second(api: Api) -> None:
    for value in (b"1", b"2", b"3"):
        await api.put("k", value)
    assert await api.get("k") == b"3"


async def test_deleting_what_is_not_there_succeeds(api: Api) -> None:
    assert await api.result("DELETE", value_path("nothing")) is None


@pytest.mark.slow
async def test_a_value_of_25_mib_is_taken_raw_and_in_a_form(api: Api) -> None:
    whole = (EVERY_BYTE * (VALUE_BYTES_MAX // 256))[:VALUE_BYTES_MAX]
    await api.put("raw", whole)
    succeeded(await api.ask("PUT", value_path("form"), files={"value": (None, whole), "metadata": (None, "1")}))
    assert await api.get("raw") == await api.get("form") == whole
