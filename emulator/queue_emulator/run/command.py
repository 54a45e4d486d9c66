"""The command that was asked for, as a child with the preload: it gets our signals, and leaves nothing behind."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from queue_emulator.core.errors import SettingsError
from queue_emulator.run import leftovers

URL_NAME = "QUEUE_EMULATOR_URL"
PRELOAD = Path(__file__).with_name("preload.cjs")
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_END_S_MAX = 5.0  # for a command that was told to end; wrangler takes one


def find(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """The program that the command names, looked for as a shell does; raises SettingsError."""
    name = command[0]
    found = shutil.which(name, path=environment.get("PATH", os.defpath))
    if found is not None:
        return found
    if os.sep in name:
        why = "it may not be run" if Path(name).exists() else "there is no such file"
        raise SettingsError(f"cannot run {name}: {why}")
    if name in ("npx", "npm", "node", "pnpm", "yarn"):
        hint = "; Node.js and its npx must be installed"
    else:
        hint = f"; a tool of node_modules is started with npx: queue-emulator run -- npx {name}"
    raise SettingsError(f"cannot run {name}: it is not on the PATH{hint}")


def with_preload(environment: Mapping[str, str], folder: Path, url: str | None) -> dict[str, str]:
    """The environment in which every Node process loads the preload, after what the user has it load.

    `url` is the emulator's own, for scripts and tests that the command runs; None where it does not listen.
    """
    path = str(PRELOAD).replace("\\", "\\\\").replace('"', '\\"')
    options = " ".join(filter(None, (environment.get("NODE_OPTIONS"), f'--require "{path}"')))
    told = {} if url is None else {URL_NAME: url}
    return {**environment, "NODE_OPTIONS": options, leftovers.MARK: str(folder), **told}


@dataclass(frozen=True, slots=True)
class Apart:
    """A command without our terminal and our signals: where it runs, and the file that has its output."""

    folder: Path
    output: Path


class Command:
    """One child process. It shares our terminal, our standard streams and our process group: nothing is between."""

    def __init__(
        self,
        program: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        apart: "Apart | None" = None,
    ) -> None:
        """`environment` is the command's, as `with_preload` makes it."""
        self._apart = apart
        self._program = program
        self._command = tuple(command)
        self._environment = environment
        self._folder = str(folder)
        self._session = os.getsid(0)
        self._process: asyncio.subprocess.Process | None = None
        self._early: list[signal.Signals] = []  # heard before there was anybody to tell
        self._killing: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._guard = await self._start_guard()
        for number in _heard() if self._apart is None else ():
            self._loop.add_signal_handler(number, self._pass_on, number)
        try:
            self._process = await self._start()
        except BaseException:
            await self._dismiss_guard()
            raise
        for number in self._early:
            self._send(number)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Whatever happened: the command and all that it started end before we do."""
        self.end()
        await self._started.wait()
        await asyncio.to_thread(leftovers.end, self._folder, self._session)
        await self._dismiss_guard()

    @property
    def _started(self) -> asyncio.subprocess.Process:
        assert self._process is not None
        return self._process

    async def ended(self) -> int:
        """Wait for the command's own end: its exit code, 128 and the signal's number where a signal ended it."""
        code = await self._started.wait()
        if self._killing is not None:
            self._killing.cancel()
        return code if code >= 0 else 128 - code

    def end(self) -> None:
        """Have the command end: asked first, killed if it does not."""
        self._send(signal.SIGTERM)

    def _pass_on(self, number: signal.Signals) -> None:
        """A terminal sends Ctrl-C and its own end to the command as well: what it has got is not sent again."""
        if self._process is None or number == signal.SIGTERM or not _in_foreground():
            self._send(number)

    def _send(self, number: signal.Signals) -> None:
        if self._process is None:
            self._early.append(number)
        elif self._process.returncode is None:
            leftovers.send([self._process.pid], number)
            if self._killing is None:
                self._killing = self._loop.call_later(_END_S_MAX, self._send, signal.SIGKILL)

    async def _start(self) -> asyncio.subprocess.Process:
        given = asyncio.create_subprocess_exec
        try:
            if self._apart is None:
                return await given(*self._command, executable=self._program, env=self._environment)
            with self._apart.output.open("wb") as output:
                return await given(
                    *self._command,
                    executable=self._program,
                    env=self._environment,
                    cwd=self._apart.folder,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=asyncio.subprocess.STDOUT,
                )
        except OSError as error:
            raise SettingsError(f"cannot run {self._command[0]}: {error.strerror or error}") from None

    async def _start_guard(self) -> asyncio.subprocess.Process:
        program = (sys.executable, "-I", "-S", leftovers.__file__, self._folder, str(self._session))
        return await asyncio.create_subprocess_exec(*program, stdin=asyncio.subprocess.PIPE, start_new_session=True)

    async def _dismiss_guard(self) -> None:
        assert self._guard.stdin is not None
        with suppress(ConnectionError):
            self._guard.stdin.write(b"\n")
            await self._guard.stdin.drain()
        self._guard.stdin.close()
        await self._guard.wait()


def _heard() -> list[signal.Signals]:
    """A signal that is ignored, as under nohup or in the background of a script, stays ignored."""
    return [each for each in _SIGNALS if signal.getsignal(each) != signal.SIG_IGN]


def _in_foreground() -> bool:
    """Whether we are what the terminal speaks to."""
    with suppress(OSError):
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
        try:
            return os.tcgetpgrp(terminal) == os.getpgrp()
        finally:
            os.close(terminal)
    return False
