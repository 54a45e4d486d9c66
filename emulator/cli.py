"""`queue-emulator`: parse, call one function, print. Exit codes: 0 done, 2 refused, 130 interrupted."""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from emulator import settings
from emulator.core.errors import EmulatorError, SettingsError
from emulator.core.profiles import PROFILES
from emulator.worker.fetch import WorkerVersion


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    parsed = _parser().parse_args(arguments)
    try:
        code: int = parsed.run(parsed)
    except EmulatorError as error:
        print(f"queue-emulator: {error}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        code = 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="queue-emulator", description="A Worker's task queue over an emulated Workers KV, on this machine."
    )
    parser.add_argument("--version", action="version", version=f"queue-emulator {version('queue-emulator')}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_serve(commands.add_parser("serve", help="start the emulator"))
    _add_seed(commands.add_parser("seed", help="load bulk-put files into an emulator or a state file"))
    return parser


def _add_serve(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--host", default=settings.DEFAULT_HOST, help="address to listen on (default: %(default)s)")
    add("--port", type=_port, default=settings.DEFAULT_PORT, help="0 takes a free one (default: %(default)s)")
    kept = parser.add_mutually_exclusive_group()
    kept.add_argument(
        "--state", type=Path, metavar="FILE", default=settings.DEFAULT_STATE, help="SQLite file (default: %(default)s)"
    )
    kept.add_argument("--ephemeral", action="store_true", help="keep the data in memory only")
    add(
        "--seed", type=Path, metavar="FILE", action="append", default=[],
        help="bulk-put file to load at each start; repeatable",
    )  # fmt: skip
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
    add("--quiet", action="store_true", help="no log line a request")
    parser.set_defaults(run=_serve)


def _add_seed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="JSON as for `wrangler kv bulk put`")
    target = parser.add_mutually_exclusive_group()
    target.add_argument("--to", metavar="URL", help="a running emulator (default: http://127.0.0.1:8787)")
    target.add_argument("--state", type=Path, metavar="FILE", help="a state file that no emulator has open")
    parser.set_defaults(run=_seed)


def _serve(parsed: argparse.Namespace) -> int:
    from emulator.run import serve

    serve(
        settings.Settings(
            keys=settings.read_keys(parsed.host),
            host=parsed.host,
            port=parsed.port,
            state=None if parsed.ephemeral else parsed.state,
            seeds=tuple(parsed.seed),
            profile=PROFILES[parsed.profile],
            locations=_locations(parsed.location),
            worker_version=WorkerVersion(parsed.worker_version),
            rate_limit_per_minute=parsed.rate_limit,
            log_requests=not parsed.quiet,
        )
    )
    return 0


def _seed(parsed: argparse.Namespace) -> int:
    from emulator.seeding import seed_state, seed_url

    if parsed.state is not None:
        seed_state(parsed.files, parsed.state)
    else:
        seed_url(parsed.files, parsed.to or f"http://{settings.DEFAULT_HOST}:{settings.DEFAULT_PORT}")
    return 0


def _locations(named: Sequence[str]) -> tuple[str, ...]:
    for code in named:
        if not (code.isascii() and code.isalnum() and len(code) <= 16):
            raise SettingsError(f"a location is named by letters and digits, as the airport code SJC, not {code!r}")
    return tuple(dict.fromkeys(named)) or (settings.DEFAULT_LOCATION,)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65_535):
        raise argparse.ArgumentTypeError(f"a port lies between 0 and 65535, not {text!r}")
    return int(text)


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"must be a whole number above 0, not {text!r}")
    return int(text)
