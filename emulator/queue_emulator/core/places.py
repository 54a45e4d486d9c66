"""What locations are called, and what of a request's target is no URL: the same for every application."""

import re
from collections.abc import Sequence

from queue_emulator.core.errors import SettingsError
from queue_emulator.core.wire_names import API_LOCATION

MACHINES_MAX = 16  # of a location, with copies of their own

_NOT_OF_A_URL = re.compile(rb"[^\x21-\x7e]")


def location_code(named: str, what: str = "a location") -> str:
    """An airport code, in capitals; raises SettingsError, beginning with `what`, for what is none."""
    code = named.upper()
    if not (code.isascii() and code.isalpha() and len(code) == 3):
        raise SettingsError(f"{what} must be an airport code of three letters, such as SJC or NRT, not {named!r}")
    if code == API_LOCATION:
        raise SettingsError(
            f"{API_LOCATION} is the name of Cloudflare's API in faults and journal: choose another location"
        )
    return code


def location_codes(named: Sequence[str], option: str = "") -> tuple[str, ...]:
    """The same of several, each of which must come once; `option` is where they were named."""
    codes = tuple(location_code(each, option or "a location") for each in named)
    twice = next((code for code in codes if codes.count(code) > 1), None)
    if twice is not None:
        raise SettingsError(f"{option or 'location'} {twice} is given twice")
    return codes


def as_url(target: bytes) -> bytes:
    """What no URL holds as the escapes that browsers send for it: https://url.spec.whatwg.org/#concept-url-parser"""
    return _NOT_OF_A_URL.sub(lambda found: b"%%%02X" % found[0][0], target)
