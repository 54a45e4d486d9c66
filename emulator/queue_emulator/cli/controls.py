"""The commands `keys`, `journal`, `clock`, `faults`, `cost` and `reset`: the controls of a running emulator."""

import argparse

from queue_emulator import settings
from queue_emulator.cli.parsing import Commands, add_command, positive
from queue_emulator.core.clock import parse_iso_8601
from queue_emulator.core.errors import ClockError

_DEFAULT_URL = f"http://{settings.DEFAULT_HOST}:{settings.DEFAULT_PORT}"
_FREEZE = {"freeze": True, "resume": False}

_CELLS = """\
The centre is the store that all locations ask. A location shows:
  same, 3 of 60 s             its copy, the centre's version: read 3 s ago, served for 60 s
  nothing, 3 of 60 s          its copy says that the key does not exist, which is true
  STALE: v1, 3 of 60 s        its copy is an old version; `nothing`: it says that the key does not exist
  NOT REPLICATED: still v1    it has no copy, and the last write has not reached it yet
  -                           it has no copy: it would ask the centre"""

_RULES = """\
VERDICT is one of:
  fail_before       the operation does not happen, and fails
  fail_after        the operation happens, but the caller gets an error
  delay             it waits: for_s=SECONDS
  drop_replication  a location does not see the write: to=LOCATION for_s=SECONDS

NAME=VALUE, none or several of:
  status=429        of a failure: 429, 500 (default), 502, 503, 504
  operation=put     get, get_bulk, put, delete, list
  key_prefix=TEXT   location=CODE   namespace=NAME
  nth=N             only the nth operation that matches
  times=N           at most so many times
  percent=N         only this share of the operations that match

for example:
  queue-emulator faults add fail_before operation=put key_prefix=queue:lease: times=1"""


def add_keys(commands: Commands) -> None:
    """`keys`."""
    parser = _control(
        commands,
        "keys",
        "show which version of each key the centre has, and each location shows",
        epilog=_CELLS,
    )
    add = parser.add_argument
    add("--prefix", metavar="P", default="", help="only keys that begin with this")
    add("--location", metavar="CODE", help="only this location (default: all)")
    add("--namespace", metavar="NAME", help="its name, title or id (default: the first)")
    add("--follow", action="store_true", help="then show each key that changes, until Ctrl-C")
    parser.set_defaults(run=_keys)


def add_journal(commands: Commands) -> None:
    """`journal`."""
    parser = _control(commands, "journal", "show the KV operations that a running emulator remembers")
    add = parser.add_argument
    add("--key", metavar="K", help="only operations on this key, and lists that it is on")
    add("--stale", action="store_true", help="only reads that did not see the last version")
    add("--follow", action="store_true", help="then show each that comes, until Ctrl-C")
    parser.set_defaults(run=_journal)


def add_clock(commands: Commands) -> None:
    """`clock`."""
    parser = _control(commands, "clock", "show or move the clock of a running emulator")
    parser.add_argument(
        "to",
        nargs="?",
        type=_change,
        metavar="CHANGE",
        help="+60 (seconds), next-expiry, freeze, resume, or a time such as 2026-11-23T17:00:00Z (default: show it)",
    )
    parser.set_defaults(run=_clock)


def add_faults(commands: Commands) -> None:
    """`faults`."""
    parser = _control(commands, "faults", "show or change the fault rules of a running emulator", epilog=_RULES)
    parser.add_argument(
        "words",
        nargs="*",
        metavar="WORD",
        help="add VERDICT NAME=VALUE..., remove ID, or clear (default: show them)",
    )
    parser.set_defaults(run=_faults)


def add_cost(commands: Commands) -> None:
    """`cost`."""
    parser = _control(commands, "cost", "show what the traffic of a running emulator would cost at Cloudflare")
    parser.add_argument(
        "--over", type=positive, metavar="S", help="the seconds in which this traffic happens (default: as measured)"
    )
    parser.set_defaults(run=_cost)


def add_reset(commands: Commands) -> None:
    """`reset`."""
    parser = _control(commands, "reset", "delete all data, faults, journal and counts of a running emulator")
    parser.set_defaults(run=_reset)


def _control(commands: Commands, name: str, does: str, *, epilog: str | None = None) -> argparse.ArgumentParser:
    parser = add_command(commands, name, does, epilog=epilog)
    parser.add_argument(
        "--url", metavar="URL", default=_DEFAULT_URL, help="address of the emulator (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    return parser


def _change(text: str) -> dict[str, object]:
    """What the clock is told."""
    if text in _FREEZE:
        return {"freeze": _FREEZE[text]}
    if text == "next-expiry":
        return {"to": "next expiry"}
    if text.startswith("+"):
        try:
            return {"advance_s": float(text)}
        except ValueError:
            raise argparse.ArgumentTypeError(f"must be +SECONDS, such as +60, not {text!r}") from None
    try:
        parse_iso_8601(text)
    except ClockError as error:
        raise argparse.ArgumentTypeError(f"{error}; or +60, next-expiry, freeze, resume") from None
    return {"set": text}


def _keys(parsed: argparse.Namespace) -> int:
    from queue_emulator.commands.keys import keys

    keys(
        parsed.url,
        prefix=parsed.prefix,
        location=parsed.location,
        namespace=parsed.namespace,
        follow=parsed.follow,
        as_json=parsed.json,
    )
    return 0


def _journal(parsed: argparse.Namespace) -> int:
    from queue_emulator.commands.controls import journal

    journal(parsed.url, key=parsed.key, stale=parsed.stale, follow=parsed.follow, as_json=parsed.json)
    return 0


def _clock(parsed: argparse.Namespace) -> int:
    from queue_emulator.commands.controls import clock

    clock(parsed.url, parsed.to, as_json=parsed.json)
    return 0


def _faults(parsed: argparse.Namespace) -> int:
    from queue_emulator.commands.controls import faults

    faults(parsed.url, parsed.words, as_json=parsed.json)
    return 0


def _cost(parsed: argparse.Namespace) -> int:
    from queue_emulator.commands.cost import cost

    cost(parsed.url, parsed.over, as_json=parsed.json)
    return 0


def _reset(parsed: argparse.Namespace) -> int:
    from queue_emulator.commands.controls import reset

    reset(parsed.url, as_json=parsed.json)
    return 0
