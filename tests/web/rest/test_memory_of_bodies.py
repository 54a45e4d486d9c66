"""What a body takes in memory: a small multiple of its size, whatever is in it."""

import json
import tracemalloc

import pytest

from tests.web.rest.api import CACHE, Api, refused, value_path

pytestmark = pytest.mark.anyio

_ARRAYS = b"[" + b"[]," * 100_000 + b"[]]"  # each of two bytes becomes an object of sixty
_TIMES_MAX = 10
_FORM = b'--b\r\nContent-Disposition: form-data; name="value"\r\n\r\nv\r\n--b\r\n'
_FORM += b'Content-Disposition: form-data; name="metadata"\r\n\r\n%b\r\n--b--\r\n' % _ARRAYS


@pytest.mark.parametrize(
    ("method", "path", "content"),
    [
        ("PUT", value_path("k"), _FORM),
        ("POST", f"/{CACHE}/bulk/get", b'{"keys":%b}' % _ARRAYS),
        ("POST", f"/{CACHE}/bulk/delete", _ARRAYS),
        ("PUT", f"/{CACHE}/bulk", _ARRAYS),
        ("POST", "", b'{"title":%b}' % _ARRAYS),
        ("PUT", f"/{CACHE}", b'{"title":%b}' % _ARRAYS),
    ],
)
async def test_many_values_in_a_small_body_take_little(api: Api, method: str, path: str, content: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=b" if content is _FORM else "application/json"}
    await api.ask(method, path, content=b"{}", headers=headers)  # what the first request loads is no part of it
    tracemalloc.start()
    try:
        answer = await api.ask(method, path, content=content, headers=headers)
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert refused(answer)[0] in (400, 413)
    assert most_bytes < _TIMES_MAX * len(content)


@pytest.mark.parametrize(("sent", "told"), [(25_000, "25000"), (100_000, "100000"), (100_001, "more than 100000")])
async def test_of_keys_without_end_no_more_are_counted_than_tell_anything(api: Api, sent: int, told: str) -> None:
    content = json.dumps(["k"] * sent).encode()
    _, _, message = refused(await api.ask("POST", f"/{CACHE}/bulk/delete", content=content))
    assert message == f"bulk remove keys: 'You can send a maximum of 10000 keys, not {told}'"
