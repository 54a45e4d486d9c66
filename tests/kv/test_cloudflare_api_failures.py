"""What goes wrong on the way to the API: tried again or not, definite or not, and never shown with the token."""

import asyncio

import httpx
import pytest

from queue_emulator.core.errors import BulkDataError
from queue_emulator.kv.cloudflare_api import BULK_PAIRS_MAX, CloudflareAPI
from queue_emulator.kv.cloudflare_calls import ApiError
from queue_emulator.kv.retry import Patience
from tests.kv.scripted_api import ACCESS, DONE, TOKEN, ScriptedAPI, refusal, scripted

pytestmark = pytest.mark.anyio

UNSENT = [
    httpx.ConnectError("Connection refused"),
    httpx.ConnectTimeout(""),
    httpx.ProxyError("407 Proxy Authentication Required"),
]
DOUBTFUL = [
    httpx.ReadTimeout(""),
    httpx.WriteTimeout(""),
    httpx.ReadError("reset by peer"),
    httpx.WriteError("broken pipe"),
    httpx.RemoteProtocolError("Server disconnected without sending a response."),
    httpx.DecodingError("not gzip"),
    refusal(500),
    refusal(502),
    refusal(503),
    httpx.Response(524, text="<html>a timeout occurred</html>"),
]
REFUSED = [refusal(status) for status in (400, 401, 403, 404, 405, 413)]


@pytest.mark.parametrize("failure", [*UNSENT, *DOUBTFUL, refusal(429)], ids=repr)
@pytest.mark.parametrize("times", [1, 3])
async def test_a_write_is_tried_again_until_it_is_done(failure: httpx.Response | Exception, times: int) -> None:
    api, script = scripted(*[failure] * times, DONE)
    await api.put_value("k", b"v")
    assert script.exhausted
    assert len({(each.method, each.url, each.content) for each in script.requests}) == 1
    assert len(script.waits_ms) == times
    assert all(wait_ms > 0 for wait_ms in script.waits_ms)


@pytest.mark.parametrize("failure", REFUSED, ids=repr)
async def test_what_is_refused_is_not_tried_again(failure: httpx.Response) -> None:
    api, script = scripted(failure, DONE)
    with pytest.raises(ApiError, match=f"could not put 'k': {failure.status_code} no") as raised:
        await api.put_value("k", b"v")
    assert raised.value.definite
    assert (raised.value.status, raised.value.code, raised.value.reason) == (failure.status_code, 10000, "no")
    assert len(script.requests) == 1


@pytest.mark.parametrize("failure", UNSENT, ids=repr)
async def test_a_write_that_was_never_sent_surely_did_not_happen(failure: Exception) -> None:
    api, _ = scripted(failure, deadline_ms=1)
    with pytest.raises(ApiError) as raised:
        await api.delete_value("k")
    assert raised.value.definite
    assert "nevertheless" not in str(raised.value)


@pytest.mark.parametrize("failure", DOUBTFUL, ids=repr)
async def test_a_write_without_a_clear_answer_may_have_happened(failure: httpx.Response | Exception) -> None:
    api, _ = scripted(failure, deadline_ms=1)
    with pytest.raises(ApiError, match="; it may have happened anyway") as raised:
        await api.put_value("k", b"v")
    assert not raised.value.definite


@pytest.mark.parametrize("last", [*UNSENT, *REFUSED, refusal(429, Retry_After="9999")], ids=repr)
async def test_one_doubtful_attempt_makes_the_whole_write_doubtful(last: httpx.Response | Exception) -> None:
    api, script = scripted(httpx.ReadTimeout(""), last, deadline_ms=440, wait_first_ms=300)
    with pytest.raises(ApiError, match="may have happened") as raised:
        await api.put_bulk([{"key": "k", "value": "v"}])
    assert script.exhausted
    assert not raised.value.definite


@pytest.mark.parametrize("failure", DOUBTFUL, ids=repr)
async def test_a_read_that_fails_has_surely_written_nothing(failure: httpx.Response | Exception) -> None:
    api, _ = scripted(failure, deadline_ms=1)
    with pytest.raises(ApiError) as raised:
        await api.get_value("k")
    assert raised.value.definite


