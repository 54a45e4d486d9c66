"""Answers without a bound, or in another form than the documented one, whichever client reads them."""

import contextlib
import json
import math
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from queue_contracts.compare.naming import Names
from queue_contracts.described.answers import Answer
from queue_contracts.described.operations import packaged_description
from queue_contracts.profiles import Profile
from queue_contracts.sending.guard import Guard, KeyShown, Untestable
from queue_contracts.sending.limiter import SharedLimiter, seconds_of
from queue_contracts.sending.preflight import objection
from queue_contracts.sending.recorder import Recorder
from queue_contracts.sending.rules import Rules
from queue_contracts.sending.wire import install, remove
from queue_contracts.targets.target import Target
from queue_contracts.untrusted.bounded import (
    BODY_BYTES_MAX,
    DEPTH_MAX,
    VALUES_MAX,
    Unreadable,
    require_bounded,
    whole_body,
)
from queue_contracts.untrusted.deadline import BoundedTransport, open_client
from queue_contracts.untrusted.visible import one_line, visible
from tests.contracts.deployment import ADMIN_KEY, QUEUE_KEY
from tests.contracts.hostile import Hostile, answer, chunked_without_end, gzipped, server, without_end

__all__ = ["server"]

KEY = {"X-API-Key": QUEUE_KEY}
TOO_MUCH = f"goes on after {BODY_BYTES_MAX} bytes"
DEEP = DEPTH_MAX + 1
ANSWERS = {
    "a body without an end": (without_end(b'{"pending": [', b'"x", ' * 10_000), TOO_MUCH),
    "chunks without an end": (chunked_without_end(), TOO_MUCH),
    "40 MiB of gzipped spaces": (answer(gzipped(40), "Content-Encoding: gzip"), TOO_MUCH),
    "gzip in gzip": (answer(gzipped(400, times=2), "Content-Encoding: gzip, gzip"), TOO_MUCH),
    "gzip without an end": (without_end(gzipped(1)[:-8], b"\0" * 65536, "Content-Encoding: gzip"), "is not gzip"),
    "gzip that is none": (answer(b"{}", "Content-Encoding: gzip"), "is not gzip"),
    "gzip that is cut off": (answer(gzipped(1)[:100], "Content-Encoding: gzip"), "ends in the middle"),
    "an encoding that nobody asked for": (
        answer(b"{}", "Content-Encoding: br"),
        "queue-contracts reads only gzip and deflate",
    ),
    "five thousand encodings": (
        answer(b"x", "Content-Encoding: " + ",".join(["gzip"] * 5000)),
        "it has 5000 Content-Encodings; queue-contracts reads at most 5",
    ),
    "a million brackets": (answer(b"[" * 1_000_000), f"nested 1000000 deep; queue-contracts reads at most {DEPTH_MAX}"),
    "brackets behind a text": (answer(b'{"a": "\\"' + b"[" * 300 + b'", "b": ' + b'{"c": [' * 150), "nested 301 deep"),
    "too many values": (
        answer(b"[" + b"[]," * (VALUES_MAX + 1) + b"[]]"),
        f"queue-contracts reads at most {VALUES_MAX}",
    ),
}


@pytest.fixture
def guard(server: Hostile, tmp_path: Path) -> Iterator[Guard]:
    target = Target(server.url, QUEUE_KEY, ADMIN_KEY)
    rules = Rules(target, Profile.OBSERVE, "ct-6924b1a0beef-")
    guarding = Guard(rules, SharedLimiter(tmp_path, None), Recorder(tmp_path, target), tmp_path)
    install(guarding)
    yield guarding
    remove(guarding)


def by_httpx(url: str) -> bytes:
    return httpx.get(url, headers=KEY).content


def by_requests(url: str) -> bytes:
    return requests.get(url, headers=KEY, timeout=30).content


