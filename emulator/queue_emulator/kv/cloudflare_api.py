"""Cloudflare's REST API for one KV namespace: calls are tried again within bounds, every failure is definite or not.

Routes and shapes: https://developers.cloudflare.com/api/resources/kv/ . Needs the extra `[cloudflare]`: importing this
module without it raises SettingsError.
"""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote

from queue_emulator.core.clock import Clock, Stopwatch, SystemClock
from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import BulkDataError
from queue_emulator.core.javascript import Json, ToJson, from_utf8, stringify_json
from queue_emulator.core.limits import VALUE_BYTES_MAX
from queue_emulator.core.masking import without_token
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
    parse_namespaces,
    parse_page,
    parse_result,
    parse_values,
)
from queue_emulator.kv.cloudflare_calls import ApiError, Ask, Failure
from queue_emulator.kv.cloudflare_exchange import (
    BROKEN,
    UNREACHED,
    Answer,
    AnswerRefused,
    ConnectTimeout,
    Exchange,
    Request,
    TimeoutException,
    Transport,
)
from queue_emulator.kv.retry import PATIENCE_DEFAULT, Patience, http_date_ms, retry_after_ms
from queue_emulator.kv.waiting import Sleep, first_of, sleep_really

LIST_LIMIT_MIN, LIST_LIMIT_MAX = 10, 1000
BULK_PAIRS_MAX = 10_000
BULK_BYTES_MAX = 100 * 1024 * 1024  # of the whole request
BULK_GET_KEYS_MAX = 100
KEY_NOT_FOUND = 10009  # Cloudflare's code
_NAMESPACES_PER_PAGE, _NAMESPACE_PAGES_MAX = 100, 100  # ten times what an account may have
_REASON_CHARACTERS_MAX = 300
_PAGE_BYTES_MAX = 16 << 20  # 1,000 keys with metadata, all escaped
_BULK_BYTES_MAX = 32 << 20  # what the API gives together, of which much may be escaped: else by fewer keys
_KEY_CHARACTERS_SHOWN = 80
_ALONE_AT_ONCE = 8
_SECONDS = re.compile("[0-9]{1,15}")

