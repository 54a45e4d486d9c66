"""`queue-contracts`: hold a target to the contract, compare two, hunt mutants.

Exit codes: 0 the contract holds, 1 it is broken, 2 wrong usage or a target that cannot be reached, 3 the run left its
profile or proved nothing, 70 a fault of the suite itself, 128 and the number of a signal that ended it.
"""

import argparse
import importlib
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import NoReturn

from queue_contracts import options
from queue_contracts.arguments import whole
from queue_contracts.codes import Code
from queue_contracts.names import ADMIN_KEY, JUNIT, KINDS, KV_ACCOUNT, KV_API, KV_NAMESPACE, KV_TOKEN, QUEUE_KEY
from queue_contracts.untrusted.visible import visible

CHECKS = Path(__file__).resolve().parent / "checks"
DELEGATED = {
    "diff": ("queue_contracts.compare.cli", "send the same requests to two targets and compare the answers"),
    "fidelity": ("queue_contracts.compare.cli", "measure how closely the emulator follows workerd, for each operation"),
    "mutants": ("queue_contracts.mutants.cli", "test the checks: run them against Workers that are broken on purpose"),
    "completion": ("queue_contracts.completion", "print completions for a shell: bash, zsh or tcsh"),
}
# Nothing but these, whatever else is installed: another plugin could change what is sent, or send something.
PLUGINS = ("xdist", "xdist.looponfail", "_hypothesis_pytestplugin")  # and Schemathesis, once a target answers
EPILOG = f"""exit codes:
  0 the contract holds; 1 it is broken; 2 wrong usage, or the target cannot be tested;
  3 the run tried to send more than its profile allows, or it proves nothing;
  70 a defect of queue-contracts; 130 and 143 interrupted

environment:
  {QUEUE_KEY}, {ADMIN_KEY}    the API keys for a URL; without the second, the migration routes are not tested
  {KV_ACCOUNT}, {KV_NAMESPACE}, {KV_TOKEN}
                    the KV namespace of that Worker, for the profiles isolated and disposable
  {KV_API}   address of the KV REST API (default: Cloudflare's)
  WORKERD           the workerd binary, or the node_modules folder that has it
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    missing = _missing_extra()
    if missing is not None:
        print(visible(f"queue-contracts needs {missing}: pip install 'queue-emulator[contracts]'"), file=sys.stderr)
        return Code.USAGE
    try:
        return _delegate(given[0], given[1:]) if given and given[0] in DELEGATED else _hold(given)
    except Exception:  # noqa: BLE001 - Python would end with 1, which says that the contract is broken
        from queue_contracts.untrusted.environment import printable

        print(printable(traceback.format_exc()), file=sys.stderr)
        print(
            "queue-contracts: this is a defect of queue-contracts itself; it says nothing about the target",
            file=sys.stderr,
        )
        return Code.FAULT


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong, instead of printing every option before it, and shows no key that is there."""

    def error(self, message: str) -> NoReturn:
        from queue_contracts.untrusted.environment import printable

        shown = message.replace("\n", "\\n")
        self.exit(2, printable(f"{self.prog}: {shown}; see {self.prog} --help\n"))


def _delegate(command: str, given: Sequence[str]) -> int:
    module, description = DELEGATED[command]
    commands = importlib.import_module(module)
    parser = _Parser(prog=f"queue-contracts {command}", description=description)
    parser.set_defaults(command=command)
    commands.add_arguments(parser)
    parsed = parser.parse_args(given)
    return _until_told_to_end(lambda: commands.run(parsed))


def _until_told_to_end(run: Callable[[], int]) -> int:
    """Run a command in this process. A signal that would end the process interrupts it, so that it tidies up."""
    heard: list[int] = []

    def interrupt(number: int, _: object) -> None:
        heard.append(number)
        raise KeyboardInterrupt

    try:
        with _on_signals(interrupt):
            code = run()
            sys.stdout.flush()
            return code
    except KeyboardInterrupt:
        print("queue-contracts: interrupted", file=sys.stderr)
        return 128 + heard[-1]
    except BrokenPipeError:
        # Nobody reads any more, and Python would say so once again when it flushes what is left.
        for descriptor in (sys.stdout.fileno(), sys.stderr.fileno()):
            os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
        return 128 + signal.SIGPIPE