@pytest.mark.parametrize("cookie", ["a=b", "\xe9=\xff"])
def test_what_a_target_asks_to_keep_is_not_sent_back(cookie: str, server: Hostile) -> None:
    server.answers["/api/queue"] = answer(b"{}", f"Set-Cookie: {cookie}")
    with open_client(guarded=False) as client:
        answers = [client.get(f"{server.url}/api/queue") for _ in range(2)]
        assert not client.cookies
    assert not any("cookie" in each.request.headers for each in answers)


@pytest.mark.parametrize("get", [by_httpx, by_requests])
def test_a_key_in_the_place_of_a_headers_name_is_shown_and_not_written_down(
    get: Callable[[str], bytes], server: Hostile, guard: Guard
) -> None:
    name = QUEUE_KEY.lower()
    guard.recorder.know(Target(server.url, name, ADMIN_KEY))
    server.answers["/api/queue"] = answer(b"{}", f"{name}: x")
    with pytest.raises(KeyShown):
        get(f"{server.url}/api/queue")
    assert not any(name in path.read_text(encoding="utf-8") for path in guard.folder.iterdir())


@pytest.mark.slow
@pytest.mark.usefixtures("guard")
@pytest.mark.parametrize("get", [by_httpx, by_requests])
@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_beyond_a_limit_ends_the_run_whichever_client_reads_it(
    kind: str, get: Callable[[str], bytes], server: Hostile
) -> None:
    server.answers["/api/queue"], said = ANSWERS[kind]
    with pytest.raises(Untestable, match=said):
        get(f"{server.url}/api/queue")
    with pytest.raises(Untestable, match="nothing more is sent"):
        get(f"{server.url}/api/queue")
    assert len(server.asked) == 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_beyond_a_limit_is_not_read_where_no_guard_stands(kind: str, server: Hostile) -> None:
    server.answers["/api/queue"], said = ANSWERS[kind]
    with httpx.Client(transport=BoundedTransport()) as client, pytest.raises(Unreadable, match=said):
        client.get(f"{server.url}/api/queue")


@pytest.mark.usefixtures("guard")
@pytest.mark.parametrize("get", [by_httpx, by_requests])
@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "identity", "GZIP, identity"])
def test_what_is_within_the_limits_is_read_whole(get: Callable[[str], bytes], encoding: str, server: Hostile) -> None:
    whole = gzipped(1) if "gzip" in encoding.lower() else b" " * 1024 * 1024
    server.answers["/api/queue"] = answer(whole, f"Content-Encoding: {encoding}")
    assert get(f"{server.url}/api/queue") == b" " * 1024 * 1024


@pytest.mark.usefixtures("guard")
@pytest.mark.parametrize("get", [by_httpx, by_requests])
@pytest.mark.parametrize("part", [b"X-A: 1\r\n", b"x" * 65536], ids=["headers", "a line"])
def test_a_head_without_an_end_is_no_answer(get: Callable[[str], bytes], part: bytes, server: Hostile) -> None:
    def head() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\n"
        while True:
            yield part * 100

    server.answers["/api/queue"] = head
    with pytest.raises((httpx.HTTPError, requests.RequestException)):
        get(f"{server.url}/api/queue")


@pytest.mark.usefixtures("guard")
@pytest.mark.parametrize("get", [by_httpx, by_requests])
@pytest.mark.parametrize("size", [b"-5", b"f" * 40, b"0x_1", b"", b"\xb2", b"5;" + b"x" * 200_000])
def test_a_chunk_of_no_size_is_no_answer(get: Callable[[str], bytes], size: bytes, server: Hostile) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    server.answers["/api/queue"] = lambda: [head + size + b"\r\n{}"]
    with pytest.raises((httpx.HTTPError, requests.RequestException)):
        get(f"{server.url}/api/queue")


LOCATIONS = (
    *("javascript:alert(1)", "mailto:a@b", "http:a", "http:", ":", "//", "//[", "http://[::1", "http://a:99999999"),
    *(
        "http://xn--\xff/",
        "http://%/%",
        "\x80",
        "?" * 60_000,
        "/" * 60_000,
        "file:///etc/passwd",
        "a:b:c",
        "http://@:/",
    ),
)