Result = TypeVar("Result")


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
        transport: Transport | None = None,
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
        self._exchange = Exchange(access, patience, transport)

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
        await self._exchange.close()

    async def get_namespace(self) -> Namespace:
        """The namespace itself: that it can be had shows that account, id and token are right."""
        ask = Ask("find KV namespace " + self.access.namespace_id, "GET", f"/{self.access.namespace_id}")
        return self._read(ask, await self._send(ask), parse_namespace)

    async def list_namespaces(self) -> list[Namespace]:
        """All namespaces of the account."""
        found: list[Namespace] = []
        for page in range(1, _NAMESPACE_PAGES_MAX + 1):
            query = {"page": page, "per_page": _NAMESPACES_PER_PAGE}
            ask = Ask("list the KV namespaces", "GET", "", query=query)
            listed = self._read(ask, await self._send(ask), parse_namespaces)
            found += listed
            if len(listed) < _NAMESPACES_PER_PAGE:
                break
        return found

    async def get_value(self, key: str) -> StoredValue | None:
        """Value and expiration; None for a key that is not there."""
        path = self._path("values", key)
        ask = Ask(f"get {_shown(key)}", "GET", path, may_miss=True, bytes_max=VALUE_BYTES_MAX)
        answer = await self._send(ask)
        if answer.status == 404:
            return None
        expiration = answer.headers.get("expiration", "")
        return StoredValue(answer.content, int(expiration) if _SECONDS.fullmatch(expiration) else None)

    async def get_metadata(self, key: str) -> Json:
        """The metadata; None for a key that has none or is not there."""
        ask = Ask(f"get the metadata of {_shown(key)}", "GET", self._path("metadata", key), may_miss=True)
        answer = await self._send(ask)
        return None if answer.status == 404 else self._read(ask, answer, parse_result)

    async def get_bulk(self, keys: Sequence[str]) -> dict[str, BulkValue | None]:
        """Up to 100 values as text, U+FFFD for what is none; None for each key that is not there.

        "Keys must contain text-based values", says the API's description; where it refuses others, each key is read by
        itself.
        """
        assert len(keys) <= BULK_GET_KEYS_MAX
        content = stringify_json({"keys": list(keys), "type": "text", "withMetadata": True}).encode()
        path = self._path("bulk/get")
        ask = Ask(f"get {len(keys)} keys", "POST", path, content=content, bytes_max=_BULK_BYTES_MAX)
        try:
            return self._read_whole(ask, await self._send(ask), lambda content: parse_values(content, keys))
        except ApiError as error:
            if error.status != 400:
                raise
        return await self._get_alone(ask, keys)

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
        ask = Ask(
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

    async def put_bulk(self, pairs: Sequence[Mapping[str, ToJson]]) -> BulkDone:
        """Write up to 10,000 pairs `{key, value, base64?, expiration?, expiration_ttl?, metadata?}`.

        Raises BulkDataError, and sends nothing, if they are too many or make more than 100 MB of JSON.
        """
        content = _bulk_content(pairs)
        ask = Ask(f"put {len(pairs)} keys", "PUT", self._path("bulk"), writes=True, content=content)
        return self._read(ask, await self._send(ask), lambda envelope: parse_done(envelope, len(pairs)))

    async def delete_value(self, key: str) -> None:
        """Delete; a key that is not there is no error."""
        ask = Ask(f"delete {_shown(key)}", "DELETE", self._path("values", key), writes=True, may_miss=True)
        answer = await self._send(ask)
        if answer.status != 404:
            self._read(ask, answer, lambda envelope: None)

    async def list_keys(self, *, prefix: str = "", limit: int = LIST_LIMIT_MAX, cursor: str = "") -> KeyPage:
        """One page of 10 to 1,000 keys; `cursor` "" asks for the first."""
        assert LIST_LIMIT_MIN <= limit <= LIST_LIMIT_MAX
        query: dict[str, str | int] = {"limit": limit}
        query |= {name: given for name, given in {"prefix": prefix, "cursor": cursor}.items() if given}
        path = self._path("keys")
        ask = Ask(f"list the keys of {_shown(prefix)}", "GET", path, query=query, bytes_max=_PAGE_BYTES_MAX)
        return self._read_whole(ask, await self._send(ask), parse_page)

    async def _get_alone(self, ask: Ask, keys: Sequence[str]) -> dict[str, BulkValue | None]:
        """Key by key, some at once; together no more than a bulk read gives."""
        found: dict[str, BulkValue | None] = {}
        size_bytes = 0
        for start in range(0, len(keys), _ALONE_AT_ONCE):
            some = keys[start : start + _ALONE_AT_ONCE]
            found |= zip(some, await asyncio.gather(*map(self._get_text, some)), strict=True)
            size_bytes += sum(len(each.value) for key in some if (each := found[key]) is not None)
            if size_bytes > _BULK_BYTES_MAX:
                why = f"the values have more than {_BULK_BYTES_MAX:,} bytes together"
                raise self._error(ask, Failure(why, definite=True, again=False, too_large=True), 1, definite=True)
        return found

    async def _get_text(self, key: str) -> BulkValue | None:
        stored = await self.get_value(key)
        if stored is None:
            return None
        return BulkValue(from_utf8(stored.value), stored.expiration_s, await self.get_metadata(key))

    def _path(self, route: str, key: str | None = None) -> str:
        """A route of the namespace. A key of dots would be a step to another route: no service takes one."""
        assert key not in ("", ".", "..")
        return f"/{self.access.namespace_id}/{route}" + ("" if key is None else f"/{quote(key, safe='')}")

    async def _send(self, ask: Ask) -> Answer:
        """A successful response, or, if the call `may_miss`, one that says that there is no such key."""
        self._calls += 1
        call, attempt, spent_ms, definite = self._calls, 0, 0, True
        while True:
            attempt += 1
            stopwatch = Stopwatch()
            outcome = await self._attempt(ask, max(1, self._patience.deadline_ms - spent_ms))
            if isinstance(outcome, Answer):
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

    def _deadline_ms(self, failure: Failure) -> int:
        """Until when a failure may pass: a host that was never reached may not be there at all."""
        if self._reached or failure.status is not None or not failure.definite:
            return self._patience.deadline_ms
        return min(self._patience.deadline_ms, self._patience.unreachable_ms)

    async def _attempt(self, ask: Ask, left_ms: int) -> Answer | Failure:
        request = Request(
            ask.method, self._url(ask.path), ask.bytes_max, ask.query, ask.content, ask.content_type, ask.parts
        )
        try:
            async with asyncio.timeout(left_ms / 1000):
                answer = await self._exchange.ask(request)
        except AnswerRefused as error:
            return Failure(str(error), definite=False, again=False, too_large=error.too_large)
        except (TimeoutError, TimeoutException) as error:
            unsent = isinstance(error, ConnectTimeout)
            return Failure("no connection in time" if unsent else "no answer in time", definite=unsent, again=True)
        except UNREACHED as error:
            stranger = "CERTIFICATE_VERIFY_FAILED" in str(error)  # nobody's retry mends that
            hint = "; to trust more certificates, set SSL_CERT_FILE" if stranger else ""
            return Failure(self._clean(f"no connection: {error}") + hint, definite=True, again=not stranger)
        except BROKEN as error:
            return Failure(f"incomplete answer ({type(error).__name__})", definite=False, again=True)
        self._reached = True
        return self._outcome(ask, answer)

    def _url(self, path: str) -> str:
        base, account = self.access.base_url.rstrip("/"), self.access.account_id
        return f"{base}/accounts/{account}/storage/kv/namespaces{path}"

    def _outcome(self, ask: Ask, answer: Answer) -> Answer | Failure:
        status = answer.status
        if answer.success:
            return answer
        code, message = first_error(answer.content)
        if status == 404 and code == KEY_NOT_FOUND and ask.may_miss:
            return answer
        asked_ms = self._asked_ms(answer)
        # Cloudflare's own libraries obey this header: https://github.com/cloudflare/cloudflare-python, _should_retry
        never = answer.headers.get("x-should-retry") == "false" and asked_ms is None
        return Failure(
            self._clean(message or answer.reason),
            definite=status < 500,
            again=(status == 429 or status >= 500) and not never,
            status=status,
            code=code,
            asked_ms=asked_ms,
        )

    def _asked_ms(self, answer: Answer) -> int | None:
        """Retry-After, by the clock of the service where it says what that shows."""
        served_ms = http_date_ms(answer.headers.get("date"))
        now_ms = self._clock.now_ms() if served_ms is None else served_ms
        return retry_after_ms(answer.headers.get("retry-after"), now_ms)

    def _error(self, ask: Ask, failure: Failure, attempts: int, definite: bool) -> ApiError:
        tries = f", {attempts} times" if attempts > 1 else ""
        asked = "" if failure.asked_ms is None else f"; the server asks to wait {failure.asked_ms / 1000:.0f} s"
        doubt = "" if definite else "; it may have happened anyway"
        text = f"{self.access.host}: could not {ask.action}: {failure}{tries}{asked}{doubt}"
        return ApiError(text, failure, definite=definite)

    def _clean(self, text: str) -> str:
        """One line of bounded length, without the token, whatever a server or proxy put into its answer."""
        line = "".join(character if character.isprintable() else " " for character in text)
        return without_token(line, self.access.token)[:_REASON_CHARACTERS_MAX]

    def _read(self, ask: Ask, answer: Answer, parse: Callable[[dict[str, Json]], Result]) -> Result:
        """What `parse` makes of the answer's envelope; ApiError for an answer that no API of this kind gives."""

        def parse_whole(content: bytes) -> Result:
            envelope = parse_envelope(content)
            if envelope.get("success") is not True:
                raise ValueError
            return parse(envelope)

        return self._read_whole(ask, answer, parse_whole)

    def _read_whole(self, ask: Ask, answer: Answer, parse: Callable[[bytes], Result]) -> Result:
        try:
            return parse(answer.content)
        except UNEXPECTED:
            pass
        failure = Failure("the answer is not in the format of Cloudflare's API", definite=False, again=False)
        raise self._error(ask, failure, 1, not ask.writes)


def _bulk_content(items: Sequence[ToJson]) -> bytes:
    content = stringify_json(list(items)).encode()
    if len(items) > BULK_PAIRS_MAX or len(content) > BULK_BYTES_MAX:
        limits = f"the API takes {BULK_PAIRS_MAX:,} and {BULK_BYTES_MAX:,} bytes"
        raise BulkDataError(f"{len(items):,} keys in {len(content):,} bytes are too many for one request: {limits}")
    return content


def _shown(key: str) -> str:
    return repr(key if len(key) <= _KEY_CHARACTERS_SHOWN else key[:_KEY_CHARACTERS_SHOWN] + "…")
