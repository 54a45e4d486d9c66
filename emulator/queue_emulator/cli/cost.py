"""The command `cost`: what the traffic of a running emulator would cost."""

import argparse

from queue_emulator import settings
from queue_emulator.cli.parsing import positive
from queue_emulator.transfer.output import say

_DEFAULT_URL = f"http://{settings.DEFAULT_HOST}:{settings.DEFAULT_PORT}"


def add_cost(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`cost`."""
    parser = commands.add_parser("cost", help="show what the traffic of a running emulator would cost at Cloudflare")
    parser.add_argument(
        "--url", metavar="URL", default=_DEFAULT_URL, help="address of the emulator (default: %(default)s)"
    )
    parser.add_argument(
        "--over", type=positive, metavar="S", help="the seconds in which this traffic happens (default: as measured)"
    )
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    parser.set_defaults(run=_cost)


def _cost(parsed: argparse.Namespace) -> int:
    from queue_emulator.commands.cost import cost_as_json, cost_report

    say(*(cost_as_json if parsed.json else cost_report)(parsed.url, parsed.over))
    return 0
