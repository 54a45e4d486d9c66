"""A token is found in every encoding in which a server may repeat it."""

import base64
import html
import json
from collections import Counter
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from queue_emulator.core.masking import MASKED, without_token

Encoding = Callable[[str], str]


def each(form: str) -> Encoding:
    return lambda text: "".join(form % ord(character) for character in text)


ENCODINGS: dict[str, Encoding] = {
    "as it is": str,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON, each character": each("\\u%04x"),
    "JSON, each character in capitals": each("\\u%04X"),
    "JavaScript": each("\\u{%x}"),
    "Python": lambda text: repr(text)[1:-1],
    "HTML": html.escape,
    "HTML, decimal with zeros": each("&#%07d;"),
    "HTML, hexadecimal": each("&#x%x;"),
    "XML": lambda text: html.escape(text).replace("&#x27;", "&apos;"),
    "percent": lambda text: quote(text, safe=""),
    "percent in small letters": each("%%%02x"),
    "percent twice": lambda text: quote(quote(text, safe=""), safe=""),
    "JSON in HTML": lambda text: html.escape(json.dumps(text)[1:-1]),
    "HTML in JSON": lambda text: json.dumps(html.escape(text))[1:-1],
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1],
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 of a header": lambda text: base64.b64encode(f"Bearer {text}!".encode()).decode(),
    "base64 of a pair": lambda text: base64.urlsafe_b64encode(f"u:{text}".encode()).decode(),
    "hexadecimal": lambda text: text.encode().hex(),
    "hexadecimal in capitals": lambda text: text.encode().hex().upper(),
}
TOKEN = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=40)
AROUND = st.text(st.sampled_from('"\\\\&%;0aZ _-='), max_size=6)


def test_no_encoding_hides_a_token_whatever_stands_around_it() -> None:
    tried: Counter[str] = Counter()

    @settings(max_examples=40, deadline=None)
    @given(token=TOKEN, kind=st.sampled_from(sorted(ENCODINGS)), before=AROUND, after=AROUND)
    def masked(token: str, kind: str, before: str, after: str) -> None:
        tried[kind] += 1
        assert MASKED in without_token(before + ENCODINGS[kind](token) + after, token), f"{token!r} as {kind}"

    for kind in ENCODINGS:  # each of them for certain, beside what is drawn
        masked = example(token="t0k'e<n&\"_\\x/y+z%41", kind=kind, before="Bearer%20", after="0")(masked)
    masked()
    assert set(tried) == set(ENCODINGS)
    assert tried.total() > 40


def test_a_token_as_short_as_a_word_is_masked_where_it_stands_alone() -> None:
    assert without_token("key: the key 'key' of a monkey", "key") == "…: the … '…' of a monkey"


def test_without_a_token_a_text_stays_as_it_is() -> None:
    assert [without_token("as it is", token) for token in (None, "", "another")] == ["as it is"] * 3


@pytest.mark.parametrize("part", ["\\", "%25", "&amp;", "&#0", "\\u0061", "a", "YWFh"])
def test_a_text_of_what_may_begin_a_token_is_looked_through(part: str) -> None:
    assert without_token(part * 20_000, "a" * 30 + "~") == part * 20_000
