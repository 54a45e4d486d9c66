"""What Cloudflare's API refuses: which code, which words, and that nothing of it was written."""

from typing import Any

import httpx
import pytest

from queue_emulator.core.errors import StateError
from queue_emulator.kv.service import KVService
from queue_emulator.kv.store import MemoryStore
from queue_emulator.web.deployment import Deployment
from queue_emulator.web.rest.multipart import PARTS_MAX
from tests.web.rest.api import ACCOUNT, CACHE, NAMESPACES, NOBODY_S, TOKEN, Api, refused, succeeded, value_path

pytestmark = pytest.mark.anyio

MEBIBYTE = 2**20
FORM = {"Content-Type": "multipart/form-data; boundary=b"}


def form(**parts: str) -> bytes:
    """A form whose boundary is `b`."""
    content = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n' for name, text in parts.items()
    )
    return f"{content}--b--\r\n".encode()


async def nothing_written(api: Api) -> bool:
    return await api.names() == []


@pytest.mark.parametrize("account", ["invalid-account-id-000", "0" * 31, "0" * 33, "g" * 32, "", "%30" * 31])
async def test_an_account_that_is_not_hexadecimal_leads_nowhere(api: Api, account: str) -> None:
    path = f"/client/v4/accounts/{account}/storage/kv/namespaces"
    answer = await api.client.get(path, headers={"Authorization": f"Bearer {TOKEN}"})
    message = f"Could not route to {path}, perhaps your object identifier is invalid?"
    assert refused(answer) == (404, 7003, message)


@pytest.mark.parametrize("account", ["0" * 32, "abcdefABCDEF0123456789abcdefabcd"])
async def test_any_account_is_the_one_account(api: Api, account: str) -> None:
    await api.put("k")
    path = f"/client/v4/accounts/{account}/storage/kv/namespaces/{CACHE}/values/k"
    answer = await api.client.get(path, headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.content == b"v"


@pytest.mark.parametrize(
    "path",
    [
        "/client/v4/",
        "/client/v4/user",
        "/client/v4/accounts",
        ACCOUNT,
        f"{ACCOUNT}/workers/namespaces",
        f"{ACCOUNT}/storage/kv",
        f"{NAMESPACES}/",
        f"{NAMESPACES}/{CACHE}/",
        f"{NAMESPACES}/{CACHE}/keys/k",
        f"{NAMESPACES}/{CACHE}/values",
        f"{NAMESPACES}/{CACHE}/values/",
        f"{NAMESPACES}/{CACHE}/values/a/b",
        f"{NAMESPACES}/{CACHE}/bulk/put",
        f"{NAMESPACES}/{CACHE}/%0A",
    ],
)
async def test_an_unknown_path_has_no_route(api: Api, path: str) -> None:
    answer = await api.client.request("GET", path, headers={"Authorization": f"Bearer {TOKEN}"})
    if path == f"{NAMESPACES}/":
        assert refused(answer)[:2] == (405, 10405)
    else:
        assert refused(answer) == (404, 7000, "No route for that URI")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "", "GET, POST"),
        ("HEAD", "", "GET, POST"),
        ("POST", f"/{CACHE}", "GET, PUT, DELETE"),
        ("PATCH", f"/{CACHE}", "GET, PUT, DELETE"),
        ("POST", f"/{CACHE}/values/k", "GET, PUT, DELETE"),
        ("GET", f"/{CACHE}/bulk", "PUT, DELETE"),
        ("PUT", f"/{CACHE}/bulk/get", "POST"),
        ("OPTIONS", f"/{CACHE}/keys", "GET"),
    ],
)
async def test_a_method_that_a_path_has_not_is_refused_with_those_it_has(
    api: Api, method: str, path: str, allowed: str
) -> None:
    answer = await api.ask(method, path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)
    if method != "HEAD":
        assert refused(answer)[1:] == (10405, f"Method {method} not allowed; allowed: {allowed}")


async def test_an_empty_id_is_a_wrong_method(api: Api) -> None:
    assert refused(await api.ask("DELETE", "/")) == (405, 10405, "Method DELETE not allowed")


@pytest.mark.parametrize("given", ["CACHE", "0" * 31, "0" * 33, "g" * 32, "0f2ac74b-498b-4802-8cb6-8387c421e279"])
async def test_an_id_that_is_none_is_malformed(api: Api, given: str) -> None:
    for path in ("", "/keys", "/values/k", "/bulk/get"):
        method = "POST" if path == "/bulk/get" else "GET"
        message = f"could not parse UUID from request's namespace_id: 'invalid namespace format: {given}'"
        assert refused(await api.ask(method, f"/{given}{path}")) == (400, 10011, message)


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [
        ("GET", "/keys", "list keys"),
        ("GET", "/values/k", "get"),
        ("PUT", "/values/k", "put"),
        ("DELETE", "/values/k", "remove key"),
        ("GET", "/metadata/k", "get"),
        ("PUT", "/bulk", "bulk put keys"),
        ("DELETE", "/bulk", "bulk remove keys"),
        ("POST", "/bulk/delete", "bulk remove keys"),
        ("POST", "/bulk/get", "bulk get keys"),
    ],
)
async def test_an_id_that_is_nobody_s_is_not_found(api: Api, method: str, path: str, said: str) -> None:
    answer = await api.ask(method, f"/{NOBODY_S}{path}", content=b"not even JSON")
    assert refused(answer) == (404, 10013, f"{said}: 'namespace not found'")


