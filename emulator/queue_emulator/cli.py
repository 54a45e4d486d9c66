"""`queue-emulator`: parse, call one function, print.

Exit codes: 0 done, 1 workerd died, or not everything was written or is as it should be, 2 refused, 130 interrupted;
3 a schedule that cannot be replayed to its end.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn

from queue_emulator import __version__, settings
from queue_emulator.core.errors import EmulatorError, SettingsError
from queue_emulator.core.plans import PLANS
from queue_emulator.core.profiles import PROFILES, SWITCHES, compose
from queue_emulator.kv.cloudflare_access import Access
from queue_emulator.terminal import tell
from queue_emulator.transfer.commands import add_as_of, add_commands, as_of
from queue_emulator.transfer.output import PIPE_CLOSED, ClosedPipe, say
from queue_emulator.worker.fetch import WorkerVersion
from queue_emulator.workerd.bindings import WorkerFlags
from queue_emulator.workerd.stopped import WorkerStopped

_DEFAULT_URL = f"http://{settings.DEFAULT_HOST}:{settings.DEFAULT_PORT}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    if isinstance(sys.stdout, TextIOWrapper):  # a name of a file need not be text
        sys.stdout.reconfigure(errors="backslashreplace")
    _end_on_sigterm()
    parsed = _parser().parse_args(arguments)
    try:
        code: int = parsed.run(parsed)
    except EmulatorError as error:
        tell(f"queue-emulator: {error}")
        code = 1 if isinstance(error, WorkerStopped) else 2
    except OSError as error:  # a folder that may not be entered, a name that is too long, a disk without room
        where = f"{error.filename}: " if error.filename else ""
        tell(f"queue-emulator: {where}{error.strerror or error}")
        code = 2
    except ClosedPipe:
        code = PIPE_CLOSED
    except KeyboardInterrupt:
        code = 130
    return code


def _end_on_sigterm() -> None:
    """As Ctrl-C does: with what was begun undone or said. `serve` has a handler of its own."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGTERM, lambda number, frame: signal.raise_signal(signal.SIGINT))


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line. The parsers of the commands are of this class too."""

    def error(self, message: str) -> NoReturn:
        tell(f"{self.prog}: {message}; {self.prog} --help shows what there is")
        raise SystemExit(2)


def _parser() -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = _Parser(
        prog="queue-emulator", description="A Worker's task queue over an emulated Workers KV, on this machine."
    )
    parser.add_argument("--version", action="version", version=f"queue-emulator {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_serve(commands.add_parser("serve", help="start the emulator"))
    add_commands(commands)
    _add_explore(commands.add_parser("explore", help="find which order of requests and operations breaks the queue"))
    _add_cost(commands.add_parser("cost", help="what the traffic of a running emulator would cost on Cloudflare"))
    return parser


def _add_serve(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--host", default=settings.DEFAULT_HOST, help="address to listen on (default: %(default)s)")
    add("--port", type=_port, default=settings.DEFAULT_PORT, help="0 takes a free one (default: %(default)s)")
    kept = parser.add_mutually_exclusive_group()
    kept.add_argument("--state", type=Path, metavar="FILE", help=f"SQLite file (default: {settings.DEFAULT_STATE})")
    kept.add_argument("--ephemeral", action="store_true", help="keep the data in memory only")
    add(
        "--seed", type=Path, metavar="FILE", action="append", default=[],
        help="bulk-put file to load at each start; repeatable",
    )  # fmt: skip
    add_as_of(parser)
    add("--profile", choices=sorted(PROFILES), default="cloudflare", help="how faithful KV is (default: %(default)s)")
    add(
        "--location", metavar="CODE", action="append", default=[],
        help=f"name of a location, the first is the default; repeatable (default: {settings.DEFAULT_LOCATION})",
    )  # fmt: skip
    add(
        "--worker-version", choices=[each.value for each in WorkerVersion], default="new",
        help="which format the Worker uses (default: %(default)s)",
    )  # fmt: skip
    add("--rate-limit", type=_positive, metavar="N", help="answer 429 past N requests a minute a key")
    add("--plan", choices=sorted(PLANS), help="whose daily quotas hold (default: none)")
    add(
        "--without", choices=sorted(SWITCHES), action="append", default=[],
        help="switch off one of production's ways; repeatable",
    )  # fmt: skip
    add("--replication-lag", type=_lag, default=(0, 0), metavar="MIN..MAX", help="seconds until others see a write")
    add("--tombstone-life", type=_seconds, metavar="S", help="how long lists walk deleted keys (default: an hour)")
    add("--random-seed", type=int, metavar="N", help="makes every draw repeatable")
    add("--quiet", action="store_true", help="no log line a request")
    add("--kv", choices=("emulated", "cloudflare"), default="emulated", help="whose KV it is (default: %(default)s)")
    add("--namespace-id", metavar="ID", help="the real namespace of --kv cloudflare")
    _add_worker(parser.add_argument_group("a Worker of your own, on the real runtime"))
    parser.set_defaults(run=_serve)


def _add_worker(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--worker", type=Path, metavar="PATH", help="its main module, or its wrangler config or the folder of that")
    add("--workerd", type=Path, metavar="PATH", help="the binary (default: of a node_modules near, or on the PATH)")
    add(
        "--binding", metavar="NAME[=NAMESPACE]", action="append", default=[],
        help="a KV namespace that it is bound to; repeatable (default: CACHE)",
    )  # fmt: skip
    add("--var", metavar="NAME=VALUE", action="append", default=[], help="a text that it is bound to; repeatable")
    add("--compatibility-date", metavar="DATE", help="as wrangler's (default: the date of workerd)")
    add("--compatibility-flag", metavar="FLAG", action="append", default=[], help="as wrangler's; repeatable")


def _add_cost(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", metavar="URL", default=_DEFAULT_URL, help="the emulator (default: %(default)s)")
    parser.add_argument(
        "--over", type=_positive, metavar="S", help="the seconds that the traffic stands for (default: as observed)"
    )
    parser.set_defaults(run=_cost)


def _add_explore(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--scenario", metavar="NAME", action="append", default=[],
        help="which to search, as daemons; repeatable (default: all there are, and drawn ones)",
    )  # fmt: skip
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=_search_seconds, metavar="S", help="how long to search (default: 10)")
    length.add_argument("--schedules", type=_positive, metavar="N", help="how many to run: the same each time")
    add("--random-seed", type=int, default=0, metavar="N", help="makes every draw repeatable (default: %(default)s)")
    add("--out", type=Path, metavar="DIR", help="write the schedule of each finding there")
    add("--json", action="store_true", help="say what was found as JSON")
    add("--replay", type=Path, metavar="FILE", help="replay a schedule, and say whether it still breaks anything")
    parser.set_defaults(run=_explore)


def _serve(parsed: argparse.Namespace) -> int:
    from queue_emulator.run import serve

    cloudflare = _cloudflare(parsed)
    worker, keys = _worker(parsed)
    serve(
        settings.Settings(
            keys=keys,
            worker=worker,
            cloudflare=cloudflare,
            host=parsed.host,
            port=parsed.port,
            state=None if parsed.ephemeral else parsed.state or settings.DEFAULT_STATE,
            seeds=tuple(parsed.seed),
            as_of=as_of(parsed),
            profile=compose(
                parsed.profile,
                without=parsed.without,
                plan=parsed.plan,
                lag_ms=parsed.replication_lag,
                tombstone_life_ms=parsed.tombstone_life,
            ),
            locations=_locations(parsed.location),
            worker_version=WorkerVersion(parsed.worker_version),
            rate_limit_per_minute=parsed.rate_limit,
            log_requests=not parsed.quiet,
            random_seed=parsed.random_seed,
        )
    )
    return 0


def _cloudflare(parsed: argparse.Namespace) -> Access | None:
    """The real namespace that is to stand behind the Worker; None for an emulated one. Nothing of it is emulated."""
    if parsed.kv == "emulated":
        if parsed.namespace_id is not None:
            raise SettingsError("--namespace-id names a real namespace: it takes --kv cloudflare")
        return None
    emulated = next((name for name, default in _EMULATED_ONLY if getattr(parsed, name) != default), None)
    if emulated is not None:
        raise SettingsError(f"--{emulated.replace('_', '-')} is of emulated KV: a real namespace does not take it")
    if parsed.worker is not None:
        raise SettingsError(
            "--kv cloudflare runs the Python Worker; for your own, `wrangler dev` has bindings with `remote` set"
        )
    if parsed.namespace_id is None:
        raise SettingsError("--kv cloudflare needs --namespace-id, as `wrangler kv namespace list` shows it")
    access = settings.read_cloudflare(parsed.namespace_id)
    if parsed.seed and not access.on_loopback:
        raise SettingsError(
            f"--seed writes at each start, and {access.host} has real data: use `queue-emulator seed` once instead"
        )
    return access


_EMULATED_ONLY: tuple[tuple[str, object], ...] = (
    ("state", None),
    ("ephemeral", False),
    ("profile", "cloudflare"),
    ("location", []),
    ("plan", None),
    ("without", []),
    ("replication_lag", (0, 0)),
    ("tombstone_life", None),
)


def _worker(parsed: argparse.Namespace) -> tuple[settings.WorkerSettings | None, settings.KeySource]:
    if parsed.worker is None:
        stray = next((each for each in _WORKERS_OWN if getattr(parsed, each)), None)
        if stray is not None:
            raise SettingsError(f"--{stray.replace('_', '-')} says how to run a Worker: name it with --worker")
        return None, settings.read_keys(parsed.host)
    if parsed.rate_limit or parsed.worker_version != "new":
        raise SettingsError("--rate-limit and --worker-version are the Python Worker's, not those of --worker")
    flags = WorkerFlags(parsed.worker, parsed.binding, parsed.var, parsed.compatibility_date, parsed.compatibility_flag)
    return settings.read_worker(flags, workerd=parsed.workerd, host=parsed.host)


_WORKERS_OWN = ("workerd", "binding", "var", "compatibility_date", "compatibility_flag")


def _cost(parsed: argparse.Namespace) -> int:
    from queue_emulator.costs import cost_report

    say(*cost_report(parsed.url, parsed.over))
    return 0


def _explore(parsed: argparse.Namespace) -> int:
    from queue_emulator.exploring import explore

    return explore(parsed)


def _locations(named: Sequence[str]) -> tuple[str, ...]:
    codes = [code.upper() for code in named]
    for code, written in zip(codes, named, strict=True):
        if not (code.isascii() and code.isalpha() and len(code) == 3):
            raise SettingsError(f"--location takes an airport code of three letters, as SJC or NRT, not {written!r}")
        if codes.count(code) > 1:
            raise SettingsError(f"--location {code} is given twice: each location has one code")
    return tuple(codes) or (settings.DEFAULT_LOCATION,)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65_535):
        raise argparse.ArgumentTypeError(f"a port lies between 0 and 65535, not {text!r}")
    return int(text)


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"must be a whole number above 0, not {text!r}")
    return int(text)


def _seconds(text: str) -> int:
    try:
        milliseconds = round(float(text) * 1000)
    except (ValueError, OverflowError):
        milliseconds = -1
    if not 0 <= milliseconds <= 86_400_000:
        raise argparse.ArgumentTypeError(f"must be 0 to 86400 seconds, not {text!r}")
    return milliseconds


def _search_seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 86_400:
        raise argparse.ArgumentTypeError(f"must be above 0 and at most 86400 seconds, not {text!r}")
    return seconds


def _lag(text: str) -> tuple[int, int]:
    least, dots, most = text.partition("..")
    return (_seconds(least), _seconds(most)) if dots else (0, _seconds(text))
