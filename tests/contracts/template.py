"""A process from which tests fork commands of `queue-contracts`: it has imported what each of them begins with.

That is most of the time of a short run. A fork has the folder, environment, streams and process group of its own that
a start would have, and ends as Python does. What Python itself does at a start is not repeated: a test of that starts
the command for real. Told on a socket, a line of JSON for each command; it answers with the id of the fork, and at the
end of it with its code and its memory.
"""

import gc
import json
import os
import random
import runpy
import socket
import sys
import tempfile
import threading
from importlib import import_module

from queue_contracts import cli

# Not what pytest loads as a plugin: it rewrites the assertions of these, and warns of one that is loaded already.
LOADED = (
    "filelock",
    "hypothesis.stateful",
    "openapi_spec_validator",
    "pytest",
    "schemathesis.generation.stateful",
    "schemathesis.pytest.plugin",
    "queue_contracts.checks.client",
    "queue_contracts.compare.cli",
    "queue_contracts.session.choosing",
    "queue_contracts.session.concluding",
    "queue_contracts.session.generating",
    "queue_contracts.session.looking",
    "queue_contracts.session.opening",
    "queue_contracts.session.preflight_plugin",
    "queue_contracts.session.watching",
    "queue_contracts.targets.opening",
)


def main() -> int:
    """Until the socket is closed; in a fork, the code of its command."""
    for name in LOADED:
        import_module(name)
    assert threading.active_count() == 1, "a fork would lack the other threads"
    gc.freeze()
    control = socket.socket(fileno=int(sys.argv[1]))
    while told := _told(control):
        command, streams = told
        process = os.fork()
        if not process:
            control.close()
            return _as_if_started(command, streams)
        for stream in streams:
            os.close(stream)
        _say(control, {"pid": process})
        _, status, used = os.wait4(process, 0)
        _say(control, {"code": os.waitstatus_to_exitcode(status), "memory_kib": used.ru_maxrss})
    return 0


def _told(control: socket.socket) -> tuple[dict[str, object], list[int]] | None:
    line, streams, _, _ = socket.recv_fds(control, 1 << 16, 2)
    while line and not line.endswith(b"\n"):
        line += control.recv(1 << 16)
    return (json.loads(line), streams) if line else None


def _say(control: socket.socket, what: dict[str, int]) -> None:
    control.sendall(json.dumps(what).encode() + b"\n")


def _as_if_started(command: dict[str, object], streams: list[int]) -> int:
    folder, environment, arguments = command["folder"], command["environment"], command["arguments"]
    assert isinstance(folder, str) and isinstance(environment, dict) and isinstance(arguments, list)
    os.setsid()
    os.chdir(folder)
    _set_environment(environment)
    for number, stream in enumerate((os.open(os.devnull, os.O_RDONLY), *streams)):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)
    sys.path[:0] = [each for each in environment.get("PYTHONPATH", "").split(os.pathsep) if each]
    tempfile.tempdir = None
    random.seed()
    if not arguments or arguments[0] in (*cli.DELEGATED, "--version"):
        return cli.main(arguments)
    return _pytest(*cli.pytest_of(arguments))


def _set_environment(environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)


def _pytest(command: list[str], environment: dict[str, str]) -> int:
    """What the command would start, in this process."""
    python = [sys.executable, "-P", "-m", "pytest"]
    assert command[: len(python)] == python
    _set_environment(environment)
    sys.argv = ["pytest", *command[len(python) :]]
    try:
        runpy.run_module("pytest", run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        return cli.code_of(int(ended.code or 0))
    raise AssertionError("pytest ends with a code")


if __name__ == "__main__":
    sys.exit(main())
