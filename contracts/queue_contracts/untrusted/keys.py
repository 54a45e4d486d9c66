"""Keys in a text: found in every encoding that answers and reports use, and masked.

A key is read character by character, each as it is or escaped: as in JSON, JavaScript and Python (`\\"`, `\\x22`,
`\\u0022`), HTML and XML (`&quot;`, `&#34;`, `&#x22;`), a URL (`%22`) or a shell (`'\\''`); an escape's own characters
may be escaped again, as those of JSON in HTML are. In base64 the characters that the key alone decides are looked for;
a key may also go on in the next line, as long base64 does, or have zeros in it, as UTF-16 has that is read as UTF-8.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from html.entities import html5
from typing import TypeAlias

from queue_contracts.untrusted.bounded import Unreadable
from queue_contracts.untrusted.key_as_bytes import CHANGED_LENGTH_MIN, in_base64, in_hexadecimal

ANOTHER = "[another key]"
PART_LENGTH_MIN = 12  # of a shorter key a part could be any word
LAYERS_MAX = 4
ESCAPES_MAX, READINGS_MAX = 500_000, 200_000
SPELLING_LENGTH_MAX = 40  # of an escape that is remembered: longer ones hardly come twice
# Up to which length, and how many texts: most headers come in every exchange, and a body is asked about twice.
REMEMBERED = ((1000, 1000), (1_000_000, 4))

_OPENERS = "\\&%'"
_OPENER = re.compile(r"[\\&%']")
_IN_A_SHELL = ("\\''", "\"'\"'")  # what follows a quote that stands between quotes, in two ways of quoting
# Ends of lines, with what stands after one in a traceback of pytest; in quoted-printable `=` stands before one.
_ENDS = r"[\r\n]+(?:[E>](?= ))?[ \t]*|\\+[rn]|&#(?:0*1[03]|[xX]0*[aAdD]);|%0[aAdD]"
_BETWEEN, _BETWEEN_OF_MAIL = re.compile(rf"\0|{_ENDS}"), re.compile(rf"\0|=\r?\n|{_ENDS}")
_SHORT = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "0": "\0"}
_ENTITY_LENGTH_MAX = max(map(len, html5))
UNICODE_MAX = 0x10FFFF
_HEX, _DECIMAL = frozenset("0123456789abcdefABCDEF"), frozenset("0123456789")

Read: TypeAlias = tuple[str, int]  # what was read, and where the next begins


@dataclass(frozen=True)
class Keys:
    """Keys, each with what stands in its place once it is masked."""

    names: Mapping[str, str]

    def and_those_of(self, names: Mapping[str, str]) -> "Keys":
        return Keys({**self.names, **names})

    def mask(self, text: str) -> str:
        """The text without a key in any encoding; nor with what the checks of wrong keys make of one."""
        for length_max, remembered in self._remembered:
            if len(text) <= length_max:
                return remembered(text)
        return self._mask(text)

    def _mask(self, text: str) -> str:
        found = list(self._found(text, self._all))
        for joined in _joined(text):
            if _length(self._found(joined, self._all.long)) > _length(found):
                text, found = joined, list(self._found(joined, self._all))
        parts, end = [], 0
        for start, stop, name in found:
            parts += [text[end:start], name]
            end = stop
        return "".join((*parts, text[end:]))

    def shown_in(self, text: str) -> bool:
        """Whether a key itself is in the text, in any encoding."""
        with suppress(Unreadable):
            if self.mask(text) == text:  # often known already, and it looks for more
                return False
        if next(self._found(text, self._themselves), None) is not None:
            return True
        return any(next(self._found(each, self._themselves.long), None) is not None for each in _joined(text))

    def _found(self, text: str, patterns: "_Patterns") -> Iterator[tuple[int, int, str]]:
        """Where each begins and ends, from left to right, none inside another."""
        if not patterns.names:
            return
        escapes = [match.start() for match in _OPENER.finditer(text)]
        if len(escapes) > ESCAPES_MAX:
            raise Unreadable(
                f"it has {len(escapes)} escapes; queue-contracts looks for API keys in at most {ESCAPES_MAX}"
            )
        raw = [(match.start(), match.end(), patterns.names[match[0]]) for match in patterns.as_they_are.finditer(text)]
        end = 0
        for found in sorted((*raw, *_escaped(text, escapes, patterns)), key=lambda each: (each[0], -each[1])):
            if found[0] >= end:
                end = found[1]
                yield found

    @cached_property
    def _remembered(self) -> tuple[tuple[int, Callable[[str], str]], ...]:
        """The same for texts up to a length: of the last ones it is known what became of them."""
        return tuple((length_max, lru_cache(texts)(self._mask)) for length_max, texts in REMEMBERED)

    @cached_property
    def _themselves(self) -> "_Patterns":
        return _Patterns.of(
            {
                form: name
                for key, name in self.names.items()
                if key
                for form in (key, *_without_ends_of_lines(key), *in_base64(key), *in_hexadecimal(key))
            }
        )

    @cached_property
    def _all(self) -> "_Patterns":
        long = {key: name for key, name in self.names.items() if len(key) >= CHANGED_LENGTH_MIN}
        changed = {form: ANOTHER for key in long for form in (key[:-1], key.swapcase(), key.lower())}
        cut = {part: ANOTHER for key in long for part in _parts(key)}
        return _Patterns.of({**cut, **changed, **self._themselves.names})


def _joined(text: str) -> Iterator[str]:
    """The text with its lines put together."""
    yield from dict.fromkeys(each for ends in (_BETWEEN, _BETWEEN_OF_MAIL) if (each := ends.sub("", text)) != text)


def _length(found: Iterable[tuple[int, int, str]]) -> int:
    return sum(stop - start for start, stop, _ in found)


@dataclass(frozen=True)
class _Patterns:
    """`by_first` are the texts that are looked for, by the character they begin with, longest first."""

    names: Mapping[str, str]
    by_first: Mapping[str, tuple[str, ...]]
    as_they_are: re.Pattern[str]
    length_max: int

    @classmethod
    def of(cls, names: Mapping[str, str]) -> "_Patterns":
        ordered = sorted(names, key=len, reverse=True)
        firsts = {each[0]: tuple(form for form in ordered if form[0] == each[0]) for each in ordered}
        return cls(names, firsts, re.compile("|".join(map(re.escape, ordered))), max(map(len, ordered), default=0))

    def begun_in(self, plain: str) -> Iterator[tuple[int, list[str]]]:
        """What may begin in plain characters and go on after them, and where; nearly always that is nothing."""
        for at, first in enumerate(plain):
            rest = plain[at:]
            forms = [form for form in self.by_first.get(first, ()) if rest.startswith(form[: len(rest)])]
            if forms:
                yield at, forms

    @cached_property
    def long(self) -> "_Patterns":
        """Those that nothing else is taken for where two lines are put together."""
        return _Patterns.of({form: name for form, name in self.names.items() if len(form) >= CHANGED_LENGTH_MIN})


def _without_ends_of_lines(key: str) -> Iterator[str]:
    """What is left of a key that spells one, such as `\\r`, where a text is put together from its lines."""
    left = _BETWEEN.sub("", key)
    if left != key and len(left) >= CHANGED_LENGTH_MIN:
        yield left


def _parts(key: str) -> Iterator[str]:
    """What is left of a key where somebody shortened a text in the middle of it."""
    for length in range(max(PART_LENGTH_MIN, -(-len(key) * 3 // 4)), len(key)):
        yield key[:length]
        yield key[-length:]


def _escaped(text: str, escapes: list[int], patterns: _Patterns) -> Iterator[tuple[int, int, str]]:
    """What is there with an escape in it: it begins at the first one, or so many plain characters before."""
    reading, tried = _Reading(text), 0
    begun: dict[str, list[tuple[int, list[str]]]] = {}
    beginning_none: set[str | None] = set()
    for escape in escapes:
        first = max(tried, escape - patterns.length_max)
        plain = text[first:escape]
        if plain not in begun:
            begun[plain] = [*patterns.begun_in(plain)]
        places = [(first + at, candidates) for at, candidates in begun[plain]]
        if (spelling := reading.spelling(escape)) not in beginning_none:
            candidates = [form for read, _ in reading.at(escape) for form in patterns.by_first.get(read, ())]
            places.append((escape, candidates))
            if not candidates and spelling is not None:
                beginning_none.add(spelling)
        for start, candidates in places:
            # Of what ends at the same place the key itself is named, and not the part of it that it may be read as.
            ends = [(reading.end_of(form, start), patterns.names[form] != ANOTHER, form) for form in candidates]
            stop, _, form = max(ends, default=(0, False, ""))
            if stop:
                yield start, stop, patterns.names[form]
        tried = escape + 1


class _Reading:
    """One text, of which each place can be read in several ways: a character, and where the next one begins."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._known: dict[tuple[int, int], frozenset[Read]] = {}
        self._readings = 0
        self._met: set[int] = set()
        self._alone: set[int] = set()
        # How escapes that stand alone are read, by what they look like: a long text is made of a few of them.
        self._spellings: dict[str, frozenset[Read]] = {}
        self._lengths: dict[str, set[int]] = {opener: set() for opener in _OPENERS}
        self._looked_at = 0  # the last place that was

    def end_of(self, form: str, start: int) -> int:
        """Where `form` ends if it begins at `start`; 0 if it does not."""
        places = {start}
        for wanted in form:
            places = {end for place in places for read, end in self.at(place) if read == wanted}
            if not places:
                return 0
        return max(places)

    def spelling(self, place: int) -> str | None:
        """The escape that begins here, if one was read that looks like it."""
        for length in self._lengths[self._text[place]]:
            if (spelling := self._text[place : place + length]) in self._spellings:
                return spelling
        return None

    def at(self, place: int, layers: int = LAYERS_MAX) -> frozenset[Read]:
        """Every character that begins here, with as many layers of escapes around it."""
        self._looked_at = max(self._looked_at, place)
        if place >= len(self._text):
            return frozenset()
        plain = self._text[place]
        if plain not in _OPENERS:
            return frozenset([(plain, place + 1)])
        self._met.add(place)
        if layers == 0:
            return frozenset([(plain, place + 1)])
        if layers > 1 and place in self._alone:
            layers = 1
        known = self._known.get((place, layers)) or self._as_elsewhere(place)
        if known is None:
            fewer = self.at(place, layers - 1)
            # An escape that has no other one inside, and is none of another, is the same with any number of layers.
            known = fewer if layers > 1 and place in self._alone else self._with_a_layer_more(place, layers, fewer)
            self._known[place, layers] = known
        return known

    def _with_a_layer_more(self, place: int, layers: int, fewer: frozenset[Read]) -> frozenset[Read]:
        around, self._met = self._met, set()
        looked_at, self._looked_at = self._looked_at, place
        found = frozenset(self._read(place, layers - 1))
        if self._met <= {place} and not any(read in _OPENERS for read, end in found if end > place + 1):
            self._alone.add(place)
            self._remember(place, found)
        around |= self._met  # the few into the many: the other way takes a time that grows with the square of the text
        self._met, self._looked_at = around, max(looked_at, self._looked_at)
        self._count(len(found) - len(fewer))
        return found

    def _remember(self, place: int, found: frozenset[Read]) -> None:
        length = self._looked_at + 1 - place
        if length <= SPELLING_LENGTH_MAX and self._looked_at < len(self._text):
            self._spellings[self._text[place : place + length]] = frozenset((read, end - place) for read, end in found)
            self._lengths[self._text[place]].add(length)

    def _as_elsewhere(self, place: int) -> frozenset[Read] | None:
        """The same for an escape that looks like one that was read, as far as it was looked at."""
        spelling = self.spelling(place)
        if spelling is None:
            return None
        self._looked_at = max(self._looked_at, place + len(spelling) - 1)
        self._alone.add(place)
        known = frozenset((read, place + end) for read, end in self._spellings[spelling])
        self._known[place, 1] = known
        self._count(len(known) - 1)
        return known

    def _count(self, more: int) -> None:
        self._readings += more
        if self._readings > READINGS_MAX:
            raise Unreadable(f"it can be decoded in more than {READINGS_MAX} ways, and each could contain an API key")

    def _read(self, place: int, inner: int) -> Iterator[Read]:
        for opener, end in self.at(place, inner):
            yield opener, end
            if opener == "\\":
                yield from self._backslash(end, inner)
            elif opener == "&":
                yield from self._entity(end, inner)
            elif opener == "%":
                yield from self._byte_by_byte(end, "%", inner)
            elif opener == "'":
                for rest in _IN_A_SHELL:
                    yield from (("'", stop) for _, stop in self._spelled(end, [*map(frozenset, rest)], inner))

    def _backslash(self, place: int, inner: int) -> Iterator[Read]:
        for kind, end in self.at(place, inner):
            if not kind.isalnum():
                yield kind, end
            elif kind in _SHORT:
                yield _SHORT[kind], end
            if kind == "x":
                yield from self._byte_by_byte(end, "\\x", inner)
            elif kind in "uU":
                yield from self._with_its_other_half(end, 4 if kind == "u" else 8, inner)
            if kind == "u":
                yield from self._in_braces(end, inner)

    def _in_braces(self, place: int, inner: int) -> Iterator[Read]:
        """What JavaScript writes as `\\u{1f511}`: https://tc39.es/ecma262/#prod-CodePoint (2026-11-30)."""
        for brace, end in self.at(place, inner):
            if brace == "{":
                for read, stop in self._number(end, _HEX, 16, inner):
                    yield from ((read, after) for mark, after in self.at(stop, inner) if mark == "}")

    def _entity(self, place: int, inner: int) -> Iterator[Read]:
        names = {(first, end) for first, end in self.at(place, inner) if first.isalpha()}
        while names:
            for name, end in names:
                if name in html5 and len(html5[name]) == 1:
                    yield html5[name], end
            names = {
                (name + letter, end)
                for name, at in names
                for letter, end in self.at(at, inner)
                if not name.endswith(";") and len(name) < _ENTITY_LENGTH_MAX and (letter.isalnum() or letter == ";")
            }
        for first, end in self.at(place, inner):
            if first == "#":
                yield from self._number(end, _DECIMAL, 10, inner)
                for kind, after in self.at(end, inner):
                    if kind in "xX":
                        yield from self._number(after, _HEX, 16, inner)

    def _number(self, place: int, digits: frozenset[str], base: int, inner: int) -> Iterator[Read]:
        """An entity's number, to its last digit; leading zeros mean nothing, and the semicolon may be missing."""
        numbers = {("", place)}
        while numbers:
            longer = set()
            for read, at in numbers:
                more = {(f"{read}{digit}"[-8:], end) for digit, end in self.at(at, inner) if digit in digits}
                longer |= more
                if read and not more and int(read, base) <= UNICODE_MAX:
                    yield chr(int(read, base)), at
                    yield from ((chr(int(read, base)), end) for mark, end in self.at(at, inner) if mark == ";")
            numbers = longer

    def _byte_by_byte(self, place: int, opening: str, inner: int) -> Iterator[Read]:
        """A character of UTF-8, of which each byte is an escape of its own; the first one is opened before `place`."""
        for first, end in self._spelled(place, (_HEX, _HEX), inner):
            lead = int(first, 16)
            yield chr(lead), end
            several = (*(frozenset(each) for each in opening), _HEX, _HEX) * _bytes_after(lead)
            for rest, stop in self._spelled(end, several, inner) if several else ():
                content = bytes([lead, *(int(each[-2:], 16) for each in _in_parts(rest, len(opening) + 2))])
                if len(character := content.decode("utf-8", "ignore")) == 1:
                    yield character, stop

    def _with_its_other_half(self, place: int, count: int, inner: int) -> Iterator[Read]:
        """What a backslash with `u` means: one of the two halves of a character beyond 16 bits, or a character."""
        for read, end in self._spelled(place, (_HEX,) * count, inner):
            number = int(read, 16)
            if number <= UNICODE_MAX:
                yield chr(number), end
            if 0xD800 <= number < 0xDC00:
                for half, stop in self._spelled(end, (frozenset("\\"), frozenset("u"), *(_HEX,) * 4), inner):
                    low = int(half[2:], 16) - 0xDC00
                    if 0 <= low < 0x400:
                        yield chr(0x10000 + ((number - 0xD800) << 10) + low), stop

    def _spelled(self, place: int, allowed: Sequence[frozenset[str]], inner: int) -> set[Read]:
        """Texts that begin here, with one character of each of these sets, and where each of them ends."""
        found = {("", place)}
        for each in allowed:
            found = {(read + more, end) for read, at in found for more, end in self.at(at, inner) if more in each}
        return found


def _in_parts(text: str, length: int) -> list[str]:
    return [text[at : at + length] for at in range(0, len(text), length)]


def _bytes_after(first: int) -> int:
    """How many bytes of UTF-8 follow this one."""
    return 0 if first < 0xC2 else 1 if first < 0xE0 else 2 if first < 0xF0 else 3 if first < 0xF5 else 0
