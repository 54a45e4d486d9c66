"""A client's connection, as Hypercorn serves it, closed as soon as its client is gone.

Hypercorn's own connection ends when its last task does, and one of them waits for the connection to have been idle long
enough; a client that has gone does not end that task. Here no task waits: an idle connection is an entry in a list, in
the order in which they became idle, so that it costs nothing, and the first of them is the one that can best be spared.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Any, cast

from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config
from hypercorn.utils import wrap_app
from starlette.types import ASGIApp

from queue_emulator.accepting import Acceptor
from queue_emulator.core.repeated_lines import RepeatedLines
from queue_emulator.web.protocol import Protocol

_CHUNK_BYTES = 65_536
_REQUESTS_MAX = 2**63  # on one connection
_ANSWER_S = 5.0  # for an answer that is under way to a client that has closed its side: it may still be reading
_ENDED_S = 1.0  # for what is cancelled at the end
_SPARED_IDLE_S = 1.0  # a connection that has just been made is about to carry its request
_SPARED_SLOW_S = 30.0  # for a request to be sent, or an answer to be taken


class Connections:
    """All connections of one listening socket."""

    def __init__(self, app: ASGIApp, config: Config, log: Callable[[str], None]) -> None:
        self._app = wrap_app(app, config.wsgi_max_body_size, None)  # type: ignore[arg-type]
        self._config = config
        config.keep_alive_max_requests = _REQUESTS_MAX
        self._context = WorkerContext(None)
        self._loop = asyncio.get_running_loop()
        self._log = RepeatedLines(log, self._loop.time)
        self._tasks: dict[asyncio.Task[Any], _Connection] = {}
        self._acceptor: Acceptor | None = None
        self.idle: dict[_Connection, float] = {}  # since when, the oldest first

    def accept(self, sock: socket.socket, *, limit: int, kept: int, log: Callable[[str], None]) -> None:
        """Serve what connects to the socket, which this takes over."""
        self._acceptor = Acceptor(
            sock, self._protocol, limit=limit, kept=kept, make_room=self._make_room, short=self._short, log=log
        )

    @property
    def ending(self) -> bool:
        """Whether a connection that becomes idle is closed."""
        return self._context.terminated.is_set()

    async def end(self, grace_s: float) -> None:
        """Accept no more, close what is idle, and give the rest `grace_s` to finish."""
        assert self._acceptor is not None
        self._acceptor.close()
        await self._context.terminated.set()
        for connection in list(self.idle):
            connection.close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace_s)
        for task, connection in list(self._tasks.items()):
            connection.abort()
            task.cancel()
        if self._tasks:  # a task of Hypercorn's may swallow this, while it closes its side: what ends the loop ends it
            await asyncio.wait(self._tasks, timeout=_ENDED_S)

    def _protocol(self) -> asyncio.StreamReaderProtocol:
        return asyncio.StreamReaderProtocol(asyncio.StreamReader(_CHUNK_BYTES), self._serve)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connection = _Connection(self, self._app, self._loop, self._config, self._context, {}, reader, writer)
        self._tasks[task] = connection
        try:
            await connection
        except asyncio.CancelledError:
            pass  # it is told to end, and this task is all of it: asyncio would log it as a connection that failed
        except Exception as error:  # noqa: BLE001 - nothing that it carried is shown: a request's headers hold keys
            self._log(f"  a connection failed: {_kind(error)}")
        finally:
            del self._tasks[task]
            self._loop.call_soon(self._closed)

    def _closed(self) -> None:
        if self._acceptor is not None:
            self._acceptor.look_again()

    def _make_room(self) -> bool:
        """Close a connection that can be spared: the longest idle, else the one whose client is slowest."""
        now_s = self._loop.time()
        for connection, since_s in self.idle.items():
            if now_s - since_s < _SPARED_IDLE_S:
                break
            connection.abort()
            return True
        slow = [each for each in self._tasks.values() if each.is_slow(now_s)]
        if slow:
            min(slow, key=lambda each: each.busy_since_s).abort()
        return bool(slow)

    def _short(self, short: bool) -> None:
        """While others wait, every answer is the last on its connection."""
        self._config.keep_alive_max_requests = 0 if short else _REQUESTS_MAX


class _Connection(TCPServer):
    def __init__(self, connections: Connections, *given: Any) -> None:
        super().__init__(*given)
        self.busy_since_s = 0.0
        self._connections = connections
        self.idle_task = _Idle(self, connections)  # type: ignore[assignment]

    def is_slow(self, now_s: float) -> bool:
        """Whether it has waited long for its client: for the rest of a request, or for room to send an answer."""
        if self in self._connections.idle or now_s - self.busy_since_s < _SPARED_SLOW_S:
            return False
        unsent: int = self.writer.transport.get_write_buffer_size()
        return unsent > 0 or cast(Protocol, self.protocol).waits_for_client()

    def close(self) -> None:
        """End it; nothing is under way on it."""
        self._connections.idle.pop(self, None)
        self.writer.close()

    def abort(self) -> None:
        """End it now, with whatever is under way on it."""
        self._connections.idle.pop(self, None)
        self.writer.transport.abort()

    async def _read_data(self) -> None:
        await super()._read_data()
        # A client that has closed only its own side still reads. Whether it is one is not to be known.
        if self not in self._connections.idle:
            self.loop.call_later(_ANSWER_S, self.writer.transport.abort)


class _Idle:
    """In the place of Hypercorn's task that waits while a connection is idle."""

    def __init__(self, connection: _Connection, connections: Connections) -> None:
        self._connection = connection
        self._connections = connections

    async def restart(self, task_group: Any, action: Callable[[], Any]) -> None:
        """The connection is idle from now on."""
        if self._connections.ending:
            self._connection.writer.close()
        else:
            self._connections.idle[self._connection] = self._connection.loop.time()

    async def stop(self) -> None:
        """It is not, or it is closed."""
        self._connections.idle.pop(self._connection, None)
        self._connection.busy_since_s = self._connection.loop.time()


def _kind(error: BaseException) -> str:
    """The type of what failed, of a group that of its first."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return type(error).__name__
