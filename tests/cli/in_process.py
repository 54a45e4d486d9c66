"""A command in the process of the tests: what it says, writes and ends with, without the start of another process."""

import io
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from queue_emulator.cli import main
from tests.cli.emulator_process import WAIT_S_MAX, closed_environment, files_of


def run_here(
    *arguments: str | Path,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    main: Callable[[Sequence[str]], int] = main,
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, as `run` of emulator_process.py does in a process of its own."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") for _ in range(2))
    words = [str(each) for each in arguments]
    with _interrupted_late(), as_it_was(), chdir(folder), redirect_stdout(out), redirect_stderr(err):
        os.environ.clear()
        os.environ.update(closed_environment(environment))
        try:
            code = main(words)
        except SystemExit as ended:
            code = int(ended.code or 0)
    said = [_text(stream) for stream in (out, err)]
    return subprocess.CompletedProcess(words, code, *said)


def refusal(*arguments: str | Path, folder: Path, environment: Mapping[str, str] | None = None) -> str:
    """The one line of a command that is refused, without the program's name; the folder is as it was."""
    before = files_of(folder), sorted(folder.rglob("*"))
    done = run_here(*arguments, folder=folder, environment=environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert (files_of(folder), sorted(folder.rglob("*"))) == before
    (line,) = done.stderr.splitlines()
    assert line.startswith("queue-emulator: ")
    return line.removeprefix("queue-emulator: ")


@contextmanager
def as_it_was() -> Iterator[None]:
    """A command takes SIGTERM over, and is given an environment; here it is one of many in a process."""
    handler, environment = signal.getsignal(signal.SIGTERM), dict(os.environ)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler)
        os.environ.clear()
        os.environ.update(environment)


@contextmanager
def _interrupted_late() -> Iterator[None]:
    """What would go on for ever, such as an emulator that was not refused, is ended as by Ctrl-C."""
    watchdog = threading.Timer(WAIT_S_MAX, os.kill, (os.getpid(), signal.SIGINT))
    watchdog.start()
    try:
        yield
    finally:
        watchdog.cancel()
        watchdog.join()


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    content: bytes = stream.buffer.getvalue()  # type: ignore[attr-defined]
    return content.decode()