@pytest.mark.parametrize("limit", ["9", "1001", "0", "-10", "ten", "", "10.5", "1e2", "9" * 30, "+10"])
async def test_a_list_has_10_to_1000_keys(api: Api, limit: str) -> None:
    message = f"list keys: 'Invalid limit of {limit}. Please specify an integer between 10 and 1000.'"
    answer = await api.ask("GET", f"/{CACHE}/keys", params={"limit": limit})
    assert refused(answer) == (400, 10028, message)


@pytest.mark.parametrize("cursor", ["x", "not a cursor", "AAAA", "AAAAAAAAAAAA", "%", "ü", "9" * 5000])
async def test_a_cursor_that_no_list_gave_is_refused(api: Api, cursor: str) -> None:
    answer = await api.ask("GET", f"/{CACHE}/keys", params={"cursor": cursor})
    assert refused(answer) == (400, 10041, "list keys: 'Invalid list keys cursor'")


async def test_a_prefix_is_as_long_as_a_key_at_most(api: Api) -> None:
    succeeded(await api.ask("GET", f"/{CACHE}/keys", params={"prefix": "k" * 512}))
    answer = await api.ask("GET", f"/{CACHE}/keys", params={"prefix": "ü" * 257})
    message = "list keys: 'UTF-8 encoded length of 514 exceeds key length limit of 512.'"
    assert refused(answer) == (414, 10030, message)


@pytest.mark.parametrize(
    ("segment", "status", "code", "reason"),
    [
        ("k" * 513, 414, 10030, "UTF-8 encoded length of 513 exceeds key length limit of 512."),
        ("%C3%BC" * 257, 414, 10030, "UTF-8 encoded length of 514 exceeds key length limit of 512."),
        ("%2E", 400, 10042, 'Illegal key name ".". Please use a different name.'),
        ("%2e%2e", 400, 10042, 'Illegal key name "..". Please use a different name.'),
        ("%FF", 400, 10042, "Could not URL-decode key name"),
        ("%", 400, 10042, "Could not URL-decode key name"),
        ("a%zz", 400, 10042, "Could not URL-decode key name"),
        ("%ED%A0%80", 400, 10042, "Could not URL-decode key name"),
    ],
)
async def test_a_key_that_cannot_be_is_refused(
    deployment: Deployment, api: Api, segment: str, status: int, code: int, reason: str
) -> None:
    for method, said in (("PUT", "put"), ("GET", "get"), ("DELETE", "remove key")):
        path = httpx.URL("http://127.0.0.1", raw_path=f"{NAMESPACES}/{CACHE}/values/{segment}".encode())
        answer = await api.client.request(method, path, headers={"Authorization": f"Bearer {TOKEN}"}, content=b"v")
        assert refused(answer) == (status, code, f"{said}: '{reason}'")
    assert await nothing_written(api)


@pytest.mark.parametrize(
    ("query", "code", "reason"),
    [
        ({"expiration_ttl": 59}, 10034, "Invalid expiration_ttl of 59. Expiration TTL must be at least 60."),
        ({"expiration_ttl": 0}, 10034, "Invalid expiration_ttl of 0. Please specify integer greater than 0."),
        ({"expiration_ttl": "x"}, 10034, "Invalid expiration_ttl of x. Please specify integer greater than 0."),
        ({"expiration_ttl": ""}, 10034, "Invalid expiration_ttl of . Please specify integer greater than 0."),
        ({"expiration_ttl": "6" * 40}, 10034, f"Invalid expiration_ttl of {'6' * 40}. Please"),
        (
            {"expiration": 1},
            10033,
            "Invalid expiration of 1. Please specify integer greater than the current number of seconds since the "
            "UNIX epoch.",
        ),
        (
            {"expiration": 1_795_435_259},
            10033,
            "Invalid expiration of 1795435259. Expiration times must be at least 60 seconds in the future.",
        ),
        ({"expiration": "soon"}, 10033, "Invalid expiration of soon. Please specify integer greater than 0."),
        ({"expiration": "60.5"}, 10033, "Invalid expiration of 60.5. Please specify integer greater than 0."),
    ],
)
async def test_a_lifetime_that_cannot_be_is_refused(api: Api, query: dict[str, Any], code: int, reason: str) -> None:
    status, given, message = refused(await api.ask("PUT", value_path("k"), params=query, content=b"v"))
    assert (status, given) == (400, code)
    assert message.startswith(f"put: '{reason}")
    assert await nothing_written(api)


