"""Key names: what is refused in whose words, how names order, and cursors."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queue_emulator.core import keys
from queue_emulator.core.errors import JavaScriptError, KVError

NAMES = st.text(min_size=1, max_size=20).filter(lambda name: name not in (".", ".."))
RAW = st.binary(max_size=30)


def refusal(key: str, *, service: bool = False) -> str:
    check = keys.check_service_key if service else keys.check_key
    with pytest.raises(JavaScriptError) as caught:
        check(key, "PUT")
    return f"{caught.value.name}: {caught.value}"


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("", "TypeError: Key name cannot be empty."),
        (".", 'TypeError: "." is not allowed as a key name.'),
        ("..", 'TypeError: ".." is not allowed as a key name.'),
        ("é" * 257, "Error: KV PUT failed: 414 UTF-8 encoded length of 514 exceeds key length limit of 512."),
        ("\ud800", "Error: KV PUT failed: 400 Could not URL-decode key name"),
        ("\ud800" * 171, "Error: KV PUT failed: 414 UTF-8 encoded length of 513 exceeds key length limit of 512."),
    ],
)
def test_the_runtime_refuses_a_name_in_its_own_words(key: str, text: str) -> None:
    assert refusal(key) == text


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("", "Error: KV PUT failed: 400 Key names must not be empty"),
        (".", 'Error: KV PUT failed: 400 Illegal key name ".". Please use a different name.'),
        ("..", 'Error: KV PUT failed: 400 Illegal key name "..". Please use a different name.'),
        ("a" * 513, "Error: KV PUT failed: 414 UTF-8 encoded length of 513 exceeds key length limit of 512."),
    ],
)
def test_the_service_refuses_a_name_in_other_words(key: str, text: str) -> None:
    assert refusal(key, service=True) == text


@pytest.mark.parametrize("key", ["...", " ", "\0", "a/b?c#d%25", "../x", "\n", "\ufeff", "é" * 256, "😀" * 128])
def test_every_other_name_of_up_to_512_bytes_is_a_key(key: str) -> None:
    assert keys.check_key(key, "GET") == keys.check_service_key(key, "GET") == key.encode()


def test_a_prefix_may_be_empty_or_a_dot_but_not_longer_than_a_key() -> None:
    assert [keys.check_prefix(prefix) for prefix in ("", ".", "..", "\ud800")] == [
        b"",
        b".",
        b"..",
        "\ufffd\ufffd\ufffd".encode(),
    ]
    assert keys.check_prefix("a" * 512) == b"a" * 512
    with pytest.raises(KVError, match=r"^KV GET failed: 414 UTF-8 encoded length of 513 exceeds key length limit"):
        keys.check_prefix("a" * 513)


def test_names_order_by_their_utf8_bytes_and_not_by_utf16_units() -> None:
    names = ["a", "é", "\ue000", "\ufffd", "😀"]
    assert sorted(["😀", "é", "\ufffd", "a", "\ue000"], key=lambda name: keys.check_key(name, "GET")) == names
    assert sorted(names, key=lambda name: name.encode("utf-16-be")) != names


@given(NAMES, NAMES)
def test_names_order_as_their_code_points_do(one: str, other: str) -> None:
    assert (keys.check_key(one, "GET") < keys.check_key(other, "GET")) == (one < other)


@pytest.mark.parametrize(
    ("segment", "text"),
    [
        (b"plain", "plain"),
        (b"a%2Fb", "a/b"),
        (b"%252F", "%2F"),
        (b"%C3%A9+", "é+"),
        (b"100%", "100%"),
        (b"%00", "\0"),
        ("é".encode(), "é"),
        (b"%FF", None),
        (b"%ED%A0%80", None),
    ],
)
def test_a_path_segment_is_decoded_once(segment: bytes, text: str | None) -> None:
    assert keys.decode_segment(segment) == text


@given(RAW, RAW)
def test_a_cursor_leads_back_to_the_key_it_was_made_of(prefix: bytes, after: bytes) -> None:
    cursor = keys.encode_cursor(prefix, after)
    assert keys.decode_cursor(prefix, cursor) == after
    assert re.fullmatch("[A-Za-z0-9_-]+", cursor)


@given(RAW, RAW, RAW)
def test_a_cursor_is_good_for_its_own_prefix_only(prefix: bytes, other: bytes, after: bytes) -> None:
    if prefix != other:
        with pytest.raises(KVError, match=r"^KV GET failed: 400 Invalid list keys cursor$"):
            keys.decode_cursor(other, keys.encode_cursor(prefix, after))


@pytest.mark.parametrize(
    "cursor", ["x", "MTA=", "bTI", "é", "\ud800", "====", "AAAAAAAA", "AAAAAAAAbTI", " ", "a b c d"]
)
def test_a_cursor_that_no_list_gave_is_refused(cursor: str) -> None:
    with pytest.raises(KVError) as caught:
        keys.decode_cursor(b"", cursor)
    assert (caught.value.status, caught.value.reason) == (400, "Invalid list keys cursor")


@given(RAW, st.data())
def test_a_cursor_with_one_letter_changed_is_refused(after: bytes, data: st.DataObject) -> None:
    cursor = keys.encode_cursor(b"task:", after)
    place = data.draw(st.integers(0, len(cursor) - 2))  # the last letter may have bits that say nothing
    letter = data.draw(st.sampled_from("AZaz09-_").filter(lambda letter: letter != cursor[place]))
    with pytest.raises(KVError):
        keys.decode_cursor(b"task:", cursor[:place] + letter + cursor[place + 1 :])


@given(st.text(max_size=20))
def test_a_local_cursor_is_the_base64_of_the_last_name(name: str) -> None:
    assert keys.decode_local_cursor(keys.encode_local_cursor(name.encode())) == name.encode()
    assert keys.encode_local_cursor(b"hit") == "aGl0"


@pytest.mark.parametrize(
    ("cursor", "after"),
    [
        ("aGl0==", b"hit"),
        ("aGl0=ZQ==", b"hit"),
        (" aG\nl0", b"hit"),
        ("éaGl0", b"hit"),
        ("aGl0a", b"hit"),
        ("aG=l0", b"h"),
        ("ZQ", b"e"),
        ("/w==", "\ufffd".encode()),
        ("-_-_", "\ufffd\ufffd\ufffd".encode()),
        ("%%%", b""),
        ("===", b""),
        ("5", b""),
        ("\ud800", b""),
    ],
)
def test_a_local_cursor_is_read_as_leniently_as_node_reads_base64(cursor: str, after: bytes) -> None:
    assert keys.decode_local_cursor(cursor) == after


@given(st.text())
def test_no_local_cursor_is_refused(cursor: str) -> None:
    keys.decode_local_cursor(cursor).decode()


@pytest.mark.parametrize(
    ("prefix", "first_beyond"),
    [(b"a", b"b"), (b"a\xff", b"b"), (b"az\xff\xff", b"a{"), (b"\xff", None), (b"", None), (b"\0", b"\1")],
)
def test_the_first_key_beyond_a_prefix(prefix: bytes, first_beyond: bytes | None) -> None:
    assert keys.after_prefix(prefix) == first_beyond


@given(RAW, RAW)
def test_a_key_has_the_prefix_just_when_it_lies_between_it_and_the_first_key_beyond(prefix: bytes, key: bytes) -> None:
    beyond = keys.after_prefix(prefix)
    assert key.startswith(prefix) == (prefix <= key and (beyond is None or key < beyond))
