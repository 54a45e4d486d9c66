"""`queue-contracts` with nothing of the caller's environment but the path: as a process, or forked from one like it."""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

from tests.contracts.deployment import ACCOUNT, ADMIN_KEY, NAMESPACE, QUEUE_KEY, TOKEN, Deployment

SECONDS_MAX = 240
SHARED_CACHE = Path(tempfile.gettempdir()) / f"queue-contracts-tests-{os.getuid()}"
Ended = subprocess.CompletedProcess[str]


def environment(deployment: Deployment | None = None, *, kv: bool = False, **changed: str) -> dict[str, str]:
    """The keys of the deployment and, with `kv`, the way into its KV."""
    given = {
        "PATH": os.environ.get("PATH", os.defpath),
        "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(SHARED_CACHE)),
        "CONTRACT_QUEUE_KEY": QUEUE_KEY,
        "CONTRACT_ADMIN_KEY": ADMIN_KEY,
    }
    if kv and deployment is not None:
        given |= {
            "CONTRACT_KV_ACCOUNT": ACCOUNT,
            "CONTRACT_KV_NAMESPACE": NAMESPACE,
            "CONTRACT_KV_TOKEN": TOKEN,
            "CONTRACT_KV_API": f"{deployment.url}/client/v4",
        }
    return given | changed


def start(*arguments: str, env: dict[str, str], folder: Path) -> subprocess.Popen[str]:
    """In a group of its own, so that it can be killed with all that it started."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "queue_contracts.cli", *arguments],
        env=env | {"TMPDIR": str(folder)}, cwd=folder, text=True, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def run(*arguments: str, env: dict[str, str], folder: Path, real: bool = False) -> Ended:
    """Forked, unless it is to be a real start, or the environment has something that Python reads when it starts."""
    if not real and not any(name.startswith("PYTHON") and name != "PYTHONPATH" for name in env):
        ended = fork(*arguments, env=env | {"TMPDIR": str(folder)}, folder=folder)
        return subprocess.CompletedProcess(arguments, ended.code, ended.out, "")
    process = start(*arguments, env=env, folder=folder)
    try:
        output, _ = process.communicate(timeout=SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, output, "")


@dataclass(frozen=True)
class Forked:
    """`err` is empty where both streams are one. The memory is the most that it had, or a process that it started."""

    code: int
    out: str
    err: str
    memory_kib: int


def fork(*arguments: str, env: dict[str, str], folder: Path, apart: bool = False) -> Forked:
    """A command in a process that has imported everything. Its two streams are one, unless they are to be `apart`."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        told = {"arguments": arguments, "environment": env, "folder": str(folder)}
        answers = _template()
        pid = answers.ask(told, [out.fileno(), (err if apart else out).fileno()])["pid"]
        try:
            ended = answers.next()
        except TimeoutError:
            os.killpg(pid, signal.SIGKILL)
            _template.cache_clear()
            raise subprocess.TimeoutExpired(arguments, SECONDS_MAX) from None
        for stream in (out, err):
            stream.seek(0)
        return Forked(ended["code"], out.read(), err.read(), ended["memory_kib"])


@dataclass(frozen=True)
class Template:
    """The process that is forked; it forks one command at a time."""

    process: subprocess.Popen[bytes]
    control: socket.socket
    lines: IO[bytes]

    def ask(self, told: dict[str, Any], streams: list[int]) -> dict[str, int]:
        socket.send_fds(self.control, [json.dumps(told).encode() + b"\n"], streams)
        return self.next()

    def next(self) -> dict[str, int]:
        answered: dict[str, int] = json.loads(self.lines.readline())
        return answered

    def close(self) -> None:
        self.lines.close()
        self.control.close()
        self.process.wait()


@cache
def _template() -> Template:
    """One for this process, which ends with it."""
    here, there = socket.socketpair()
    with there:
        process = subprocess.Popen(
            [sys.executable, "-P", str(Path(__file__).with_name("template.py")), str(there.fileno())],
            env=environment(), pass_fds=[there.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip
    here.settimeout(SECONDS_MAX)
    template = Template(process, here, here.makefile("rb"))
    atexit.register(template.close)
    return template