async def test_retry_after_is_obeyed() -> None:
    api, script = scripted(
        refusal(429, Retry_After="7"),
        refusal(503, Retry_After="Mon, 23 Nov 2026 12:00:20 GMT"),  # its own clock stands at noon
        refusal(429, Retry_After="Mon, 23 Nov 2026 13:00:30 GMT", Date="Mon, 23 Nov 2026 13:00:00 GMT"),
        DONE,
    )
    await api.delete_value("k")
    for wait_ms, asked_ms in zip(script.waits_ms, (7_000, 20_000, 30_000), strict=True):
        assert asked_ms <= wait_ms < asked_ms + 1_000


async def test_a_host_that_was_never_reached_is_not_tried_for_as_long_as_one_that_was() -> None:
    nobody = httpx.ConnectError("Name or service not known")
    api, script = scripted(*[nobody] * 100)
    with pytest.raises(ApiError, match="no connection: Name or service not known, "):
        await api.get_value("k")
    never = sum(script.waits_ms)
    api, script = scripted(DONE, *[nobody] * 100)
    await api.put_value("k", b"v")
    with pytest.raises(ApiError, match="no connection"):
        await api.get_value("k")
    assert never < 15_000 < 300_000 < sum(script.waits_ms)


async def test_a_certificate_that_is_not_trusted_is_not_tried_again() -> None:
    error = httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate")
    api, script = scripted(error)
    with pytest.raises(
        ApiError, match="self-signed certificate; to trust more certificates, set SSL_CERT_FILE"
    ) as raised:
        await api.put_value("k", b"v")
    assert (raised.value.definite, script.waits_ms) == (True, [])


async def test_a_wait_that_ends_after_the_deadline_is_not_begun() -> None:
    api, script = scripted(refusal(429, 10022, "too many requests", Retry_After="300"), deadline_ms=60_000)
    with pytest.raises(
        ApiError, match=r"429 too many requests \[code: 10022\]; the server asks to wait 300 s"
    ) as raised:
        await api.put_value("k", b"v")
    assert raised.value.definite
    assert script.waits_ms == []


async def test_attempts_end_with_the_deadline() -> None:
    api, script = scripted(*[refusal(503)] * 100, deadline_ms=60_000)
    with pytest.raises(ApiError, match=r"503 no \[code: 10000\], \d+ times"):
        await api.get_value("k")
    assert sum(script.waits_ms) < 60_000
    assert 6 < len(script.requests) < 20


@pytest.mark.parametrize(("status", "definite"), [(503, False), (429, True)])
async def test_in_a_hurry_no_wait_is_waited_for_and_nothing_is_tried_again(status: int, definite: bool) -> None:
    async def sleep(by_ms: int) -> None:
        api.hurry()
        await asyncio.Event().wait()

    script = ScriptedAPI([refusal(status)])
    api = CloudflareAPI(ACCESS, sleep=sleep, transport=script)
    with pytest.raises(ApiError, match=f"could not put 'k': {status} no") as raised:
        await api.put_value("k", b"v")
    assert (raised.value.definite, script.exhausted) == (definite, True)


async def test_a_server_that_never_answers_is_not_waited_for_beyond_the_deadline() -> None:
    class Silent(ScriptedAPI):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            self.requests.append(request)
            await asyncio.Event().wait()
            raise AssertionError

    script = Silent([])
    api = CloudflareAPI(ACCESS, patience=Patience(deadline_ms=50), sleep=script.sleep, transport=script)
    with pytest.raises(ApiError, match="could not put 'k': no answer in time; it may have happened") as raised:
        await api.put_value("k", b"v")
    assert not raised.value.definite
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>Please log in to the hotel's network</html>"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"success": False}),
        httpx.Response(200, json={"success": True, "result": {"unsuccessful_keys": [1]}}),
        httpx.Response(200, text="[" * 100_000),
        httpx.Response(200, content=b"\xff"),
    ],
)
async def test_an_answer_that_the_api_never_gives_leaves_a_write_in_doubt(answer: httpx.Response) -> None:
    api, script = scripted(answer)
    with pytest.raises(
        ApiError, match="the answer is not in the format of Cloudflare's API; it may have happened"
    ) as raised:
        await api.put_bulk([{"key": "k", "value": "v"}])
    assert not raised.value.definite
    assert len(script.requests) == 1


