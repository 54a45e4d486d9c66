"""Words the SyntaxError a Worker sees when a stored value is read as JSON and is not JSON, as V8 words it."""

import re

# V8 names the place, not the character, for these; each is followed by the position, line and column.
_BAD_CONTROL = "Bad control character in string literal in JSON"
_BAD_ESCAPE = "Bad escaped character in JSON"
_BAD_UNICODE = "Bad Unicode escape in JSON"
_UNTERMINATED_STRING = "Unterminated string in JSON"
_UNTERMINATED_FRACTION = "Unterminated fractional number in JSON"
_NO_EXPONENT = "Exponent part is missing a number in JSON"
_NO_NUMBER = "No number after minus sign in JSON"
_NAME_OR_BRACE = "Expected property name or '}' in JSON"
_NAME = "Expected double-quoted property name in JSON"
_COLON = "Expected ':' after property name in JSON"
_COMMA_OR_BRACE = "Expected ',' or '}' after property value in JSON"
_COMMA_OR_BRACKET = "Expected ',' or ']' after array element in JSON"
_AFTER_JSON = "Unexpected non-whitespace character after JSON"
# For everything else the wording depends on the character found, so the scan only marks the spot.
_TOKEN = "unexpected token"  # noqa: S105 - a token of JSON

# What JavaScript makes of a value that was never serialised: V8 quotes it whole and blames no letter of it.
_STRINGIFIED = frozenset({"undefined", "NaN", "Infinity", "[object Object]"})
_CONTEXT = 10

_LITERALS = {"t": "true", "f": "false", "n": "null"}
_SPACE = re.compile(r"[ \t\n\r]*+")
_DIGITS = re.compile(r"[0-9]*+")
_HEX_DIGITS = re.compile(r"[0-9A-Fa-f]{0,4}+")
# Possessive throughout: a refused document must not be scanned twice, whatever its length.
_STRING_BODY = re.compile(r'(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*+')
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")


class _Fault(Exception):
    """The first place where a document stops being JSON."""

    def __init__(self, position: int, problem: str) -> None:
        super().__init__(problem)
        self.position = position
        self.problem = problem


def syntax_error_message(text: str) -> str:
    """The message of V8's JSON.parse for a text that is not JSON.

    The empty string when V8 would accept the text: Python also gives up on depth and on very long integers.
    """
    source = _split_pairs(text)
    try:
        _check_document(source)
    except _Fault as fault:
        if fault.problem == _TOKEN:
            return _join_pairs(_unexpected(source, fault.position))
        return fault.problem + _place(source, fault.position)
    return ""


def _split_pairs(text: str) -> str:
    """One character for each UTF-16 code unit, which is what V8 counts in."""
    return _ASTRAL.sub(lambda match: _pair(ord(match[0])), text)


def _pair(code: int) -> str:
    return chr(0xD7C0 + (code >> 10)) + chr(0xDC00 + (code & 0x3FF))


def _join_pairs(units: str) -> str:
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _place(source: str, position: int) -> str:
    breaks = sum(source.count(mark, 0, position) for mark in "\r\n") - source.count("\r\n", 0, position)
    last_break = max(source.rfind("\n", 0, position), source.rfind("\r", 0, position))
    return f" at position {position} (line {breaks + 1} column {position - last_break})"


def _unexpected(source: str, position: int) -> str:
    found = source[position : position + 1]
    if not found:
        return "Unexpected end of JSON input"
    if found == '"':
        return "Unexpected string in JSON" + _place(source, position)
    if found in "-0123456789":
        return "Unexpected number in JSON" + _place(source, position)
    if source in _STRINGIFIED:
        return f'"{source}" is not valid JSON'
    if len(source) <= 2 * _CONTEXT:
        return f"Unexpected token '{found}', \"{source}\" is not valid JSON"
    start, end = max(0, position - _CONTEXT), position + _CONTEXT
    # V8 marks a cut by the distance to the edge, so at exactly ten units nothing is missing before the "...".
    before = "..." if position >= _CONTEXT else ""
    after = "..." if end < len(source) else ""
    return f"Unexpected token '{found}', {before}\"{source[start:end]}\"{after} is not valid JSON"