@pytest.mark.parametrize(
    ("metadata", "status", "code", "message"),
    [
        ("{", 400, 10147, "metadata must be valid json"),
        ("", 400, 10147, "metadata must be valid json"),
        ("NaN", 400, 10147, "metadata must be valid json"),
        ("[" * 1_000, 400, 10147, "metadata must be valid json"),
        ("[" * 100_000, 413, 10047, "put: 'Metadata length of 100000 exceeds limit of 1024.'"),
        (f'"{"m" * 1023}"', 413, 10047, "put: 'Metadata length of 1025 exceeds limit of 1024.'"),
    ],
)
async def test_metadata_that_cannot_be_is_refused(
    api: Api, metadata: str, status: int, code: int, message: str
) -> None:
    answer = await api.ask("PUT", value_path("k"), content=form(value="v", metadata=metadata), headers=FORM)
    assert refused(answer) == (status, code, message)
    assert await nothing_written(api)


async def test_metadata_of_1024_bytes_is_taken(api: Api) -> None:
    content = form(value="v", metadata=f'"{"m" * 1022}"')
    succeeded(await api.ask("PUT", value_path("k"), content=content, headers=FORM))


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (form(metadata="{}"), "multipart/form-data; boundary=b"),
        (form(value="v"), "multipart/form-data"),
        (form(value="v"), "multipart/form-data; boundary=other"),
        (form(value="v")[:-8], "multipart/form-data; boundary=b"),
        (b"", "multipart/form-data; boundary=b"),
        (b"--b\r\nContent-Disposition: form-data\r\n\r\nv\r\n--b--\r\n", "multipart/form-data; boundary=b"),
        (b"--b\r\n\xff\xff\r\n\r\nv\r\n--b--\r\n", "multipart/form-data; boundary=b"),
        (form(**{f"part-{number}": "" for number in range(PARTS_MAX)}, value="v"), "multipart/form-data; boundary=b"),
    ],
)
async def test_a_form_that_cannot_be_read_is_refused(api: Api, content: bytes, content_type: str) -> None:
    answer = await api.ask("PUT", value_path("k"), content=content, headers={"Content-Type": content_type})
    status, code, message = refused(answer)
    assert (status, code, message[:6]) == (400, 10012, "put: '")
    assert await nothing_written(api)


@pytest.mark.slow
@pytest.mark.parametrize("headers", [{}, FORM])
async def test_a_value_over_25_mib_is_refused(api: Api, headers: dict[str, str]) -> None:
    content = b"x" * (25 * MEBIBYTE + 1)
    if headers:
        content = form(value="#").replace(b"#", content)
    answer = await api.ask("PUT", value_path("k"), content=content, headers=headers)
    assert refused(answer) == (413, 10024, "put: 'Value length of 26214401 exceeds limit of 26214400.'")
    assert await nothing_written(api)


@pytest.mark.parametrize("content", [b"", b"[", b"[]", b"null", b'"x"', b"\xff", b"[" * 50_000, b'{"title": 1}'])
async def test_a_namespace_is_made_of_an_object_with_a_title(api: Api, content: bytes) -> None:
    assert refused(await api.ask("POST", content=content))[:2] == (400, 10012)
    assert refused(await api.ask("PUT", f"/{CACHE}", content=content))[:2] == (400, 10012)
    assert [each["title"] for each in await api.result("GET")] == ["CACHE"]


class BrokenStore(MemoryStore):
    """A disk that is full."""

    async def write(self, entries: object, written: object = None) -> None:
        raise StateError("the state file failed: disk is full")


async def test_a_state_that_fails_is_an_envelope_and_a_line_in_the_log(
    deployment: Deployment, api: Api, logged: list[str]
) -> None:
    assert isinstance(deployment.service, KVService)
    deployment.service._centre._store = BrokenStore()
    answer = await api.ask("PUT", value_path("k"), content=b"v")
    assert refused(answer) == (500, 10001, "service temporarily unavailable")
    assert "  the state file failed: disk is full" in logged


async def test_a_defect_is_an_envelope_and_explained_in_the_log(
    deployment: Deployment, api: Api, logged: list[str]
) -> None:
    assert isinstance(deployment.service, KVService)
    deployment.service._centre = None  # type: ignore[assignment]
    answer = await api.ask("GET", value_path("k"))
    assert refused(answer) == (500, 10001, "service temporarily unavailable")
    assert "a defect of this emulator, please report it:" in logged[0]
