"""How large a scenario of somebody's own may be: so that it is explored, and a schedule of it can be read again."""

import re
from collections.abc import Mapping, Sequence

from queue_emulator.core.errors import SettingsError
from queue_emulator.explore.history import Actor

ACTORS_MAX = 50
REQUESTS_MAX = 1_000  # of all actors
CHARACTERS_MAX = 8_000  # of a request or an entry as it is written, which is a line of a schedule
_AT_END_MAX = 200  # requests, at all locations
_ENTRIES_MAX = 1_000
_GUARANTEES_MAX = 100
_VERSIONS_MAX = 8  # each is a process
_HEADERS_MAX = 50
_HEADERS_CHARACTERS_MAX = 8_000  # names and values; the runtime ends at 64 KB with the path
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 5.6.2
_HEADER_VALUE = re.compile(r"(?:[!-~](?:[ \t!-~]*[!-~])?)?")
_OF_THE_CONNECTION = frozenset(
    ("connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade")
)


def check_size(
    actors: Sequence[Actor], before: Mapping[str, str], at_end: Sequence[str], locations: Sequence[str]
) -> None:
    """Raises SettingsError with what there is and what is allowed."""
    for what, there, allowed in (
        ("actors", len(actors), ACTORS_MAX),
        ("requests of its actors", sum(len(actor.script) for actor in actors), REQUESTS_MAX),
        ("locations at the end", len(locations), _AT_END_MAX),
        ("requests at the end, at all locations together", len(at_end) * len(locations), _AT_END_MAX),
        ("entries before it begins", len(before), _ENTRIES_MAX),
    ):
        _check_count(what, there, allowed)
    for text in (*(text for actor in actors for text in actor.script), *at_end):
        check_length("a request", text)


def check_length(what: str, text: str) -> None:
    """Raises SettingsError for a line that is longer than a schedule of it could be."""
    if len(text) > CHARACTERS_MAX:
        raise SettingsError(
            f"{what} has at most {CHARACTERS_MAX:,} characters, and the one that begins with {text[:40]!r} has "
            f"{len(text):,}"
        )


def check_named(guarantees: Sequence[object], versions: Mapping[str, object]) -> None:
    """Raises SettingsError for more than are started or looked at."""
    _check_count("guarantees", len(guarantees), _GUARANTEES_MAX)
    _check_count("versions", len(versions), _VERSIONS_MAX)


def check_headers(headers: Mapping[str, str]) -> None:
    """Raises SettingsError for what is no header of a request, or is not the scenario's to choose."""
    _check_count("headers", len(headers), _HEADERS_MAX)
    _check_count("characters in its headers", sum(map(len, (*headers, *headers.values()))), _HEADERS_CHARACTERS_MAX)
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise SettingsError(
                f"a header is a name of letters, digits and hyphens, and a value of visible ASCII characters, not "
                f"{name[:100]!r} with {value[:100]!r}"
            )
        if name.lower() in _OF_THE_CONNECTION or name.lower().startswith("x-emulator"):
            raise SettingsError(f"the header {name} is written by the runtime: leave it out of the scenario")


def _check_count(what: str, there: int, allowed: int) -> None:
    if there > allowed:
        raise SettingsError(f"a scenario has at most {allowed:,} {what}, this has {there:,}")
