"""Speaking to a running emulator's control surface, for the commands that need one.

What answers may be anything: an answer is read up to a limit of bytes and of time, and parsed into the shape that the
command expects and nothing else.
"""

import http.client
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from io import BytesIO
from threading import Timer
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from queue_emulator.core.addresses import without_password
from queue_emulator.core.errors import RemoteError, SettingsError
from queue_emulator.core.masking import without_token
from queue_emulator.core.shown import one_line
from queue_emulator.core.wire_names import CONTROL_BODY_BYTES_MAX, CONTROL_PREFIX

SHORT_BYTES_MAX, LONG_BYTES_MAX = 4 << 20, 64 << 20
_CONNECT_S = 10
_SILENCE_S = 60
_SEED_SILENCE_S = 600  # a large seed takes its time, and until then nothing is heard of it
_WHOLE_S = 900.0  # for request and answer together, however slowly either comes
_SHORT_S = 60.0  # the same where both are short, and for the head of an answer that goes on
_PIECE_BYTES = 1 << 16
_REASON_CHARACTERS_MAX = 300

Shape = TypeVar("Shape")


class BrokenOffError(RemoteError):
    """The connection ended before the answer: whether it was done is not known."""

    definite = False


class AnswerTooLargeError(RemoteError):
    """An answer that is not read to its end."""

    definite = False


class _Refusal(msgspec.Struct):
    error: str


