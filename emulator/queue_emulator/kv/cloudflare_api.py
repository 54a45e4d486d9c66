"""Cloudflare's REST API for one KV namespace: calls are tried again within bounds, every failure is definite or not.

Routes and shapes: https://developers.cloudflare.com/api/resources/kv/ . Needs the extra `[cloudflare]`: importing this
module without it raises SettingsError.
"""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote

from queue_emulator.core.clock import Clock, Stopwatch, SystemClock
from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import BulkDataError, EmulatorError, SettingsError
from queue_emulator.core.javascript import Json, from_utf8, stringify_json
from queue_emulator.kv.cloudflare_access import Access
from queue_emulator.kv.cloudflare_answers import (
    UNEXPECTED,
    BulkDone,
    BulkValue,
    KeyPage,
    Namespace,
    StoredValue,
    first_error,
    parse_done,
    parse_envelope,
    parse_namespace,
    parse_page,
    parse_values,
)
from queue_emulator.kv.patience import PATIENCE_DEFAULT, Patience, http_date_ms, retry_after_ms
from queue_emulator.kv.waiting import Sleep, first_of, sleep_really

try:
    import httpx
except ModuleNotFoundError:
    raise SettingsError("Cloudflare's API needs an extra: pip install 'queue-emulator[cloudflare]'") from None

LIST_LIMIT_MIN, LIST_LIMIT_MAX = 10, 1000
BULK_PAIRS_MAX = 10_000
BULK_BYTES_MAX = 100 * 1024 * 1024  # of the whole request
BULK_GET_KEYS_MAX = 100
KEY_NOT_FOUND = 10009  # Cloudflare's code
_NAMESPACES_PER_PAGE, _NAMESPACE_PAGES_MAX = 100, 100  # ten times what an account may have
_REASON_CHARACTERS_MAX = 300
_CONNECTIONS_MAX = 32
_KEY_CHARACTERS_SHOWN = 80

Result = TypeVar("Result")


class ApiError(EmulatorError):
    """A call that failed for good.

    `status` is the HTTP status of the last answer and `code` Cloudflare's own, None where there was none; `reason` is
    what went wrong in the API's words, or ours; `definite` whether it is sure that nothing was written.
    """

    def __init__(self, text: str, *, status: int | None, code: int | None, reason: str, definite: bool) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.reason = reason
        self.definite = definite


@dataclass(frozen=True, slots=True)
class _Ask:
    """One call. `path` is below the account's namespaces, percent-encoded; `action` is what an error says was tried."""

    action: str
    method: str
    path: str
    writes: bool = False
    may_miss: bool = False
    query: Mapping[str, str | int] = field(default_factory=dict)
    content: bytes | None = None
    content_type: str = "application/json"
    parts: Mapping[str, tuple[None, bytes]] | None = None


@dataclass(frozen=True, slots=True)
class _Failure:
    """One attempt that failed: whether another one makes sense, and after how long the service asks for it."""

    reason: str
    definite: bool
    again: bool
    status: int | None = None
    code: int | None = None
    asked_ms: int | None = None

    def __str__(self) -> str:
        status = "" if self.status is None else f"{self.status} "
        code = "" if self.code is None else f" [code: {self.code}]"
        return f"{status}{self.reason}{code}"


