"""Addresses of targets and of Cloudflare's API: which are taken, and in which form they are compared."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx

from queue_contracts.names import (
    ADMIN_KEY,
    KINDS,
    KV_ACCOUNT,
    KV_API,
    KV_NAMESPACE,
    KV_TOKEN,
    QUEUE_KEY,
    SECRETS,
)
from queue_contracts.targets.target import RestApi

LOOPBACK = ("127.0.0.1", "::1", "localhost")
HOST = re.compile(r"[A-Za-z0-9.:_-]+")
VISIBLE = re.compile(r"[!-~]*")
IDENTIFIER = re.compile(r"[A-Za-z0-9_-]+")
CLOUDFLARE = "https://api.cloudflare.com/client/v4"


class TargetError(Exception):
    """A target that was named wrongly; the message says what is allowed."""


def check_address(url: str) -> None:
    """Raises TargetError for what is no address of a target, or none to send a key to."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        well_formed = parts.port != 0 and HOST.fullmatch(host) is not None and VISIBLE.fullmatch(url) is not None
        # As it is looked up, and as httpx reads it: neither may fail in the middle of a request.
        host.encode("idna")
        httpx.URL(host=host).host  # noqa: B018
    except (ValueError, httpx.InvalidURL):
        raise TargetError("a target is https://HOST or https://HOST:PORT; this is not such an address") from None
    if parts.username or parts.password or "@" in parts.netloc:
        raise TargetError(f"a URL must not carry a password; put the keys into {QUEUE_KEY} and {ADMIN_KEY}")
    # Whoever puts a key behind the path must not see it again in a log.
    behind = "…" if parts.query or parts.fragment else ""
    if parts.scheme not in ("http", "https") or not well_formed or parts.path not in ("", "/") or behind:
        shown = re.split("[?#]", url)[0] + behind
        raise TargetError(f"a target is {', '.join(KINDS)} or https://HOST without a path or a query, not {shown!r}")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise TargetError(f"plain HTTP would send the keys without encryption: use https://{parts.netloc}")


def check_keys(environment: Mapping[str, str]) -> None:
    """A header holds no line break and nothing beyond ASCII; who pastes a key with one would see it in an error.

    Every command asks this first: such a key would not be found in a message whose lines are broken otherwise.
    """
    for name in SECRETS:
        if not VISIBLE.fullmatch(environment.get(name, "")):
            raise TargetError(f"{name} must have only visible ASCII characters: no space, no line break")


def origin_of(url: str) -> str:
    """Scheme, host and port as clients send them: in lower case, without the port that goes without saying."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port not in (None, usual) else "")


def rest_api(environment: Mapping[str, str]) -> RestApi | None:
    given = {name: environment.get(name, "") for name in (KV_ACCOUNT, KV_NAMESPACE, KV_TOKEN)}
    missing = [name for name, value in given.items() if not value]
    if len(missing) == len(given):
        return None
    if missing:
        raise TargetError(f"to reach the KV of the target, set {', '.join(missing)} too")
    for name in (KV_ACCOUNT, KV_NAMESPACE):
        if not IDENTIFIER.fullmatch(given[name]):
            raise TargetError(f"{name} must be an id: letters, digits, hyphens and underscores")
    url = (environment.get(KV_API) or CLOUDFLARE).rstrip("/")
    try:
        httpx.URL(url).host  # noqa: B018
        parts = urlsplit(url)
    except (ValueError, httpx.InvalidURL):
        raise TargetError(f"{KV_API} is not an address") from None
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise TargetError(f"plain HTTP would send the token without encryption: {KV_API} must be https://")
    return RestApi(url, given[KV_ACCOUNT], given[KV_NAMESPACE], given[KV_TOKEN])
