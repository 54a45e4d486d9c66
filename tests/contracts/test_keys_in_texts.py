"""Keys are found and masked in whatever encoding an answer, a report or a traceback has them."""

import base64
import html
import json
import random
from collections import Counter
from collections.abc import Callable
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from queue_contracts.untrusted.bounded import Unreadable
from queue_contracts.untrusted.environment import mask_environment
from queue_contracts.untrusted.keys import Keys

NAME = "$CONTRACT_QUEUE_KEY"
Encoding = Callable[[str], str]


def in_units(text: str, form: str) -> str:
    """Each UTF-16 unit escaped, as JavaScript and JSON count."""
    content = text.encode("utf-16-be", "surrogatepass")
    return "".join(form % int.from_bytes(content[at : at + 2]) for at in range(0, len(content), 2))


def in_bytes(text: str, form: str) -> str:
    return "".join(form % byte for byte in text.encode())


def at_random(text: str) -> str:
    """Each character in another way than the one before."""
    chance = random.Random(text)
    ways: list[Encoding] = [
        str,
        lambda c: f"&#{ord(c)};",
        lambda c: f"&#x{ord(c):x};",
        lambda c: in_units(c, "\\u%04x"),
    ]
    return "".join(chance.choice(ways)(character) for character in text)


ENCODINGS: dict[str, Encoding] = {
    "as it is": str,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON beyond ASCII": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "JSON for a script": lambda text: json.dumps(text)[1:-1].replace("<", "\\u003C").replace("&", "\\u0026"),
    "JSON with escaped slashes": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "JSON, each character": lambda text: in_units(text, "\\u%04x"),
    "JSON, each character in capitals": lambda text: in_units(text, "\\u%04X"),
    "JavaScript with braces": lambda text: "".join(f"\\u{{{ord(character):x}}}" for character in text),
    "JavaScript with braces and zeros": lambda text: "".join(f"\\u{{{ord(character):06X}}}" for character in text),
    "HTML": html.escape,
    "HTML, decimal": lambda text: "".join(f"&#{ord(character)};" for character in text),
    "HTML, decimal with zeros": lambda text: "".join(f"&#{ord(character):07};" for character in text),
    "HTML, hexadecimal": lambda text: "".join(f"&#x{ord(character):x};" for character in text),
    "HTML, hexadecimal in capitals": lambda text: "".join(f"&#X{ord(character):X};" for character in text),
    "HTML, some by name": lambda text: html.escape(text).replace("/", "&sol;").replace(":", "&colon;"),
    "HTML that leaves ampersands": lambda text: text.replace("<", "&lt;").replace('"', "&quot;"),
    "XML": escape,
    "an attribute of XML": lambda text: quoteattr(text)[1:-1],
    "percent": lambda text: quote(text, safe=""),
    "percent in small letters": lambda text: in_bytes(text, "%%%02x"),
    "percent in capitals": lambda text: in_bytes(text, "%%%02X"),
    "Python": lambda text: repr(text)[1:-1],
    "Python, bytes": lambda text: repr(text.encode())[2:-1],
    "a shell": lambda text: text.replace("'", "'\\''"),
    "another shell": lambda text: text.replace("'", "'\"'\"'"),
    "everything at random": at_random,
}
BASE64: dict[str, Callable[[bytes], bytes]] = {"standard": base64.b64encode, "URL-safe": base64.urlsafe_b64encode}
HOSTILE = st.text(
    st.sampled_from("\"\\&<>'/%+=#;x0aZu{}é漢🚀 \u2028") | st.characters(codec="utf-8"), min_size=1, max_size=40
)
PLAIN = st.text(st.sampled_from('"\\&<>%;: ,xyz'), max_size=12)
LAYERS = st.lists(st.sampled_from(sorted(ENCODINGS)), max_size=3)


def through(layers: list[str], text: str) -> str:
    for layer in layers:
        text = ENCODINGS[layer](text)
    return text


