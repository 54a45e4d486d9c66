"""Listening: one socket, Hypercorn on it, and an orderly end on a signal."""

import asyncio
import errno
import gc
import signal
import socket
from collections.abc import Callable

from hypercorn.config import Config
from starlette.types import ASGIApp

from queue_emulator.accepting import NAME_A_HOST, raise_descriptor_limit, resolved
from queue_emulator.core.errors import SettingsError
from queue_emulator.core.repeated_lines import RepeatedLines
from queue_emulator.terminal import tell
from queue_emulator.web import protocol
from queue_emulator.web.connections import Connections

DESCRIPTORS_KEPT = 32  # for files of the store, and what else a run opens

_BACKLOG = 512
_NO_ADDRESS_HERE = (errno.EADDRNOTAVAIL, errno.EINVAL)
_OBJECTS_BETWEEN_COLLECTIONS = 10_000
_BETWEEN_FULL_COLLECTIONS = 200  # of which each looks at all that is held in memory, and nobody is answered meanwhile


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises SettingsError if the address cannot be had."""
    family, address = resolved(host, port)
    try:
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:  # a system without IPv6
        raise SettingsError(f"cannot listen on {host}: {error.strerror or error}; {NAME_A_HOST}") from None
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        choose = NAME_A_HOST if error.errno in _NO_ADDRESS_HERE else "choose another with --port"
        raise SettingsError(f"cannot listen on {host} port {port}: {error.strerror or error}; {choose}") from None
    return sock


def url(sock: socket.socket) -> str:
    """Where clients reach the socket."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(
    app: ASGIApp,
    sock: socket.socket,
    *,
    ready: Callable[[], None],
    grace_s: float,
    kept: int = DESCRIPTORS_KEPT,
    stop: asyncio.Event | None = None,
    ending: asyncio.Event | None = None,
) -> None:
    """Serve on the socket, which this takes over, until SIGINT or SIGTERM; then finish what is running.

    With a `stop` of the caller's, until that is set: signals are then the caller's too.
    `ready` is called when clients are about to be answered. Requests have `grace_s` to finish. `kept` file descriptors
    are left free by connections, for what their requests open. Of a connection that fails one line is told,
    without anything that it carried: a request's headers hold keys. `ending` is set when it ends, for answers that
    would go on for ever.
    """
    loop = asyncio.get_running_loop()
    failed = RepeatedLines(tell, loop.time)
    loop.set_exception_handler(lambda loop, context: failed(f"  a connection failed: {_failure(context)}"))
    if stop is None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
    protocol.install(failed)
    config = Config()
    config.accesslog = None
    config.errorlog = None
    config.include_server_header = False
    _spare_the_collector()
    connections = Connections(app, config, tell)
    connections.accept(sock, limit=raise_descriptor_limit(), kept=kept, log=tell)
    try:
        ready()
        await stop.wait()
    finally:
        if ending is not None:
            ending.set()
        await connections.end(grace_s if stop.is_set() else 0)


def _spare_the_collector() -> None:
    """What stands at the start stands to the end, and a page of a list is a thousand objects, none of them garbage."""
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, 10, _BETWEEN_FULL_COLLECTIONS)


def _failure(context: dict[str, object]) -> str:
    error = context.get("exception")
    return type(error).__name__ if error is not None else "for an unknown reason"
