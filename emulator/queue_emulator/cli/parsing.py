"""What the parsers of all commands share: errors in one line, and how values of options are read."""

import argparse
from collections.abc import Sequence
from typing import NoReturn, TypeAlias

from queue_emulator import settings
from queue_emulator.core.clock import iso_8601, parse_iso_8601
from queue_emulator.core.errors import ClockError
from queue_emulator.core.places import MACHINES_MAX, location_codes
from queue_emulator.terminal import tell

_INSTANT_MS_MIN = 86_400_000  # data is older than the time that it is of, and nothing was before 1970

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""Where a command adds its parser."""


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line. The parsers of the commands are of this class too."""

    def error(self, message: str) -> NoReturn:
        tell(f"{self.prog}: {message}; see {self.prog} --help")
        raise SystemExit(2)

    def parse_known_args(  # type: ignore[override]  # one signature for both forms
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """A command refuses what it does not know itself: then the message names the command and its help."""
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}{self._meant(unknown[0])}")
        return parsed, unknown

    def _meant(self, unknown: str) -> str:
        """The option that looks most like it, as a question."""
        from difflib import get_close_matches

        nearest = get_close_matches(unknown.partition("=")[0], self._option_string_actions, n=1)
        return f" (did you mean {nearest[0]}?)" if nearest and unknown.startswith("--") else ""


def add_command(
    commands: Commands, name: str, does: str, *, epilog: str | None = None, usage: str | None = None
) -> argparse.ArgumentParser:
    """A command; what it does is said in the list of commands and in its own help. An epilog keeps its lines."""
    return commands.add_parser(
        name,
        help=does,
        description=f"{does[0].upper()}{does[1:]}.",
        epilog=epilog,
        usage=usage,
        formatter_class=argparse.HelpFormatter if epilog is None else argparse.RawDescriptionHelpFormatter,
    )


def locations(named: Sequence[str]) -> tuple[str, ...]:
    """The airport codes, in capitals; raises SettingsError."""
    return location_codes(named, "--location") or (settings.DEFAULT_LOCATION,)


def port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65_535):
        raise argparse.ArgumentTypeError(f"a port must be 0 to 65535, not {text!r}")
    return int(text)


def machines(text: str) -> int:
    """How many each location has."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MACHINES_MAX):
        raise argparse.ArgumentTypeError(f"must be 1 to {MACHINES_MAX} machines, not {text!r}")
    return int(text)


def positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"must be a whole number above 0, not {text!r}")
    return int(text)


def seconds(text: str) -> int:
    try:
        milliseconds = round(float(text) * 1000)
    except (ValueError, OverflowError):
        milliseconds = -1
    if not 0 <= milliseconds <= 86_400_000:
        raise argparse.ArgumentTypeError(f"must be 0 to 86400 seconds, not {text!r}")
    return milliseconds


def instant(text: str) -> int:
    """Milliseconds since 1970 of a time in ISO 8601."""
    try:
        at_ms = parse_iso_8601(text)
    except ClockError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if at_ms < _INSTANT_MS_MIN:
        raise argparse.ArgumentTypeError(f"must be {iso_8601(_INSTANT_MS_MIN)} or later, not {text!r}")
    return at_ms


def lag(text: str) -> tuple[int, int]:
    least, dots, most = text.partition("..")
    return (seconds(least), seconds(most)) if dots else (0, seconds(text))