def test_no_byte_of_a_key_is_left_however_it_is_encoded() -> None:
    tried: Counter[str] = Counter()

    @settings(max_examples=100, deadline=None)
    @given(key=HOSTILE, layers=LAYERS)
    def hold(key: str, layers: list[str]) -> None:
        tried.update(layers)
        assert Keys({key: NAME}).mask(through(layers, key)) == NAME, f"{key!r} through {layers}"
        assert Keys({key: NAME}).shown_in(through(layers, key))

    # Read as an escape, the first two characters are one, and what is left is a part of the key.
    hold = example(key="\\]00000000000", layers=["HTML, decimal"])(hold)
    for encoding in ENCODINGS:  # each of them for certain, beside what is drawn
        hold = example(key="a key", layers=[encoding])(hold)
    hold()
    assert set(tried) == set(ENCODINGS)
    assert tried.total() > 100 + len(ENCODINGS)


@settings(max_examples=100, deadline=None)
@given(key=HOSTILE, layers=LAYERS, before=PLAIN, after=PLAIN)
def test_whatever_stands_around_a_key_does_not_hide_it(key: str, layers: list[str], before: str, after: str) -> None:
    text = before + through(layers, key) + after
    assert Keys({key: NAME}).shown_in(text), f"{key!r} through {layers}"
    assert NAME in Keys({key: NAME}).mask(text)


@settings(max_examples=100, deadline=None)
@given(
    key=st.text(st.characters(codec="utf-8"), min_size=8, max_size=40), before=st.binary(max_size=4),
    after=st.binary(max_size=4), kind=st.sampled_from(sorted(BASE64)),
    inner=st.sampled_from(["as it is", "JSON", "JSON beyond ASCII", "HTML", "percent"]),
    outer=st.sampled_from(["as it is", "JSON with escaped slashes", "HTML", "percent", "percent in small letters"]),
)  # fmt: skip
def test_a_key_in_base64_is_found_at_every_place_and_in_both_alphabets(
    key: str, before: bytes, after: bytes, kind: str, inner: str, outer: str
) -> None:
    encoded = BASE64[kind](before + ENCODINGS[inner](key).encode() + after).decode()
    keys = Keys({key: NAME})
    masked = keys.mask(ENCODINGS[outer](encoded))
    assert NAME in masked
    assert keys.shown_in(ENCODINGS[outer](encoded))
    # What is left are the bytes around the key, and of its first and its last one a few bits.
    assert len(unquote(masked).replace(NAME, "")) <= 4 * 5


UNICODE = ("utf-16-le", "utf-16-be", "utf-16", "utf-32-le", "utf-32-be", "utf-32")
ASCII_KEY = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=40)


@settings(max_examples=100, deadline=None)
@given(key=ASCII_KEY, layers=LAYERS, unicode=st.sampled_from(UNICODE))
def test_a_key_is_found_in_a_text_of_another_unicode_that_is_read_as_utf_8(
    key: str, layers: list[str], unicode: str
) -> None:
    text = f'{{"error": "{through(layers, key)}"}}'.encode(unicode).decode("utf-8", "replace")
    assert Keys({key: NAME}).shown_in(text)
    assert NAME in Keys({key: NAME}).mask(text)
    assert key not in Keys({key: NAME}).mask(text).replace("\0", "")


LINE_ENDS = (
    "\n",
    "=\n",
    "=\r\n",
    "\n    ",
    "\n\t",
    "\nE   ",
    "\n>       ",
    "\r\n",
    "\r",
    "\\n",
    "\\r\\n",
    "\\\\n",
    "&#10;",
    "&#xA;",
    "%0A",
    "%0d%0a",
)


@settings(max_examples=100, deadline=None)
@given(
    key=st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="\\&%"), min_size=8, max_size=40),
    before=st.binary(max_size=60), end=st.sampled_from(LINE_ENDS), width=st.integers(4, 80),
)  # fmt: skip
def test_a_key_that_goes_on_in_the_next_line_is_found(key: str, before: bytes, end: str, width: int) -> None:
    encoded = base64.b64encode(before + key.encode()).decode()
    for whole in (encoded, f"({key})"):
        text = end.join(whole[at : at + width] for at in range(0, len(whole), width))
        assert Keys({key: NAME}).shown_in(text), text
        assert NAME in Keys({key: NAME}).mask(text)