class RemoteControl:
    """The control surface at one URL; raises SettingsError for what is no URL of an emulator.

    `token` is what opens it from another machine. An emulator that sends nothing for `silence_s` is asked no more.
    """

    def __init__(
        self, url: str, *, token: str | None = None, whole_s: float = _WHOLE_S, silence_s: float = _SILENCE_S
    ) -> None:
        self.host = _connection(url).host
        self._url = url
        self._token = token
        self._whole_s = whole_s
        self._silence_s = silence_s
        self._broken_off: str | None = None
        self._asking: socket.socket | None = None

    def ask(
        self,
        method: str,
        path: str,
        shape: type[Shape],
        *,
        body: Iterable[bytes] = (),
        size_bytes: int = 0,
        answer_bytes_max: int = SHORT_BYTES_MAX,
    ) -> Shape:
        """What the control at `path` answers; raises SettingsError or RemoteError in one line."""
        if size_bytes > CONTROL_BODY_BYTES_MAX:
            most = f"an emulator accepts at most {CONTROL_BODY_BYTES_MAX}"
            raise RemoteError(f"{size_bytes} bytes are too many for one request: {most}")
        status, content = self._exchange(method, CONTROL_PREFIX + path, body, size_bytes, answer_bytes_max)
        if status != 200:
            raise self._refused(status, content)
        try:
            return msgspec.json.decode(content, type=shape)
        except (msgspec.MsgspecError, RecursionError):
            raise self.stranger() from None

    def tell(self, method: str, path: str, body: Mapping[str, object], shape: type[Shape]) -> Shape:
        """As `ask`, with a body of JSON."""
        content = msgspec.json.encode(body)
        return self.ask(method, path, shape, body=(content,), size_bytes=len(content), answer_bytes_max=LONG_BYTES_MAX)

    def lines(self, path: str) -> Iterator[bytes]:
        """The lines of an answer that has an end."""
        status, content = self._exchange("GET", CONTROL_PREFIX + path, (), 0, LONG_BYTES_MAX)
        if status != 200:
            raise self._refused(status, content)
        return (line.rstrip(b"\n") for line in BytesIO(content))

    def follow(self, path: str) -> Iterator[bytes]:
        """Lines as they come, empty ones too, until the emulator ends, also where that resets the connection."""
        connection, begun = _connection(self._url), False
        try:
            self._connect(connection)
            connection.sock.settimeout(self._silence_s)
            with ExitStack() as at_the_end:
                with self._answered_within(min(self._whole_s, _SHORT_S), connection.sock):
                    connection.request("GET", CONTROL_PREFIX + path, headers=self._headers())
                    response = at_the_end.enter_context(connection.getresponse())
                    if response.status != 200:
                        raise self._refused(response.status, self._content(response, SHORT_BYTES_MAX))
                begun = True
                while line := response.readline(SHORT_BYTES_MAX):
                    if len(line) == SHORT_BYTES_MAX:
                        raise AnswerTooLargeError(
                            f"{self._url} answers with a line of {SHORT_BYTES_MAX:,} bytes or more"
                        )
                    yield line.rstrip(b"\n")
        except ConnectionResetError as error:
            if not begun:
                raise BrokenOffError(f"{self._url} {_how_it_ended(error, self._silence_s)}") from None
        except OSError as error:
            raise BrokenOffError(f"{self._url} {_how_it_ended(error, self._silence_s)}") from None
        except _NO_HTTP:
            raise self.stranger() from None
        finally:
            connection.close()

    def stranger(self) -> RemoteError:
        return RemoteError(f"{self._url} does not answer like a queue-emulator")

    def break_off(self, why: str = "is asked no more") -> None:
        """End what another thread asks: it hears BrokenOffError."""
        self._broken_off = why
        if self._asking is not None:
            with suppress(OSError):
                self._asking.shutdown(socket.SHUT_RDWR)

    def _refused(self, status: int, content: bytes) -> RemoteError:
        try:
            said = without_token(msgspec.json.decode(content, type=_Refusal).error, self._token)
            why = one_line(said[:_REASON_CHARACTERS_MAX].strip())
        except (msgspec.MsgspecError, RecursionError):
            why = ""
        return RemoteError(f"{self._url} refused: {why or f'HTTP {status}; is it a queue-emulator?'}")

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    def _connect(self, connection: http.client.HTTPConnection) -> None:
        try:
            connection.connect()
        except (OSError, UnicodeError) as error:
            raise SettingsError(
                f"no emulator answers at {self._url}: {error}; start one with: queue-emulator serve"
            ) from None

    def _exchange(
        self, method: str, path: str, body: Iterable[bytes], size_bytes: int, answer_bytes_max: int
    ) -> tuple[int, bytes]:
        connection = _connection(self._url)
        headers = self._headers()
        if size_bytes:
            headers |= {"Content-Type": "application/json", "Content-Length": str(size_bytes)}
        silence_s = _SEED_SILENCE_S if size_bytes else self._silence_s
        long = size_bytes or answer_bytes_max > SHORT_BYTES_MAX
        try:
            self._connect(connection)
            with self._answered_within(self._whole_s if long else min(self._whole_s, _SHORT_S), connection.sock):
                connection.sock.settimeout(silence_s)
                connection.request(method, path, body=body if size_bytes else None, headers=headers)
                with connection.getresponse() as response:
                    return response.status, self._content(response, answer_bytes_max)
        except (OSError, http.client.IncompleteRead) as error:
            raise BrokenOffError(f"{self._url} {_how_it_ended(error, silence_s)}") from None
        except _NO_HTTP:
            raise self.stranger() from None
        finally:
            connection.close()

    @contextmanager
    def _answered_within(self, seconds: float, connected: socket.socket) -> Iterator[None]:
        """Break off after so long, however the block takes that; raises BrokenOffError then, or if another does it."""
        overdue = Timer(seconds, self.break_off, [f"has not sent a complete answer within {seconds:g} s"])
        overdue.daemon = True
        self._asking = connected  # the connection forgets it as soon as an answer without a length begins
        try:
            overdue.start()
            self._check_not_broken_off()
            yield
        except Exception:
            self._check_not_broken_off()
            raise
        finally:
            overdue.cancel()
            self._asking = None
        self._check_not_broken_off()  # what was cut looks like an end

    def _check_not_broken_off(self) -> None:
        if self._broken_off:
            raise BrokenOffError(f"{self._url} {self._broken_off}") from None

    def _content(self, response: http.client.HTTPResponse, bytes_max: int) -> bytes:
        content = bytearray()
        while piece := response.read(_PIECE_BYTES):
            content += piece
            if len(content) > bytes_max:
                raise AnswerTooLargeError(f"{self._url} answers with more than {bytes_max:,} bytes")
        if response.length:  # a body that ended early, which read() with a number passes over
            raise http.client.IncompleteRead(bytes(content[:100]), response.length)
        return bytes(content)


_NO_HTTP = (http.client.HTTPException, ValueError, OverflowError)  # also of numbers in it that cannot be


def _connection(url: str) -> http.client.HTTPConnection:
    kinds: dict[str, type[http.client.HTTPConnection]] = {
        "http": http.client.HTTPConnection,
        "https": http.client.HTTPSConnection,
    }
    try:
        parts = urlsplit(url)
        plain = parts.path in ("", "/") and not (parts.username or parts.password or parts.query or parts.fragment)
        if parts.scheme in kinds and parts.hostname and plain:
            return kinds[parts.scheme](parts.hostname, parts.port, timeout=_CONNECT_S)
    except (ValueError, http.client.InvalidURL):
        pass
    raise SettingsError(f"not the URL of an emulator, such as http://127.0.0.1:8787: {without_password(url)}")


def _how_it_ended(error: Exception, silence_s: float) -> str:
    """What became of a connection that ended without a whole answer."""
    if isinstance(error, TimeoutError):
        return f"has sent nothing for {silence_s:g} s"
    return f"closed the connection before its answer was complete: {error}; is it a queue-emulator?"
