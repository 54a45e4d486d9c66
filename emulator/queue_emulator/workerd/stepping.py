"""workerd, one event at a time: what its Workers ask of KV is told to us and waits for our answer.

Every Worker service has a name (a slot), which workerd itself puts on what the Worker asks. There is no event loop: who
sends something waits for what comes of it, so that nothing happens meanwhile that nobody has asked for. Of a Worker
that asks for several things at once, each is an event, in the order in which they were asked for.
"""

import selectors
import socket
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import h11

from queue_emulator.core.clock import Stopwatch
from queue_emulator.core.errors import EmulatorError
from queue_emulator.core.wire_names import LOCATION_HEADER
from queue_emulator.workerd.config import NAMESPACE_HEADER, OUTBOUND
from queue_emulator.workerd.runtime_kv import BACKLOG
from queue_emulator.workerd.stopped import WorkerStopped

SILENT_S_MAX = 10.0
BODY_BYTES_MAX = 64 << 20  # of one request or answer; KV holds 25 MiB under a key
_KEPT_BODY_BYTES_MAX = 16_384  # after a larger one, which its Worker may not have read, the runtime ends the connection
_LOOKED_FOR_S = 0.5  # before we ask whether the runtime is still there
_ENDED = "workerd has ended: it was killed, or it crashed"
_CHUNK_BYTES = 262_144
_HEAD_BYTES_MAX = 1024 * 1024
_IDLE_S_MAX = 2.0  # the runtime closes a connection that is idle for 5 s
_NUMBERS = count(1)
_DIGITS_MAX = 16
_TIMER_HOST = b"timer.emulator.invalid"

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A request of a Worker that waits for `Stepping.reply`. `outbound`: not of KV, but by its own `fetch`.

    `number` is its place among all requests of Workers, as they began to arrive.
    """

    slot: str
    outbound: bool
    method: str
    target: bytes
    headers: Headers
    body: bytes
    connection: "_Connection"
    number: int

    def header(self, name: bytes) -> bytes | None:
        """By its name in lower case."""
        return next((value for each, value in self.headers if each == name), None)

    @property
    def timer_ms(self) -> int | None:
        """How long until it rings, if it is a timer of the Worker."""
        rings = self.outbound and self.header(b"host") == _TIMER_HOST
        told = self.target.rpartition(b"/")[2]  # the Worker itself can ask for anything there
        return int(told) if rings and told.isdigit() and len(told) < _DIGITS_MAX else None


@dataclass(frozen=True, slots=True)
class Answered:
    """What a Worker answers to the request that its slot was sent."""

    slot: str
    status: int
    headers: Headers
    body: bytes

    def header(self, name: bytes) -> bytes | None:
        """By its name in lower case."""
        return next((value for each, value in self.headers if each == name), None)


class Stepping:
    """Both ends of a workerd's connections: ours to its slots, and its own to us."""

    def __init__(self, folder: Path, kv_socket: Path) -> None:
        """`folder` has a socket for each slot, of its name; `alive` says whether the runtime is still there."""
        self.alive: Callable[[], bool] = lambda: True
        self._folder = folder
        self._selector = selectors.DefaultSelector()
        self._events: defaultdict[str, deque[Asked | Answered]] = defaultdict(deque)
        self._slots: dict[str, _Connection] = {}
        self._probes: dict[str, _Connection] = {}
        self._runs: dict[str, int] = {}
        self._open = set[_Connection]()
        self._watch = Stopwatch()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(kv_socket))
        self._listener.listen(BACKLOG)
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)

    def send(self, slot: str, method: str, target: str, headers: Mapping[str, str], body: bytes) -> int:
        """A request to a slot, by a number of its own; what the slot was sent before is left, if that still runs."""
        if slot in self._runs:
            self.leave(slot, self._runs[slot])
        more = {"Connection": "close"} if len(body) > _KEPT_BODY_BYTES_MAX else {}
        head = h11.Request(method=method, target=target, headers=list({**headers, **more}.items()))
        self._send(self._connection(slot, self._slots), head, body)
        self._runs[slot] = number = next(_NUMBERS)
        return number

    def next(self, slot: str) -> Asked | Answered:
        """The next event of a slot; raises EmulatorError if there is none for long, WorkerStopped at the end of it."""
        events = self._events[slot]
        while not events:
            self._wait()
        return events.popleft()

    def any_more(self, slot: str) -> bool:
        """Whether an event of a slot is there already."""
        events = self._events[slot]
        while not events and self._look(0):
            pass
        return bool(events)

    def reply(self, asked: Asked, status: int, reason: str, headers: Iterable[tuple[str, str]], body: bytes) -> None:
        """The answer to what a Worker has asked; nobody hears it if the runtime has given the request up."""
        raw = [(name.encode(), value.encode("utf-8", "surrogateescape")) for name, value in headers]
        if status != 204:
            raw.append((b"Content-Length", str(len(body)).encode()))
        reason_raw = reason.encode("utf-8", "surrogateescape")
        asked.connection.asks_of = ""
        with suppress(OSError, h11.LocalProtocolError, WorkerStopped):
            self._send(asked.connection, h11.Response(status_code=status, headers=raw, reason=reason_raw), body)
            asked.connection.answered_whole()

    def probe(self, slot: str, headers: Mapping[str, str]) -> Answered:
        """A request to a slot in the midst of another one, and its answer, which has no body."""
        probe = self._connection(slot, self._probes)
        self._send(probe, h11.Request(method="GET", target="/", headers=list(headers.items())), b"")
        while probe.asked:
            self._wait()
        assert probe.answered is not None
        return probe.answered

    def leave(self, slot: str, number: int) -> None:
        """Be done with a request: if it is not answered, as a client who goes.

        Returns when the runtime has ended the run, and given up what that waits for.
        """
        if self._runs.get(slot) != number:
            return
        del self._runs[slot]
        connection = self._slots.get(slot)
        if connection is not None and connection.asked and connection in self._open:
            del self._slots[slot]
            self._drop(connection)
            while any(each in self._open and each.asks_of == slot for each in list(self._open)):
                self._wait()
        while self._open and self.any_more(slot):
            self._events[slot].clear()

    def close(self) -> None:
        """End every connection; may be called twice."""
        for connection in list(self._open):
            self._drop(connection)
        self._listener.close()
        self._selector.close()

    def _connection(self, slot: str, kept: dict[str, "_Connection"]) -> "_Connection":
        """The one that is kept, or a new one where the runtime may be about to close it."""
        now_s, connection = self._watch.elapsed_s(), kept.get(slot)
        if connection is not None and now_s - connection.used_s > _IDLE_S_MAX:
            self._drop(connection)
            connection = None
        if connection is None:
            to = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            to.connect(str(self._folder / slot))
            events = kept is self._slots
            connection = kept[slot] = self._keep(_Connection(to, h11.CLIENT, slot, events=events))
        connection.used_s = now_s
        return connection

    def _keep(self, connection: "_Connection") -> "_Connection":
        connection.socket.setblocking(False)
        self._selector.register(connection.socket, selectors.EVENT_READ, connection)
        self._open.add(connection)
        return connection

    def _drop(self, connection: "_Connection") -> None:
        self._open.discard(connection)
        self._selector.unregister(connection.socket)
        connection.socket.close()

    def _send(self, connection: "_Connection", head: h11.Request | h11.Response, body: bytes) -> None:
        """A message as a whole; what a Worker that does not read it leaves is sent while its next events come."""
        connection.send(head, body)
        self._go_on_sending(connection)

    def _go_on_sending(self, connection: "_Connection") -> None:
        connection.flush()
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if connection.unsent else 0)
        if self._selector.get_key(connection.socket).events != wanted:
            self._selector.modify(connection.socket, wanted, connection)

    def _wait(self) -> None:
        silent = Stopwatch()
        while not self._look(_LOOKED_FOR_S):
            if not self.alive():
                raise WorkerStopped(_ENDED)
            if silent.elapsed_s() >= SILENT_S_MAX:
                raise EmulatorError(
                    f"the Worker asks for nothing and does not answer for {SILENT_S_MAX:g} s: it waits for something "
                    "that cannot be explored"
                )

    def _look(self, timeout_s: float) -> bool:
        """Read what is there; whether anything was."""
        ready = self._selector.select(timeout_s)
        for key, happened in ready:
            connection: _Connection | None = key.data
            if connection is None:
                with suppress(BlockingIOError):
                    self._keep(_Connection(self._listener.accept()[0], h11.SERVER, "", events=True))
            elif connection in self._open:  # it may have gone since
                if happened & selectors.EVENT_WRITE:
                    with suppress(OSError, WorkerStopped):  # reading tells that it is over
                        self._go_on_sending(connection)
                if happened & selectors.EVENT_READ:
                    self._read(connection)
        return bool(ready)

    def _read(self, connection: "_Connection") -> None:
        try:
            received = connection.socket.recv(_CHUNK_BYTES)
        except BlockingIOError:
            return
        except ConnectionError:
            received = b""
        for event in connection.receive(received):
            if connection.events:
                self._events[event.slot].append(event)
            elif isinstance(event, Answered):
                connection.answered = event
        if connection.over:
            self._drop(connection)
            slots = self._slots if connection.events else self._probes
            if slots.get(connection.slot) is connection:
                del slots[connection.slot]
                if connection.asked:
                    raise WorkerStopped(_ENDED)