@settings(max_examples=50, deadline=None)
@given(key=st.text(st.characters(codec="utf-8"), min_size=8, max_size=40), capitals=st.booleans(), around=st.binary())
def test_a_key_in_hexadecimal_is_found(key: str, capitals: bool, around: bytes) -> None:
    digits = (around + key.encode() + around).hex()
    text = digits.upper() if capitals else digits
    assert Keys({key: NAME}).shown_in(text)
    assert NAME in Keys({key: NAME}).mask(text)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("", ""),
        ("nothing of it", "nothing of it"),
        ('{"pending": ["a&b", "50%"]}', '{"pending": ["a&b", "50%"]}'),
        ("?k=Qa%2Bb%2Fc9d%3D%3DZ1-x", f"?k={NAME}-x"),
        ("Qa+b/c9d==Z", "[another key]"),
        ("Qa+b/c9d==Z2", "[another key]2"),
        ("qA+B/C9D==z1", "[another key]"),
        ("Qa+b/c9d==Z1Qa+b/c9d==Z1", NAME * 2),
        ("QA+B/C9D==Z1", "QA+B/C9D==Z1"),
    ],
)
def test_nothing_but_keys_and_what_checks_make_of_them_is_masked(text: str, masked: str) -> None:
    assert Keys({"Qa+b/c9d==Z1": NAME}).mask(text) == masked


def test_a_key_of_which_a_text_shows_only_the_beginning_or_the_end_is_masked() -> None:
    key = "Zq8#vX2'pL9\"mN4&tR7<wK1"
    keys = Keys({key: NAME})
    for shown in (key[:18], key[-18:], json.dumps(key[:18])[1:-1], html.escape(key[-18:])):
        assert keys.mask(f"{shown}...") == "[another key]..."
        assert not keys.shown_in(shown)


def test_a_key_as_the_name_of_a_header_is_masked_as_clients_write_it() -> None:
    assert Keys({"Qa+b/c9d==Z1": NAME}).mask("qa+b/c9d==z1: x") == "[another key]: x"


def test_a_key_that_spells_an_end_of_a_line_is_found_over_two_lines() -> None:
    for key in ("p0q\\r8s7t6u5v", "p0q%0A8s7t6u5v"):
        assert Keys({key: NAME}).mask(f"({key[:6]}\n{key[6:]})") == f"({NAME})"


def test_of_two_keys_one_inside_the_other_the_longer_is_named() -> None:
    keys = Keys({"abcdef": "$SHORT", 'xx"abcdef"yy': "$LONG", "": "$NONE"})
    assert keys.mask('"xx\\"abcdef\\"yy" abcdef') == '"$LONG" $SHORT'


@pytest.mark.parametrize(
    "shown", ["\\u0041bcdef-key", "\\u004&#49;bcdef-key", "\\\\u0041bcdef-key", "&#92;u0041bcdef-key"]
)
def test_an_escape_that_was_read_before_is_read_again_in_each_other_spelling(shown: str) -> None:
    keys = Keys({"Abcdef-key": NAME})
    before = "\\u0041 &#49; \\u0042\\u0041 "
    assert keys.mask(before * 3 + shown + before) == before * 3 + NAME + before


def test_a_key_is_found_in_a_text_of_many_megabytes() -> None:
    key = 'a"b\\c&d<e'
    text = '{"pending":["abc","def"],"count":2}' * 300_000 + json.dumps(key) + "x" * 1_000_000
    assert Keys({key: NAME}).mask(text).count(NAME) == 1


@pytest.mark.parametrize("part", ["\\", "&#x26;", "%25", "&amp;", "'"])
def test_a_text_of_nothing_but_escapes_is_looked_through_or_refused(part: str) -> None:
    with pytest.raises(Unreadable, match=r"it has \d+ escapes|can be decoded in more than"):
        Keys({"a\"b\\c&d<e%'": NAME}).mask(part * 600_000)


def test_a_traceback_is_masked_by_the_keys_of_the_environment() -> None:
    environment = {"CONTRACT_QUEUE_KEY": 'pa"ss\\word', "CONTRACT_ADMIN_KEY_B": "second-one", "PATH": "/bin"}
    said = mask_environment("KeyError: 'pa\"ss\\\\word' and second-one in /bin", environment)
    assert said == "KeyError: '$CONTRACT_QUEUE_KEY' and $CONTRACT_ADMIN_KEY_B in /bin"