def _check_document(source: str) -> None:
    """Raise the fault V8 meets first. The open brackets are a list, so depth costs memory and not stack."""
    opened: list[str] = []
    position = 0
    while True:
        position = _past(_SPACE, source, position)
        first = source[position : position + 1]
        if first in ("[", "{"):
            position = _past(_SPACE, source, position + 1)
            if source[position : position + 1] != ("]" if first == "[" else "}"):
                opened.append(first)
                if first == "{":
                    position = _check_name(source, position, _NAME_OR_BRACE)
                continue
            position += 1
        else:
            position = _check_scalar(source, position, first)
        position = _close(source, position, opened)
        if not opened:
            if position < len(source):
                raise _Fault(position, _AFTER_JSON)
            return
        if opened[-1] == "{":
            position = _check_name(source, _past(_SPACE, source, position), _NAME)


def _close(source: str, position: int, opened: list[str]) -> int:
    """Leave every bracket that ends after a value; stop past a comma, or past the document's only value."""
    while True:
        position = _past(_SPACE, source, position)
        if not opened:
            return position
        found = source[position : position + 1]
        if found == ",":
            return position + 1
        in_array = opened[-1] == "["
        if found != ("]" if in_array else "}"):
            raise _Fault(position, _COMMA_OR_BRACKET if in_array else _COMMA_OR_BRACE)
        opened.pop()
        position += 1


def _check_name(source: str, position: int, otherwise: str) -> int:
    if source[position : position + 1] != '"':
        raise _Fault(position, otherwise)
    position = _past(_SPACE, source, _check_string(source, position))
    if source[position : position + 1] != ":":
        raise _Fault(position, _COLON)
    return position + 1


def _check_scalar(source: str, position: int, first: str) -> int:
    if first == '"':
        return _check_string(source, position)
    if first in _LITERALS:
        return _check_literal(source, position, _LITERALS[first])
    if first and first in "-0123456789":
        return _check_number(source, position)
    raise _Fault(position, _TOKEN)


def _check_string(source: str, position: int) -> int:
    position = _past(_STRING_BODY, source, position + 1)
    stopped_at = source[position : position + 1]
    if stopped_at == '"':
        return position + 1
    if not stopped_at:
        raise _Fault(position, _UNTERMINATED_STRING)
    if stopped_at != "\\":
        raise _Fault(position, _BAD_CONTROL)
    escaped = source[position + 1 : position + 2]
    # V8 looks an escape up in a Latin-1 table; beyond it there is no entry to call a bad escape.
    if not escaped or escaped > "\xff":
        raise _Fault(position + 1, _TOKEN)
    if escaped != "u":
        raise _Fault(position + 1, _BAD_ESCAPE)
    raise _Fault(_past(_HEX_DIGITS, source, position + 2), _BAD_UNICODE)


def _check_literal(source: str, position: int, literal: str) -> int:
    for offset, letter in enumerate(literal):
        if source[position + offset : position + offset + 1] != letter:
            raise _Fault(position + offset, _TOKEN)
    return position + len(literal)


def _check_number(source: str, position: int) -> int:
    first_digit = position + (source[position] == "-")
    position = _digits(source, first_digit, _NO_NUMBER, leading=True)
    if source[position : position + 1] == ".":
        position = _digits(source, position + 1, _UNTERMINATED_FRACTION)
    if source[position : position + 1] in ("e", "E"):
        position += 1
        if source[position : position + 1] in ("+", "-"):
            position += 1
        position = _digits(source, position, _NO_EXPONENT)
    return position


def _digits(source: str, position: int, otherwise: str, *, leading: bool = False) -> int:
    end = _past(_DIGITS, source, position)
    if end == position:
        raise _Fault(position, otherwise)
    if leading and source[position] == "0" and end > position + 1:
        raise _Fault(position + 1, _TOKEN)
    return end


def _past(pattern: re.Pattern[str], source: str, position: int) -> int:
    match = pattern.match(source, position)
    return match.end() if match else position