@pytest.mark.parametrize("location", LOCATIONS)
@pytest.mark.parametrize("guarded", [True, False])
def test_a_redirect_to_whatever_is_an_answer_or_no_answer(
    location: str, guarded: bool, server: Hostile, request: pytest.FixtureRequest
) -> None:
    if guarded:
        request.getfixturevalue("guard")
    server.answers["/api/queue"] = answer(b"{}", f"Location: {location}", status="302 Found")
    with open_client(guarded=guarded) as client, contextlib.suppress(httpx.HTTPError):
        assert client.get(f"{server.url}/api/queue", headers=KEY).status_code == 302
    assert len(server.asked) == 1


@pytest.mark.parametrize("get", [by_httpx, by_requests])
def test_interim_answers_without_an_end_are_given_up(
    get: Callable[[str], bytes], guard: Guard, server: Hostile
) -> None:
    def interim() -> Iterator[bytes]:
        while True:
            yield b"HTTP/1.1 100 Continue\r\n\r\n"

    guard.request_s_max = 0.3
    server.answers["/api/queue"] = interim
    with pytest.raises((httpx.ReadTimeout, requests.ReadTimeout), match=r"was not answered completely within 0\.3 s"):
        get(f"{server.url}/api/queue")


@given(st.lists(st.text('[]{}",\\', min_size=1, max_size=8), min_size=1, max_size=4), st.booleans())
@settings(max_examples=150, deadline=None)
def test_brackets_in_texts_are_not_counted(texts: list[str], ascii_only: bool) -> None:
    """Each comes more often in a text than a body may nest."""
    long = [text * (2 * DEPTH_MAX) for text in texts]
    value = [*long, dict.fromkeys(long, long)]
    require_bounded(json.dumps(value, ensure_ascii=ascii_only).encode())


@given(st.integers(DEPTH_MAX - 3, DEPTH_MAX + 4), st.text('[]{}"\\,é', max_size=20))
@settings(max_examples=100, deadline=None)
def test_depth_is_counted_exactly(depth: int, text: str) -> None:
    body = (b"[" + json.dumps(text).encode() + b",") * depth + b"0" + b"]" * depth
    if depth <= DEPTH_MAX:
        require_bounded(body)
    else:
        with pytest.raises(Unreadable, match=f"nested {depth} deep"):
            require_bounded(body)