@dataclass(slots=True, eq=False)
class _Connection:
    """One connection, either way. `asked`: whether an answer is due; `over`: whether no more can come.

    `asks_of` is the slot whose request waits here for our reply, "" for none; `unsent` is what is still to be sent.
    """

    socket: socket.socket
    role: type[h11.CLIENT] | type[h11.SERVER]
    slot: str
    events: bool
    asked: bool = False
    asks_of: str = ""
    used_s: float = 0.0
    over: bool = False
    answered: Answered | None = None
    unsent: memoryview = field(default=memoryview(b""))
    _http: h11.Connection = field(init=False)
    _head: h11.Request | h11.Response | None = None
    _body: list[bytes] = field(default_factory=list)
    _body_bytes: int = 0
    _number: int = 0

    def __post_init__(self) -> None:
        self._http = h11.Connection(self.role, max_incomplete_event_size=_HEAD_BYTES_MAX)

    def send(self, head: h11.Request | h11.Response, body: bytes) -> None:
        """Make a message ready to be sent."""
        self.asked = isinstance(head, h11.Request)
        whole = self._http.send(head) or b""
        if body:
            whole += self._http.send(h11.Data(data=body)) or b""
        self.unsent = memoryview(whole + (self._http.send(h11.EndOfMessage()) or b""))

    def flush(self) -> None:
        """As much of it as the other side takes now; raises WorkerStopped if there is none for a request."""
        try:
            while self.unsent:
                self.unsent = self.unsent[self.socket.send(self.unsent) :]
        except BlockingIOError:
            return
        except ConnectionError:
            self.unsent = memoryview(b"")
            if self.role is h11.CLIENT:
                raise WorkerStopped(_ENDED) from None
            raise

    def answered_whole(self) -> None:
        """The next request may come."""
        if self._http.our_state is h11.DONE:
            self._http.start_next_cycle()

    def receive(self, received: bytes) -> list[Asked | Answered]:
        """What is whole by now."""
        events: list[Asked | Answered] = []
        try:
            self._http.receive_data(received)
            while (event := self._http.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                if isinstance(event, h11.Request | h11.Response):
                    self._head, self._body, self._body_bytes, self._number = event, [], 0, next(_NUMBERS)
                elif isinstance(event, h11.Data):
                    self._take(bytes(event.data))
                elif isinstance(event, h11.EndOfMessage):
                    events.append(self._whole())
                    if isinstance(self._head, h11.Response):
                        self.asked = False
                        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
                            self._http.start_next_cycle()
                elif isinstance(event, h11.ConnectionClosed):
                    self.over = True
                    break
        except h11.RemoteProtocolError:
            self.over = True
        if self._http.their_state in (h11.MUST_CLOSE, h11.CLOSED) and not self.asked and self.role is h11.CLIENT:
            self.over = True
        return events

    def _take(self, piece: bytes) -> None:
        self._body.append(piece)
        self._body_bytes += len(piece)
        if self._body_bytes > BODY_BYTES_MAX:
            raise EmulatorError(
                f"a body that the Worker sends goes on after {BODY_BYTES_MAX:,} bytes, the most that is explored"
            )

    def _whole(self) -> Asked | Answered:
        head, body = self._head, b"".join(self._body)
        if isinstance(head, h11.Request):
            told = dict(head.headers)
            slot = told.get(LOCATION_HEADER.lower().encode(), b"").decode()
            self.asks_of = slot
            outbound = told.get(NAMESPACE_HEADER.lower().encode()) == OUTBOUND.encode()
            return Asked(
                slot, outbound, head.method.decode("ascii"), head.target, list(head.headers), body, self, self._number
            )
        assert head is not None
        return Answered(self.slot, head.status_code, list(head.headers), body)
