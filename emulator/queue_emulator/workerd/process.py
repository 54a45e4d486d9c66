"""The workerd process: started, listened to, restarted once, and gone whenever we are."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile

from queue_emulator.core.errors import SettingsError
from queue_emulator.workerd.output import Output
from queue_emulator.workerd.stopped import WorkerNotStarted, WorkerStopped

_START_S_MAX = 60
_STOP_S_MAX = 1  # its requests have had their time; a Worker that spins ends no other way than killed
_CHUNK_BYTES = 65_536
LINE_BYTES_MAX = 64 << 20  # more than a Worker can print of one value of KV
_CUT_BYTES = 1000  # what is kept of a longer line
# Portable stand-in for Linux's parent-death signal: the shell becomes workerd, having left behind a child that waits
# on a pipe. The pipe ends without a word when we are gone, however that came: then workerd and its folder go too.
_GUARD = """
exec 3<&0 </dev/null
{ read -r _ <&3 || { kill -9 $$; rm -rf -- "$0"; }; } >/dev/null 2>&1 &
exec "$@" 3<&-
"""


class Workerd:
    """One workerd at a time, on the same listening sockets. `output` makes what takes the lines of one process."""

    def __init__(
        self,
        binary: Path,
        folder: Path,
        listeners: Mapping[str, socket.socket],
        *,
        output: Callable[[], Output],
        restarting: Callable[[], None],
        log: Callable[[str], None],
    ) -> None:
        self.binary = binary
        self._folder = folder
        self._listeners = listeners
        self._make_output = output
        self._restarting = restarting
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, config: str) -> None:
        """Start, and return when the Worker can be asked; raises WorkerNotStarted if it does not compile."""
        self._config = config
        self._output = self._make_output()
        control, told = os.pipe()
        guard, self._lifeline = os.pipe()
        try:
            with TemporaryFile() as file:  # without a name: it holds the Worker's secrets
                file.write(config.encode())
                file.seek(0)
                self._process = await self._spawn(file.fileno(), told, guard)
        finally:
            os.close(told)
            os.close(guard)
        assert self._process.stdout is not None
        self._reading = asyncio.ensure_future(read_lines(self._process.stdout, self._output.line))
        listening = asyncio.ensure_future(_listening(control, len(self._listeners)))
        try:
            await asyncio.wait((listening, self._reading), timeout=_START_S_MAX, return_when=asyncio.FIRST_COMPLETED)
            if not listening.done() or listening.exception() is not None:
                process, ended = self._process, self._reading.done()
                await self.stop()
                raise WorkerNotStarted(
                    f"the Worker does not start: {self._why_not(process.returncode if ended else None)}"
                )
        finally:
            listening.cancel()
        self._output.ready()

    async def watch(self) -> None:
        """Returns never: restarts the runtime once when it dies, and raises WorkerStopped when it dies again."""
        first = await self._died()
        self._log(f"  workerd died ({first}); starting it once more")
        self._restarting()
        await self.start(self._config)
        again = await self._died()
        raise WorkerStopped(f"workerd died again ({again}); the first time: {first}")

    async def start_again(self) -> None:
        """End it, if it has not ended by itself, and start another one; raises WorkerNotStarted."""
        if self._process is not None and self._reading.done():
            self._output.dead()
        await self.stop()
        self._restarting()
        await self.start(self._config)

    @property
    def alive(self) -> bool:
        return self._process is not None and not self._reading.done()

    async def stop(self) -> None:
        """End the process, by its id, and wait for its end."""
        process = self._process
        if process is None:
            return
        self._process = None
        if not self._reading.done():
            _send(process.pid, signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), _STOP_S_MAX)
        except TimeoutError:
            _send(process.pid, signal.SIGKILL)
            await process.wait()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # what it started holds its output open; the guard goes too
        with suppress(BrokenPipeError):
            os.write(self._lifeline, b"\n")
        os.close(self._lifeline)
        await self._reading

    async def _spawn(self, config: int, told: int, guard: int) -> asyncio.subprocess.Process:
        listeners = [f"--socket-fd={name}={each.fileno()}" for name, each in self._listeners.items()]
        folder = str(self._folder)
        command = ("/bin/sh", "-c", _GUARD, folder, str(self.binary), "serve", "-I", folder, f"/dev/fd/{config}")
        try:
            return await asyncio.create_subprocess_exec(
                *command,
                f"--control-fd={told}",
                *listeners,
                stdin=guard,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                pass_fds=(config, told, *(each.fileno() for each in self._listeners.values())),
                start_new_session=True,  # Ctrl-C is for us; we end workerd
            )
        except OSError as error:
            raise SettingsError(f"cannot run {self.binary}: {error.strerror or error}") from None

    async def _died(self) -> str:
        assert self._process is not None
        await asyncio.shield(self._reading)
        code = await self._process.wait()
        self._output.dead()
        await self.stop()
        return _ending(code)

    def _why_not(self, ended: int | None) -> str:
        told = dict.fromkeys(map(_without_service, self._output.problems))
        if told:
            return "\n".join(told)
        if ended is None:
            return f"workerd did not listen within {_START_S_MAX} s"
        return f"{self.binary} ended with {_ending(ended)} before it listened"


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _send(pid: int, number: signal.Signals) -> None:
    """Not by `Process.terminate`, which first looks whether it has ended, and so takes the exit code from asyncio."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


async def read_lines(
    said: asyncio.StreamReader, take: Callable[[bytes], None], bytes_max: int = LINE_BYTES_MAX
) -> None:
    """Have every line taken, without its end, to the end of the process. Of a longer line the beginning is taken."""
    begun: list[bytes] = []  # of a line that may be long: put together once
    left = bytes_max
    while chunk := await said.read(_CHUNK_BYTES):
        first, *others = chunk.split(b"\n")
        if left >= len(first):
            begun.append(first)
            left -= len(first)
        elif left >= 0:
            begun = [b"".join((*begun, first))[:_CUT_BYTES], b" (and so on, more than %d bytes)" % bytes_max]
            left = -1
        if others:
            take(b"".join(begun))
            for line in others[:-1]:
                take(line)
            begun, left = [others[-1]], bytes_max - len(others[-1])
    if rest := b"".join(begun):
        take(rest)


async def _listening(control: int, sockets: int) -> None:
    """Returns when workerd has said of every socket that it listens."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    pipe = os.fdopen(control, "rb", buffering=0)
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    try:
        while sockets > 0:
            line = await reader.readline()
            if not line:
                await asyncio.Future()  # it died: the end of its output tells
            sockets -= json.loads(line).get("event") == "listen"
    finally:
        transport.close()


def _without_service(message: str) -> str:
    """Every location's service complains of the same Worker."""
    start, colon, rest = message.partition(": ")
    return rest if colon and start.startswith("service ") else message
