"""Accepting connections for as long as there are file descriptors, and waiting for one when there is none.

asyncio's own servers do not: where no descriptor is left they say so some hundred times for each connection that waits
(https://github.com/python/cpython/blob/3.11/Lib/asyncio/selector_events.py , `_accept_connection`), and what a running
request needs to open, its way to the store or to a Worker, has been given to a connection that waits for nothing.
"""

import asyncio
import errno
import os
import socket
from collections.abc import Callable
from typing import TypeAlias

from queue_emulator.core.errors import SettingsError
from queue_emulator.core.repeated_lines import RepeatedLines

NAME_A_HOST = "--host takes an address or a name of this machine, such as 127.0.0.1"
_ACCEPTED_AT_ONCE = 64  # then others of this process have their turn
_LOOK_AGAIN_S = 0.1
_TABLE_IS_FULL = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_SOFT_LIMIT_MAX = 1_048_576  # what a "hard limit" without a number stands for; a process that asks for more is refused

Address: TypeAlias = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
Protocols = Callable[[], asyncio.BaseProtocol]


def raise_descriptor_limit() -> int:
    """Raise this process's soft limit of open files to the hard one; the limit that holds now."""
    try:
        import resource
    except ImportError:  # a system without limits of this kind
        return _SOFT_LIMIT_MAX
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _SOFT_LIMIT_MAX if hard == resource.RLIM_INFINITY else hard
    for limit in (wanted, 10_240):  # macOS names no hard limit and refuses more than OPEN_MAX
        if soft == resource.RLIM_INFINITY or limit <= soft:
            break
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
        except (ValueError, OSError):
            continue
        return limit
    return _SOFT_LIMIT_MAX if soft == resource.RLIM_INFINITY else soft


def resolved(host: str, port: int) -> tuple[socket.AddressFamily, Address]:
    """Where to listen, as a socket takes it; raises SettingsError for a name that leads nowhere, or is none."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "not the name of a host"
        raise SettingsError(f"cannot listen on {host or repr(host)}: {why}; {NAME_A_HOST}") from None
    return family, address


def half_of_descriptors() -> int:
    """As many as are left free where each request takes another one, on its way to a Worker."""
    return raise_descriptor_limit() // 2


class Acceptor:
    """Gives each connection of a listening socket, which this takes over, to a protocol; `kept` descriptors stay free.

    `make_room` is asked to close a connection that can be spared, and says whether it did; `short` is told when
    connections begin to wait, with True, and when they no longer do.
    """

    def __init__(
        self,
        sock: socket.socket,
        protocols: Protocols,
        *,
        limit: int,
        kept: int,
        make_room: Callable[[], bool] = lambda: False,
        short: Callable[[bool], None] = lambda short: None,
        log: Callable[[str], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        # Made of the descriptor alone, a socket knows that it speaks TCP: asyncio then sends on it without delay.
        self._sock = socket.socket(fileno=sock.detach())
        self._protocols = protocols
        self._limit = limit
        self._descriptors_max = limit - kept
        self._make_room = make_room
        self._short = short
        self._log = RepeatedLines(log, self._loop.time)
        self._beginning: set[asyncio.Task[object]] = set()
        self._waiting: asyncio.TimerHandle | None = None
        self._closed = False
        self._sock.setblocking(False)
        self._loop.add_reader(self._sock, self._accept)

    def close(self) -> None:
        """Accept no more, and close the listening socket."""
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._sock)
        if self._waiting is not None:
            self._waiting.cancel()
        self._sock.close()

    def look_again(self) -> None:
        """A descriptor may have become free."""
        if self._waiting is None:
            return
        self._waiting.cancel()
        self._waiting = None
        if self._closed:
            return
        if self._has_room() or self._make_room():
            self._short(False)
            self._loop.add_reader(self._sock, self._accept)
        else:
            self._waiting = self._loop.call_later(_LOOK_AGAIN_S, self.look_again)

    def _accept(self) -> None:
        for _ in range(_ACCEPTED_AT_ONCE):
            if not self._has_room():
                self._is_full()
                return
            try:
                connection, _ = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _TABLE_IS_FULL:
                    raise
                self._is_full()
                return
            connection.setblocking(False)
            begun = self._loop.create_task(self._begin(connection))
            self._beginning.add(begun)
            begun.add_done_callback(self._beginning.discard)

    async def _begin(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._protocols, connection)
        except OSError:
            connection.close()  # it was closed before it began

    def _is_full(self) -> None:
        self._log(
            f"  all {self._limit:,} file descriptors that this process may have are in use: a new connection replaces"
            " the one that has been idle the longest, or waits; this is the hard limit (`ulimit -Hn`): to allow more,"
            " raise it as root, or with `docker run --ulimit nofile=N`"
        )
        if self._make_room():
            return  # it is closed before the socket is looked at again
        self._short(True)
        self._loop.remove_reader(self._sock)
        self._waiting = self._loop.call_later(_LOOK_AGAIN_S, self.look_again)

    def _has_room(self) -> bool:
        """The lowest free descriptor is the next one to be given away."""
        try:
            free = os.dup(self._sock.fileno())
        except OSError:
            return False
        os.close(free)
        return free < self._descriptors_max