def _hold(given: list[str]) -> int:
    command, environment = pytest_of(given)
    # A process of its own: pytest takes plugins, options and settings from the one that it is started in.
    process = subprocess.Popen(
        command,
        env=environment,
        # A shell's background jobs are started deaf to an interrupt, by which a run is told to tidy up and end.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    interrupted = _wait(process)
    return 128 + interrupted if interrupted else code_of(process.returncode)


def pytest_of(given: list[str]) -> tuple[list[str], dict[str, str]]:
    """The command that holds a target to the contract, and its environment. Wrong options end the process."""
    end = given.index("--") if "--" in given else len(given)
    passed_on = given[end + 1 :]
    parser = _parser()
    parsed, unknown = parser.parse_known_args(given[:end])
    if (parsed.target is None) == (parsed.url is None):
        parser.error(f"name one target: {', '.join(KINDS)}, or --url https://HOST")
    if unknown:
        parser.error(f"there is no option {unknown[0]}; options of pytest come after --")
    return _pytest(parsed, passed_on), _environment()


def code_of(code: int) -> int:
    """What a run ends with whose pytest ended with this code, or was ended by a signal."""
    return code if code in tuple(Code) else Code.USAGE if code >= 0 else 128 - code


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Until it has ended; what would end this process is passed on, so that it tidies up. The signal's number, or 0."""
    heard: list[int] = []

    def pass_on(number: int, _: object) -> None:
        heard.append(number)
        process.send_signal(signal.SIGINT)

    with _on_signals(pass_on):
        process.wait()
    return heard[0] if heard else 0


@contextmanager
def _on_signals(handle: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """While the block runs, this is done on what would end the process."""
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="queue-contracts",
        description="Check that a task queue keeps the contract of openapi.yaml. Other commands: "
        + ", ".join(DELEGATED),
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("target", nargs="?", choices=KINDS, help="start this server for the run")
    add_options(parser)
    return parser


def add_options(parser: argparse.ArgumentParser) -> None:
    """Everything but the target."""
    add = parser.add_argument
    add("--version", action="version", version=f"queue-contracts {version('queue-emulator')}")
    add("--url", metavar="URL", help="check a running deployment, such as https://staging.example.workers.dev")
    for option in options.OF_A_RUN:
        options.add(add, option)
    add(
        "--workers",
        type=whole,
        default=0,
        metavar="N",
        help="number of processes that check at the same time (default: one)",
    )
    add("--only", metavar="WORDS", help="run only checks whose name matches, as with -k of pytest")


def _pytest(parsed: argparse.Namespace, passed_on: Sequence[str]) -> list[str]:
    # -P: what lies in the caller's folder must not stand in for a module.
    command = [sys.executable, "-P", "-m", "pytest", "-c", str(CHECKS / "pytest.ini"), "--rootdir", str(CHECKS)]
    command += [each for plugin in PLUGINS for each in ("-p", plugin)]
    command += [
        "-p",
        "no:cacheprovider",
        "-p",
        "no:legacypath",
        "--tb=no",
        "-rN",
        "-q",
        "--no-header",
        "-n",
        str(parsed.workers),
    ]
    command += ["--target", parsed.target or parsed.url, *options.for_pytest(parsed)]
    if parsed.report_dir is not None:
        command += ["--junitxml", str(parsed.report_dir.absolute() / JUNIT)]
    if parsed.only is not None:
        command += ["-k", parsed.only]
    return [*command, *passed_on, str(CHECKS)]


def _environment() -> dict[str, str]:
    """The caller's, without what would change pytest or Hypothesis."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "SCHEMATHESIS_"))}
    set_here = {
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONSAFEPATH": "1",  # -P, for the processes of pytest-xdist
        # Tables of Unicode, which take a second or two to make. Examples are kept nowhere: each run is like the first.
        "HYPOTHESIS_STORAGE_DIRECTORY": str(_cache()),
    }
    return {**ours, **set_here}


def _cache() -> Path:
    """The user's, as https://specifications.freedesktop.org/basedir-spec/latest/ has it."""
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if given.is_absolute():
        return given / "queue-contracts"
    try:
        return Path.home() / ".cache" / "queue-contracts"
    except RuntimeError:  # there is no home
        return Path(tempfile.gettempdir()) / f"queue-contracts-{os.getuid()}"


def _missing_extra() -> str | None:
    for name in ("pytest", "xdist", "schemathesis", "httpx", "pyrate_limiter", "filelock", "openapi_spec_validator"):
        if importlib.util.find_spec(name) is None:
            return name
    return None


if __name__ == "__main__":
    sys.exit(main())
