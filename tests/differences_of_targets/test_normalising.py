"""Masks: what may differ from run to run goes, its type and its relations stay."""

import json

import pytest

from queue_contracts.compare.naming import Names
from queue_contracts.compare.normalising import Normaliser, Seen, brought
from queue_contracts.compare.steps import Compared, Request, Seed, Sequence
from queue_contracts.described.answers import Answer
from queue_contracts.json_values import Json

STORED = "2026-11-20T09:00:00.118Z"
BROUGHT = Sequence("made up", (Seed(({"key": "queue:task:{a}", "value": {"queuedAt": STORED}},)),))


def seen(body: "Json | bytes", *, compare: Compared = Compared.ANSWER, run: str = "ct-one-", **headers: str) -> Seen:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"content_type": "application/json", **headers}
    pairs = tuple((name.replace("_", "-"), value) for name, value in given.items())
    step = Request("GET", "/api/queue", (200,), "listPendingTasks", compare=compare)
    return Normaliser(Names(run), brought(BROUGHT)).seen(step, Answer(200, pairs, content))


@pytest.mark.parametrize(
    ("given", "masked"),
    [
        ("2026-11-24T01:02:03.004Z", "<time>"),
        (STORED, STORED),
        ("at 2026-11-24T01:02:03.004Z sharp", "at <time> sharp"),
        ("2026-11-24T01:02:03Z", "<time as 0000-00-00T00:00:00Z>"),
        ("2026-11-24 01:02:03.004", "<time as 0000-00-00 00:00:00.000>"),
        ("2026-11-24T01:02:03.004+01:00", "<time as 0000-00-00T00:00:00.000+00:00>"),
        (1795482123004, 1795482123004),
        (None, None),
        ("worker_1795482123004", "<worker 1>"),
        ("worker_17954", "worker_17954"),
        ("ct-one-a", "ct-*-a"),
        (["ct-one-a", "Task ct-one-b: gone"], ["ct-*-a", "Task ct-*-b: gone"]),
        ({"claimNonce": "x8f"}, {"claimNonce": "<nonce>"}),
        ({"claimNonce": 5}, {"claimNonce": 5}),
        ({"ct-one-a": 1}, {"ct-*-a": 1}),
    ],
)
def test_a_value_is_masked_by_its_type(given: Json, masked: Json) -> None:
    assert seen(given).body == masked


@pytest.mark.parametrize(
    ("body", "masked"),
    [
        (b'{"queuedAt": "2026-11-24T01:02:03.004Z"}', '{"queuedAt": "<time>"}'),
        (
            b'[{"claimedAt":"2026-11-24T01:00:00.000Z","expiresAt":"2026-11-24T01:05:00.000Z"}]',
            '[{"claimedAt":"<time>","expiresAt":"<time + 300 s>"}]',
        ),
        (b'{"a":"\\u0061" , "claimNonce" : "x\\"y"}', '{"a":"\\u0061" , "claimNonce" : "<nonce>"}'),
        (b"no JSON of worker_1795482123004", "no JSON of <worker 1>"),
    ],
)
def test_in_words_every_character_is_compared(body: bytes, masked: str) -> None:
    assert seen(body, compare=Compared.WORDS).body == masked
    assert not seen(body, compare=Compared.WORDS).is_json


def test_in_words_a_content_type_is_what_was_sent() -> None:
    spelled = "Application/JSON; charset=UTF-8"
    assert seen({}, compare=Compared.WORDS, content_type=spelled).content_type == spelled
    assert seen({}, content_type=spelled).content_type == "application/json;charset=utf-8"


@pytest.mark.parametrize(
    ("lease", "end"),
    [
        ({"claimedAt": "2026-11-24T01:00:00.000Z"}, "<time + 300 s>"),
        ({"claimedAt": "2026-11-24T01:00:00.004Z"}, "<time + 300 s>"),
        ({"claimedAt": "2026-11-24T00:50:00.000Z", "renewedAt": "2026-11-24T01:04:00.000Z"}, "<time + 60 s>"),
        ({"claimedAt": "2026-11-24T01:05:30.000Z"}, "<time + -30 s>"),
        ({"claimedAt": 5}, "<time>"),
        ({}, "<time>"),
    ],
)
def test_the_end_of_a_lease_keeps_its_distance(lease: dict[str, Json], end: str) -> None:
    body = seen({**lease, "expiresAt": "2026-11-24T01:05:00.000Z"}).body
    assert isinstance(body, dict)
    assert body["expiresAt"] == end


def test_equal_names_stay_equal_and_different_ones_different() -> None:
    names: list[Json] = ["worker_1795482123004", "worker_1795482123005", "worker_1795482123004"]
    assert seen(names).body == ["<worker 1>", "<worker 2>", "<worker 1>"]


def test_ids_of_two_runs_are_one() -> None:
    assert seen("ct-one-a").body == seen("ct-two-a", run="ct-two-").body
    assert seen("ct-one-a").body != seen("ct-one-a", run="ct-two-").body


def test_of_the_headers_only_those_that_a_client_acts_on_are_seen() -> None:
    several = seen({}, date="now", cf_ray="1-NRT", allow="POST, GET,GET", retry_after="12")
    assert dict(several.headers) == {"allow": "GET, POST", "retry-after": "<seconds>"}
    assert dict(seen({}, retry_after="soon").headers) == {"retry-after": "soon"}


def test_a_content_type_is_written_in_one_way() -> None:
    assert seen(b"x", content_type="Text/Plain; charset=UTF-8").content_type == "text/plain;charset=utf-8"


def test_a_shape_has_types_and_no_values() -> None:
    body: Json = {"pending": ["a"], "count": 1, "exact": 0.5, "done": True, "nothing": None, "status": {"old": "x"}}
    assert seen(body, compare=Compared.SHAPE).body == {
        "pending": "<list>",
        "count": "<number>",
        "exact": "<number>",
        "done": "<boolean>",
        "nothing": "<null>",
        "status": {"old": "<text>"},
    }


def test_where_only_the_status_counts_nothing_else_is_seen() -> None:
    assert seen({"a": 1}, compare=Compared.STATUS, allow="GET") == Seen(200, "", (), None, is_json=False)


@pytest.mark.parametrize("body", [b"{", b"NaN", b"\xff", b""])
def test_a_body_that_says_it_is_json_and_is_none_is_seen_as_text(body: bytes) -> None:
    assert not seen(body).is_json


@pytest.mark.parametrize(
    "content",
    [b'{"a": "\xed\xa0\x80"}', *('{"a": 1}'.encode(each) for each in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"))],
)
def test_what_is_not_utf_8_is_a_text_and_no_json(content: bytes) -> None:
    assert not seen(content).is_json
