"""Which host names and addresses are this machine's own, and what of a URL may be shown."""

import ipaddress
import re


def loopback(host: str) -> bool:
    """Whether a host name or address can be reached from this machine only."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return (mapped or address).is_loopback
    except ValueError:
        return False


def without_password(url: str) -> str:
    """A URL as an error may show it: shortened, and without what may be a password."""
    return re.sub(r"//[^/]*@", "//…@", url)[:80]


_AUTHORITY = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9.-]+))(?::[0-9]{1,5})?")
_ORIGIN = re.compile("https?://" + _AUTHORITY.pattern)


def loopback_authority(host: str) -> bool:
    """Whether a Host header names this machine: a page under another name is another site's (DNS rebinding)."""
    return _names_loopback(_AUTHORITY, host)


def loopback_origin(origin: str) -> bool:
    """Whether an Origin header is of a page of this machine's."""
    return _names_loopback(_ORIGIN, origin)


def _names_loopback(form: re.Pattern[str], text: str) -> bool:
    match = form.fullmatch(text)
    return match is not None and loopback((match["six"] or match["name"]).lower())