class CloudflareAPI:
    """One namespace behind the API. Every method raises ApiError; its text never holds the token.

    All calls can be made twice with the same effect, so that one whose outcome is not known is tried again too. Then a
    late attempt may replace what another client wrote in between: the last write wins.
    """

    def __init__(
        self,
        access: Access,
        *,
        patience: Patience = PATIENCE_DEFAULT,
        sleep: Sleep = sleep_really,
        dice: Dice | None = None,
        clock: Clock | None = None,
        log: Callable[[str], None] = lambda line: None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`log` takes a line for each attempt that is followed by another; `transport` replaces the network.

        The environment's HTTPS_PROXY, NO_PROXY and SSL_CERT_FILE hold, except for an API on this machine; raises
        SettingsError if they cannot.
        """
        self.access = access
        self._patience = patience
        self._sleep = sleep
        self._dice = dice or Dice()
        self._clock = clock or SystemClock()
        self._log = log
        self._calls = 0
        self._reached = False
        self._hurried = asyncio.Event()
        self._client = _client(access, patience, transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def hurry(self) -> None:
        """From now on nothing is tried again, nor what waits for it: what has failed then fails for good."""
        self._hurried.set()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def get_namespace(self) -> Namespace:
        """The namespace itself: that it can be had shows that account, id and token are right."""
        ask = _Ask("find KV namespace " + self.access.namespace_id, "GET", f"/{self.access.namespace_id}")
        return self._read(ask, await self._send(ask), lambda envelope: parse_namespace(envelope["result"]))

    async def list_namespaces(self) -> list[Namespace]:
        """All namespaces of the account."""
        found: list[Namespace] = []
        for page in range(1, _NAMESPACE_PAGES_MAX + 1):
            query = {"page": page, "per_page": _NAMESPACES_PER_PAGE}
            ask = _Ask("list the KV namespaces", "GET", "", query=query)
            listed = self._read(
                ask, await self._send(ask), lambda envelope: list(map(parse_namespace, envelope["result"]))
            )
            found += listed
            if len(listed) < _NAMESPACES_PER_PAGE:
                break
        return found

    async def get_value(self, key: str) -> StoredValue | None:
        """Value and expiration; None for a key that is not there."""
        ask = _Ask(f"get {_shown(key)}", "GET", self._path("values", key), may_miss=True)
        response = await self._send(ask)
        if response.status_code == 404:
            return None
        expiration = response.headers.get("expiration", "")
        return StoredValue(response.content, int(expiration) if expiration.isdecimal() else None)

    async def get_metadata(self, key: str) -> Json:
        """The metadata; None for a key that has none or is not there."""
        ask = _Ask(f"get the metadata of {_shown(key)}", "GET", self._path("metadata", key), may_miss=True)
        response = await self._send(ask)
        return None if response.status_code == 404 else self._read(ask, response, lambda envelope: envelope["result"])

    async def get_bulk(self, keys: Sequence[str]) -> dict[str, BulkValue | None]:
        """Up to 100 values as text, U+FFFD for what is none; None for each key that is not there.

        "Keys must contain text-based values", says the API's description; where it refuses others, each key is read by
        itself.
        """
        assert len(keys) <= BULK_GET_KEYS_MAX
        content = stringify_json({"keys": list(keys), "type": "text", "withMetadata": True}).encode()
        ask = _Ask(f"get {len(keys)} keys", "POST", self._path("bulk/get"), content=content)
        try:
            return self._read(ask, await self._send(ask), lambda envelope: parse_values(envelope, keys))
        except ApiError as error:
            if error.status != 400:
                raise
        return dict(zip(keys, await asyncio.gather(*map(self._get_alone, keys)), strict=True))

    async def put_value(
        self,
        key: str,
        value: bytes,
        *,
        expiration_s: int | None = None,
        expiration_ttl_s: int | None = None,
        metadata: str | None = None,
    ) -> None:
        """Write; `expiration_s` in unix seconds, `expiration_ttl_s` in seconds from now, `metadata` as JSON text."""
        times = {"expiration": expiration_s, "expiration_ttl": expiration_ttl_s}
        ask = _Ask(
            f"put {_shown(key)}",
            "PUT",
            self._path("values", key),
            writes=True,
            query={name: given for name, given in times.items() if given is not None},
            content=value if metadata is None else None,
            content_type="application/octet-stream",
            parts=None if metadata is None else {"value": (None, value), "metadata": (None, metadata.encode())},
        )
        self._read(ask, await self._send(ask), lambda envelope: None)

    async def put_bulk(self, pairs: Sequence[Mapping[str, Json]]) -> BulkDone:
        """Write up to 10,000 pairs `{key, value, base64?, expiration?, expiration_ttl?, metadata?}`.

        Raises BulkDataError, and sends nothing, if they are too many or make more than 100 MB of JSON.
        """
        content = _bulk_content(pairs)
        ask = _Ask(f"put {len(pairs)} keys", "PUT", self._path("bulk"), writes=True, content=content)
        return self._read(ask, await self._send(ask), lambda envelope: parse_done(envelope, len(pairs)))

    async def delete_value(self, key: str) -> None:
        """Delete; a key that is not there is no error."""
        ask = _Ask(f"delete {_shown(key)}", "DELETE", self._path("values", key), writes=True, may_miss=True)
        response = await self._send(ask)
        if response.status_code != 404:
            self._read(ask, response, lambda envelope: None)

    async def delete_bulk(self, keys: Sequence[str]) -> BulkDone:
        """Delete up to 10,000 keys, those that are not there included; BulkDataError as of `put_bulk`."""
        content = _bulk_content(keys)
        ask = _Ask(f"delete {len(keys)} keys", "POST", self._path("bulk/delete"), writes=True, content=content)
        return self._read(ask, await self._send(ask), lambda envelope: parse_done(envelope, len(keys)))

    async def list_keys(self, *, prefix: str = "", limit: int = LIST_LIMIT_MAX, cursor: str = "") -> KeyPage:
        """One page of 10 to 1,000 keys; `cursor` "" asks for the first."""
        assert LIST_LIMIT_MIN <= limit <= LIST_LIMIT_MAX
        query: dict[str, str | int] = {"limit": limit}
        query |= {name: given for name, given in {"prefix": prefix, "cursor": cursor}.items() if given}
        ask = _Ask(f"list the keys of {_shown(prefix)}", "GET", self._path("keys"), query=query)
        return self._read(ask, await self._send(ask), parse_page)

    async def _get_alone(self, key: str) -> BulkValue | None:
        stored = await self.get_value(key)
        if stored is None:
            return None
        return BulkValue(from_utf8(stored.value), stored.expiration_s, await self.get_metadata(key))

    def _path(self, route: str, key: str | None = None) -> str:
        """A route of the namespace. A key of dots would be a step to another route: no service takes one."""
        assert key not in ("", ".", "..")
        return f"/{self.access.namespace_id}/{route}" + ("" if key is None else f"/{quote(key, safe='')}")

    async def _send(self, ask: _Ask) -> httpx.Response:
        """A successful response, or, if the call `may_miss`, one that says that there is no such key."""
        self._calls += 1
        call, attempt, spent_ms, definite = self._calls, 0, 0, True
        while True:
            attempt += 1
            stopwatch = Stopwatch()
            outcome = await self._attempt(ask, max(1, self._patience.deadline_ms - spent_ms))
            if isinstance(outcome, httpx.Response):
                return outcome
            definite = definite and (outcome.definite or not ask.writes)
            wait_ms = self._patience.wait_ms(attempt, outcome.asked_ms, self._dice, call)
            spent_ms += round(stopwatch.elapsed_ms()) + wait_ms
            again = outcome.again and spent_ms < self._deadline_ms(outcome) and not self._hurried.is_set()
            if again:
                self._log(f"{self.access.host}: {ask.action}: {outcome}; again in {wait_ms / 1000:.1f} s")
                await first_of(self._sleep(wait_ms), self._hurried.wait())
            if not again or self._hurried.is_set():
                raise self._error(ask, outcome, attempt, definite)

    def _deadline_ms(self, failure: _Failure) -> int:
        """Until when a failure may pass: a host that was never reached may not be there at all."""
        if self._reached or failure.status is not None or not failure.definite:
            return self._patience.deadline_ms
        return min(self._patience.deadline_ms, self._patience.unreachable_ms)

    async def _attempt(self, ask: _Ask, left_ms: int) -> httpx.Response | _Failure:
        try:
            async with asyncio.timeout(left_ms / 1000):
                response = await self._client.request(
                    ask.method,
                    self._url(ask.path),
                    params=ask.query or None,
                    content=ask.content,
                    files=ask.parts,
                    headers={} if ask.content is None else {"Content-Type": ask.content_type},
                )
        except (TimeoutError, httpx.TimeoutException) as error:
            unsent = isinstance(error, httpx.ConnectTimeout)
            return _Failure("no connection in time" if unsent else "no answer in time", definite=unsent, again=True)
        except (httpx.ConnectError, httpx.ProxyError) as error:
            stranger = "CERTIFICATE_VERIFY_FAILED" in str(error)  # nobody's retry mends that
            hint = "; SSL_CERT_FILE names further certificates to trust" if stranger else ""
            return _Failure(self._clean(f"no connection: {error}") + hint, definite=True, again=not stranger)
        except (httpx.TransportError, httpx.DecodingError) as error:
            return _Failure(f"no whole answer ({type(error).__name__})", definite=False, again=True)
        self._reached = True
        return self._outcome(ask, response)

    def _url(self, path: str) -> str:
        base, account = self.access.base_url.rstrip("/"), self.access.account_id
        return f"{base}/accounts/{account}/storage/kv/namespaces{path}"

    def _outcome(self, ask: _Ask, response: httpx.Response) -> httpx.Response | _Failure:
        status = response.status_code
        if response.is_success:
            return response
        code, message = first_error(response.content)
        if status == 404 and code == KEY_NOT_FOUND and ask.may_miss:
            return response
        asked_ms = self._asked_ms(response)
        # Cloudflare's own libraries obey this header: https://github.com/cloudflare/cloudflare-python, _should_retry
        never = response.headers.get("x-should-retry") == "false" and asked_ms is None
        return _Failure(
            self._clean(message or response.reason_phrase),
            definite=status < 500,
            again=(status == 429 or status >= 500) and not never,
            status=status,
            code=code,
            asked_ms=asked_ms,
        )

    def _asked_ms(self, response: httpx.Response) -> int | None:
        """Retry-After, by the clock of the service where it says what that shows."""
        served_ms = http_date_ms(response.headers.get("date"))
        now_ms = self._clock.now_ms() if served_ms is None else served_ms
        return retry_after_ms(response.headers.get("retry-after"), now_ms)

    def _error(self, ask: _Ask, failure: _Failure, attempts: int, definite: bool) -> ApiError:
        tries = f", {attempts} times" if attempts > 1 else ""
        asked = "" if failure.asked_ms is None else f"; it asks to wait {failure.asked_ms / 1000:.0f} s"
        doubt = "" if definite else "; it may have been done nevertheless"
        text = f"{self.access.host}: could not {ask.action}: {failure}{tries}{asked}{doubt}"
        return ApiError(text, status=failure.status, code=failure.code, reason=failure.reason, definite=definite)

    def _clean(self, text: str) -> str:
        """One line of bounded length, without the token, whatever a server or proxy put into its answer."""
        line = "".join(character if character.isprintable() else " " for character in text)
        token = rf"(?<![A-Za-z0-9_-]){re.escape(self.access.token)}(?![A-Za-z0-9_-])"
        return re.sub(token, "…", line)[:_REASON_CHARACTERS_MAX]

    def _read(self, ask: _Ask, response: httpx.Response, parse: Callable[[Json], Result]) -> Result:
        """What `parse` makes of the answer's envelope; ApiError for an answer that no API of this kind gives."""
        try:
            envelope = parse_envelope(response.content)
            if envelope.get("success") is True:
                return parse(envelope)
        except UNEXPECTED:
            pass
        failure = _Failure("the answer is not one of Cloudflare's API", definite=False, again=False)
        raise self._error(ask, failure, 1, not ask.writes)


def _client(access: Access, patience: Patience, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    try:
        return httpx.AsyncClient(
            headers={
                "Authorization": f"Bearer {access.token}",
                "User-Agent": f"queue-emulator/{version('queue-emulator')}",
            },
            timeout=httpx.Timeout(patience.silence_ms / 1000, connect=patience.connect_ms / 1000, pool=None),
            limits=httpx.Limits(max_connections=_CONNECTIONS_MAX),
            transport=transport,
            trust_env=not access.on_loopback,
        )
    except (ValueError, ImportError, OSError, httpx.InvalidURL) as error:  # without its text: a proxy has a password
        raise SettingsError(
            f"{access.host} cannot be asked with what the environment names, such as HTTPS_PROXY and SSL_CERT_FILE "
            f"({type(error).__name__})"
        ) from None


def _bulk_content(items: Sequence[Json]) -> bytes:
    content = stringify_json(list(items)).encode()
    if len(items) > BULK_PAIRS_MAX or len(content) > BULK_BYTES_MAX:
        limits = f"the API takes {BULK_PAIRS_MAX:,} and {BULK_BYTES_MAX:,} bytes"
        raise BulkDataError(f"{len(items):,} keys in {len(content):,} bytes are too many for one request: {limits}")
    return content


def _shown(key: str) -> str:
    return repr(key if len(key) <= _KEY_CHARACTERS_SHOWN else key[:_KEY_CHARACTERS_SHOWN] + "…")