async def test_a_redirect_is_not_followed_with_the_token() -> None:
    api, script = scripted(httpx.Response(302, headers={"Location": "https://elsewhere.example/"}))
    with pytest.raises(ApiError, match="302 Found"):
        await api.get_value("k")
    assert [each.url.host for each in script.requests] == ["127.0.0.1"]


@pytest.mark.parametrize("cookie", ["a=b", "é=ÿ", "a=b; Max-Age=" + "9" * 5000])
async def test_what_an_answer_asks_to_keep_is_not_sent_back(cookie: str) -> None:
    listed = httpx.Response(200, headers=[(b"set-cookie", cookie.encode("latin-1"))], content=b"v")
    api, script = scripted(listed, listed)
    for key in ("k", "l"):
        assert await api.get_value(key) is not None
    assert not any("cookie" in each.headers for each in script.requests)


@pytest.mark.parametrize(
    "failure",
    [
        refusal(403, message=f"bad header Authorization: Bearer {TOKEN}"),
        refusal(403, message=f"{TOKEN}\r\nX: \x1b[31m" + "x" * 10_000),
        httpx.ConnectError(f"proxy refused 'Bearer {TOKEN}'"),
        refusal(403, message=f"bad header Bearer%20{TOKEN}"),
        refusal(403, message=f"token_{TOKEN}x"),
    ],
    ids=["echoed", "with control characters", "in a proxy's words", "in a URL", "in another word"],
)
async def test_the_token_is_in_no_error_and_no_log(failure: httpx.Response | Exception) -> None:
    logged: list[str] = []
    script = ScriptedAPI([failure] * 50)  # more than are asked for in that time, however short the waits are drawn
    patience = Patience(deadline_ms=400, wait_first_ms=250)
    api = CloudflareAPI(ACCESS, patience=patience, sleep=script.sleep, transport=script, log=logged.append)
    with pytest.raises(ApiError) as raised:
        await api.put_value("k", b"v")
    told = [str(raised.value), repr(raised.value), raised.value.reason, *logged]
    assert not any(TOKEN in each for each in told)
    assert all(each.isprintable() and len(each) < 600 for each in told)
    assert script.requests[0].headers["Authorization"] == f"Bearer {TOKEN}"


async def test_each_attempt_that_is_followed_by_another_is_logged() -> None:
    logged: list[str] = []
    script = ScriptedAPI([refusal(503, message="unavailable"), DONE])
    api = CloudflareAPI(ACCESS, sleep=script.sleep, transport=script, log=logged.append)
    await api.delete_value("k")
    (line,) = logged
    assert line.startswith("127.0.0.1:8787: delete 'k': 503 unavailable [code: 10000]; again in 0.")


@pytest.mark.slow
async def test_what_is_too_much_for_one_request_is_not_sent() -> None:
    api, script = scripted()
    with pytest.raises(BulkDataError, match=r"10,001 keys in .* too many for one request: the API takes 10,000"):
        await api.put_bulk([{"key": "k", "value": ""}] * (BULK_PAIRS_MAX + 1))
    with pytest.raises(BulkDataError, match=r"5 keys in 105,.* bytes are too many"):
        await api.put_bulk([{"key": str(number), "value": "x" * 21_000_000} for number in range(5)])
    assert script.requests == []


async def test_a_server_that_says_not_to_try_again_is_obeyed() -> None:
    api, script = scripted(refusal(429, 10048, "the free usage limit of today", x_should_retry="false"), DONE)
    with pytest.raises(ApiError, match="429 the free usage limit"):
        await api.put_value("k", b"v")
    assert len(script.requests) == 1
