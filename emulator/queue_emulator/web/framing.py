"""Which requests HTTP/1.1 cannot tell the end of, or the owner of: a table of what is refused before it is parsed.

RFC 9112 (https://www.rfc-editor.org/rfc/rfc9112). h11, which parses afterwards, obeys one of two headers that
contradict each other; a server behind this one may obey the other.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

CONTENT_LENGTH_MAX = 2**63 - 1  # beyond it the Worker's runtime cannot count
_DIGITS_MAX = 20
HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::[0-9]{0,5})?")
_OTHER_VERSION = re.compile(rb"HTTP/[02-9]\.[0-9]")
_HTTP2_PREFACE = b"PRI * HTTP/2.0"
_OF_AN_UPGRADE = (b"connection", b"upgrade")
_OF_A_HANDSHAKE = b"sec-websocket-"


@dataclass(slots=True)
class Head:
    """What of a request's head says where it ends and whom it is for; the members of lists as they were sent.

    `version` is what ends the first line. `folded` and `torn`: a line goes on in the next one, or has a carriage
    return that does not end it. `mixed`: some lines end with a carriage return before the line feed, others do not.
    """

    first_line: bytes
    version: bytes
    folded: bool
    torn: bool
    mixed: bool
    lengths: list[bytes] = field(default_factory=list)
    codings: list[bytes] = field(default_factory=list)
    hosts: list[bytes] = field(default_factory=list)
    upgrades: list[bytes] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Rule:
    """`broken` finds what the rule forbids; the answer is `status`, with `why` in it."""

    status: int
    why: str
    broken: Callable[[Head], object]


def read_head(content: bytes) -> Head:
    """The head of a request, with its empty line."""
    first, *lines = content.split(b"\n")
    first = first.removesuffix(b"\r")
    folded = b"\n " in content or b"\n\t" in content
    ends = content.count(b"\r\n")
    torn, mixed = content.count(b"\r") != ends, 0 < ends < content.count(b"\n")
    head = Head(first, first.rpartition(b" ")[2], folded, torn, mixed)
    for line in lines:
        name, _, value = line.partition(b":")
        name = name.lower()
        if name == b"host":
            head.hosts.append(value.strip())
        elif name == b"content-length":
            head.lengths += _members(value)
        elif name == b"transfer-encoding":
            head.codings += _members(value)
        elif name in _OF_AN_UPGRADE or name.startswith(_OF_A_HANDSHAKE):
            head.upgrades.append(value)
    return head


def broken_rule(head: Head) -> Rule | None:
    """The first rule that a request breaks."""
    for rule in RULES:
        if rule.broken(head):
            return rule
    return None


def _members(value: bytes) -> list[bytes]:
    return [each.strip().lower() for each in value.split(b",")]


def _other_version(head: Head) -> bool:
    return head.first_line != _HTTP2_PREFACE and _OTHER_VERSION.fullmatch(head.version) is not None


def _chunked_not_last(head: Head) -> bool:
    return bool(head.codings) and (head.codings[-1] != b"chunked" or head.codings.count(b"chunked") > 1)


def _no_length(head: Head) -> bool:
    return len(set(head.lengths)) > 1 or not all(each.isdigit() for each in head.lengths)


def _too_long(head: Head) -> bool:
    return any(len(each) > _DIGITS_MAX or int(each) > CONTENT_LENGTH_MAX for each in head.lengths)


RULES = (
    Rule(400, "a header continues in the next line (obs-fold, RFC 9112 5.2)", lambda head: head.folded),
    Rule(400, "a carriage return does not end its line (RFC 9112 2.2)", lambda head: head.torn),
    Rule(400, "some lines end with a line feed alone, others do not (RFC 9112 2.2)", lambda head: head.mixed),
    Rule(505, "this server supports HTTP/1.0, HTTP/1.1 and HTTP/2", _other_version),
    Rule(
        400,
        "Content-Length and Transfer-Encoding in one request: send one of them (RFC 9112 6.3)",
        lambda head: head.lengths and head.codings,
    ),
    Rule(
        400,
        "Transfer-Encoding in a request of HTTP/1.0, which has none (RFC 9112 6.1)",
        lambda head: head.codings and head.version == b"HTTP/1.0",
    ),
    Rule(400, "Transfer-Encoding must end with chunked and name it once (RFC 9112 6.3)", _chunked_not_last),
    Rule(
        501,
        "Transfer-Encoding must be chunked, without other codings (RFC 9112 6.1)",
        lambda head: len(head.codings) > 1,
    ),
    Rule(400, "Content-Length must be one whole number (RFC 9112 6.3)", _no_length),
    Rule(400, f"Content-Length must be at most {CONTENT_LENGTH_MAX}", _too_long),
    Rule(
        400,
        "Host must be a name or an address, with or without a port (RFC 9112 3.2)",
        lambda head: not all(map(HOST.fullmatch, head.hosts)),
    ),
    Rule(
        400,
        "Connection, Upgrade and Sec-WebSocket-* must be ASCII (RFC 9110 5.6.2)",
        lambda head: not all(map(bytes.isascii, head.upgrades)),
    ),
)
