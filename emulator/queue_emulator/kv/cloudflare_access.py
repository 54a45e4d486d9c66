"""Which namespace behind which API, and the token that opens it: parsed at the door, and never shown."""

import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from queue_emulator.core.addresses import loopback, without_password
from queue_emulator.core.errors import SettingsError

API_URL = "https://api.cloudflare.com/client/v4"
_ID = re.compile("[0-9a-f]{32}")
_TOKEN = re.compile("[!-~]+")


@dataclass(frozen=True, slots=True)
class Access:
    """One namespace behind Cloudflare's REST API; raises SettingsError for what cannot be one.

    account_id, namespace_id   32 lower-case hexadecimal digits
    token                      an API token with the permission "Workers KV Storage"
    base_url                   of the API, with its version; only on loopback without TLS
    """

    account_id: str
    namespace_id: str
    token: str = field(repr=False)
    base_url: str = API_URL

    def __post_init__(self) -> None:
        for what, given in (("an account id", self.account_id), ("a namespace id", self.namespace_id)):
            if not _ID.fullmatch(given):
                raise SettingsError(f"{what} must have 32 hexadecimal digits, not {given[:40]!r}")
        if not _TOKEN.fullmatch(self.token):
            raise SettingsError("the API token has characters that a token cannot have")
        parts = _parts(self.base_url)
        if parts is None:
            raise SettingsError(f"not the URL of an API, such as {API_URL}: {without_password(self.base_url)!r}")
        if not self.encrypted and not self.on_loopback:
            raise SettingsError(
                f"the token would be sent to {self.host} without encryption: use a URL that begins with https://"
            )

    @property
    def host(self) -> str:
        """The host of the API, with the port if the URL names one."""
        return urlsplit(self.base_url).netloc

    @property
    def encrypted(self) -> bool:
        """Whether the API is asked over TLS."""
        return urlsplit(self.base_url).scheme == "https"

    @property
    def on_loopback(self) -> bool:
        """Whether the API is on this machine: an emulator's, not Cloudflare's."""
        return loopback(urlsplit(self.base_url).hostname or "")


def _parts(base_url: str) -> SplitResult | None:
    try:
        parts = urlsplit(base_url)
        named = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        return None
    return parts if named and not (parts.username or parts.password or parts.query or parts.fragment) else None
