"""The command `run`: its options, and the one function that it calls."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from queue_emulator import settings
from queue_emulator.cli.kv_options import add_kv, add_ready_file, profile_of, state_of
from queue_emulator.cli.parsing import Commands, add_command, locations, port
from queue_emulator.core.errors import SettingsError

_USAGE = "queue-emulator run [options] -- COMMAND..."
_EXAMPLE = "queue-emulator run -- npx wrangler dev"


def add_run(commands: Commands) -> None:
    """`run -- COMMAND`."""
    words = "start wrangler, Vite, Vitest or another Workers tool, and give it this KV"
    parser = add_command(commands, "run", words, usage=_USAGE)
    add = parser.add_argument
    add("--port", type=port, default=0, help="the emulator's own port (default: a free one)")
    add_kv(parser)
    add_ready_file(parser)
    add(
        "--at", metavar="BINDING=LOCATION", action="append", default=[],
        help="the location of one KV binding; repeatable (default: the location of its Worker)",
    )  # fmt: skip
    add(
        "--seed", metavar="[BINDING=]FILE", action="append", default=[],
        help="`wrangler kv bulk put` file to load at each start; repeatable (default binding: CACHE, or the only one)",
    )  # fmt: skip
    add("--real-date", action="store_true", help="Date in Workers is the machine's, not the emulator's clock")
    add("command", nargs=argparse.REMAINDER, metavar="-- COMMAND", help=f"the command to start, as in: {_EXAMPLE}")
    parser.set_defaults(run=_run)


def _run(parsed: argparse.Namespace) -> int:
    from queue_emulator.compose.run import run
    from queue_emulator.workerd.extra import require_extra

    command = tuple(parsed.command[1:] if parsed.command[:1] == ["--"] else parsed.command)
    if not command:
        raise SettingsError(f"run needs a command, as in: {_EXAMPLE}")
    require_extra(("aiohttp", "h11"))
    return run(
        settings.ToolSettings(
            command=command,
            environment=settings.environment(),
            port=parsed.port,
            state=state_of(parsed),
            seeds=tuple(map(_seed, parsed.seed)),
            profile=profile_of(parsed),
            locations=locations(parsed.location),
            at=_at(parsed.at),
            random_seed=parsed.random_seed,
            api_token=settings.read_api_token(),
            ready_file=parsed.ready_file,
            real_date=parsed.real_date,
        )
    )


def _at(given: Sequence[str]) -> dict[str, str]:
    at: dict[str, str] = {}
    for each in given:
        binding, equals, location = each.partition("=")
        if not equals or not binding.isidentifier():
            raise SettingsError(f"--at must be BINDING=LOCATION, such as CACHE=NRT, not {each!r}")
        if at.get(binding, location) != location:
            raise SettingsError(f"--at gives {binding} two locations, {at[binding]} and {location}: give it one")
        (at[binding],) = locations([location])
    return at


def _seed(given: str) -> tuple[str, Path]:
    """A file whose own name has an equals sign is written with its folder, as ./a=b.json."""
    binding, equals, file = given.partition("=")
    return (binding, Path(file)) if equals and binding.isidentifier() else ("", Path(given))
