"""One exchange with Cloudflare's API over HTTP: its answer is read within a bound, whatever a server sends.

The only importer of httpx. Needs the extra `[cloudflare]`: importing this module without it raises SettingsError.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar
from importlib.metadata import version

from queue_emulator.core.errors import SettingsError
from queue_emulator.kv.cloudflare_access import Access
from queue_emulator.kv.retry import Patience

try:
    import httpx
except ModuleNotFoundError:
    raise SettingsError("Cloudflare's API needs an extra: pip install 'queue-emulator[cloudflare]'") from None

Transport = httpx.AsyncBaseTransport
ConnectTimeout, TimeoutException = httpx.ConnectTimeout, httpx.TimeoutException
UNREACHED = (httpx.ConnectError, httpx.ProxyError)
BROKEN = (httpx.TransportError, httpx.DecodingError, httpx.InvalidURL)  # the last of a Location

REFUSAL_BYTES_MAX = 65_536  # what is read of an answer that is no success
_CONNECTIONS_MAX = 32
_ENCODINGS = ("", "identity", "gzip")  # others unpack a piece of what is received into gigabytes, or are packed twice


class AnswerRefused(Exception):
    """An answer that is not read to its end; `too_large` if a smaller one was expected."""

    def __init__(self, why: str, *, too_large: bool = False) -> None:
        super().__init__(why)
        self.too_large = too_large


@dataclass(frozen=True, slots=True)
class Request:
    """`bytes_max` is of the answer's body, unpacked."""

    method: str
    url: str
    bytes_max: int
    query: Mapping[str, str | int] | None = None
    content: bytes | None = None
    content_type: str = "application/json"
    parts: Mapping[str, tuple[None, bytes]] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; of one that is no success perhaps the beginning alone. Header names in lower case."""

    status: int
    reason: str
    headers: Mapping[str, str]
    content: bytes

    @property
    def success(self) -> bool:
        return 200 <= self.status <= 299


class Exchange:
    """The connections to one API. Raises AnswerRefused, one of the exceptions above, or TimeoutError."""

    def __init__(self, access: Access, patience: Patience, transport: Transport | None) -> None:
        """The environment's proxies and certificates hold, except on this machine; SettingsError if they cannot."""
        try:
            self._client = httpx.AsyncClient(
                headers={
                    "Accept-Encoding": "gzip",
                    "Authorization": f"Bearer {access.token}",
                    "User-Agent": f"queue-emulator/{version('queue-emulator')}",
                },
                timeout=httpx.Timeout(patience.silence_ms / 1000, connect=patience.connect_ms / 1000, pool=None),
                limits=httpx.Limits(max_connections=_CONNECTIONS_MAX),
                transport=transport,
                trust_env=not access.on_loopback,
                cookies=_NoCookies(),
                verify=access.encrypted,  # without TLS no certificates are loaded: 20 ms
            )
        except (ValueError, ImportError, OSError, httpx.InvalidURL) as error:  # without its text: a proxy's password
            raise SettingsError(
                f"{access.host} cannot be called: the environment has a wrong setting, such as HTTPS_PROXY or "
                f"SSL_CERT_FILE ({type(error).__name__})"
            ) from None

    async def ask(self, request: Request) -> Answer:
        """Send it and read the answer."""
        async with self._client.stream(
            request.method,
            request.url,
            params=request.query or None,
            content=request.content,
            files=request.parts,
            headers={} if request.content is None else {"Content-Type": request.content_type},
        ) as response:
            headers = {name.lower(): value for name, value in response.headers.items()}
            content = await _content(response, request.bytes_max)
            return Answer(response.status_code, response.reason_phrase, headers, content)

    async def close(self) -> None:
        await self._client.aclose()


class _NoCookies(CookieJar):
    """Takes none: the API needs none, and Python prints the traceback of one that it fails to read."""

    def extract_cookies(self, response: object, request: object) -> None:
        pass


async def _content(response: httpx.Response, bytes_max: int) -> bytes:
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in _ENCODINGS:
        raise AnswerRefused("the answer has a Content-Encoding that was not asked for")
    content = bytearray()
    async for piece in response.aiter_bytes():
        content += piece
        if not response.is_success and len(content) >= REFUSAL_BYTES_MAX:
            return bytes(content[:REFUSAL_BYTES_MAX])
        if len(content) > bytes_max:
            raise AnswerRefused(f"the answer has more than {bytes_max:,} bytes", too_large=True)
    return bytes(content)