@pytest.mark.parametrize("part", [b'"', b'\\"', b'"\\', b"[]", b'{"":', b"\xff", b'",["\\\\'])
def test_a_body_that_begins_texts_without_end_is_looked_through(part: bytes) -> None:
    """Were a text begun anew at each quote, this would take hours."""
    with contextlib.suppress(Unreadable):
        require_bounded(part * (8_000_000 // len(part)) + b"[" * 300)


ENCODINGS = ["gzip", "deflate", "gzip, deflate", "", "br", ", ".join(["gzip", "deflate"] * 1000)]


def test_any_bytes_are_a_body_or_are_refused_in_a_sentence() -> None:
    tried: Counter[str] = Counter()

    @given(st.lists(st.binary(max_size=60), max_size=8), st.sampled_from(ENCODINGS))
    @settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def read(chunks: list[bytes], encoding: str) -> None:
        tried[encoding] += 1
        try:
            body = whole_body(chunks, encoding)
        except Unreadable as why:
            assert "\n" not in str(why)
        else:
            assert encoding or body == b"".join(chunks)

    read()
    assert set(tried) == set(ENCODINGS)
    assert tried.total() >= 300


CHARSETS = (
    *("zlib", "bz2", "hex", "base64", "uu", "quopri", "idna", "punycode", "undefined", "rot13", "utf-16", "utf-32"),
    *("utf-7", "unicode_escape", "raw_unicode_escape", "utf_8_sig", "cp037", "no-such", "\x1b[31m", ""),
)


@pytest.mark.usefixtures("guard")
@pytest.mark.parametrize("get", [httpx.get, requests.get])
def test_a_text_is_read_as_utf_8_whatever_its_content_type_names(get: Callable[..., Any], server: Hostile) -> None:
    for charset in CHARSETS:
        server.answers["/api/queue"] = answer("é\\u0041".encode(), f"Content-Type: text/html; charset={charset}")
        assert get(f"{server.url}/api/queue", headers=KEY).text == "é\\u0041", charset


@pytest.mark.parametrize("charset", CHARSETS)
def test_a_page_in_the_place_of_the_worker_is_said_to_be_one(charset: str, server: Hostile) -> None:
    page = b"<title>\x1b[31m\xff</title>"
    server.answers["/"] = lambda: [
        f"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset={charset}\r\nContent-Length: {len(page)}\r\n".encode()
        + b"Connection: close\r\n\r\n"
        + page
    ]
    with httpx.Client(transport=BoundedTransport()) as http:
        said = objection(Target(server.url, QUEUE_KEY, ADMIN_KEY), http)
    assert said is not None
    assert "with an HTML page, not like the Worker (status 200, titled" in said
    assert said.isprintable()


@pytest.mark.usefixtures("guard")
@pytest.mark.parametrize("get", [by_httpx, by_requests])
def test_a_cookie_that_cannot_be_read_is_no_matter(
    get: Callable[[str], bytes], server: Hostile, recwarn: pytest.WarningsRecorder
) -> None:
    numbers = f"max-age={'9' * 500}; version={'9' * 500}"
    cookie = f"Set-Cookie: c=v; expires=Thu, 01 Jan 99999999999999 00:00:00 GMT; {numbers}"
    server.answers["/api/queue"] = answer(b"{}", cookie)
    assert get(f"{server.url}/api/queue") == b"{}"
    assert not recwarn.list


@pytest.mark.parametrize("content", [b'{"pending": ["\\ud800"], "count": "\\udfff"}', b'{"\\ud800": 1}'])
def test_half_of_a_surrogate_pair_is_a_violation_like_any_other(content: bytes) -> None:
    headers = (("content-type", "application/json"),)
    assert packaged_description().violations("listPendingTasks", Answer(200, headers, content))


@pytest.mark.parametrize("value", ["\ud800", "x" * 5000])
def test_a_value_that_no_url_can_hold_is_not_captured(value: str) -> None:
    names, body = Names("ct-"), json.dumps({"id": value}).encode()
    assert names.capture((("task", "id"),), Answer(200, (), body)) == "task"


@pytest.mark.parametrize("value", ["²", "٣", "-1", "1.5", "", "1e3"])
def test_seconds_that_are_no_whole_number_are_none(value: str) -> None:
    assert seconds_of(value) is None
    headers = (("content-type", "application/json"), ("retry-after", value))
    wrong = packaged_description().violations("listPendingTasks", Answer(429, headers, b"{}"))
    assert "header retry-after" in [each.field for each in wrong]


def test_seconds_of_any_length_are_a_number() -> None:
    assert seconds_of("9" * 5000) == math.inf


def test_a_flood_of_marks_covers_no_other_line() -> None:
    for mark in "\u0301\u0323\u0e47\u20dd":
        escape = mark.encode("unicode_escape").decode()
        assert visible(f"a{mark * 20}b{mark * 8}") == f"a{mark * 8}{escape * 12}b{mark * 8}"


@given(st.text(st.characters(codec=None), max_size=40))
@settings(max_examples=500)
def test_nothing_that_is_shown_moves_a_cursor_or_cannot_be_written(text: str) -> None:
    shown = visible(text)
    assert all(each == "\n" or each.isprintable() for each in shown)
    shown.encode("utf-8")
    assert "\n" not in one_line(text)
