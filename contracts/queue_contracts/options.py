"""The options that several commands and pytest have, each declared once. It imports nothing that could be missing."""

from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypedDict, Unpack

from queue_contracts.arguments import rate
from queue_contracts.names import FORMATS
from queue_contracts.profiles import Profile

SEED = 20261120
RATE_OF_A_URL = 45


class Settings(TypedDict, total=False):
    """What `add_argument` is told of an option."""

    action: Literal["store_true", "append"]
    choices: Sequence[str]
    default: object
    help: str
    metavar: str
    type: Callable[[str], object]


class Add(Protocol):
    """`add_argument` of a parser, and `addoption` of pytest."""

    def __call__(self, name: str, /, **settings: Unpack[Settings]) -> object: ...


@dataclass(frozen=True)
class Option:
    """An option of `queue-contracts`; `in_pytest` is its name there, if a plugin of pytest may have the other one."""

    name: str
    settings: Settings
    in_pytest: str = ""

    @property
    def member(self) -> str:
        return self.name.removeprefix("--").replace("-", "_")

    @property
    def name_in_pytest(self) -> str:
        return self.in_pytest or self.name


_PROFILES = tuple(each.value for each in Profile)
_HOST = "repeat the host of the URL here, to allow that everything in its queue is deleted"
PROFILE = Option(
    "--profile",
    {"choices": _PROFILES, "help": "what the run may send to a URL (default: observe)"},
    in_pytest="--contract-profile",
)
DISPOSABLE = Option("--disposable", {"metavar": "HOST", "help": _HOST})
CONTROL = Option("--control", {"action": "store_true", "help": "the URL is an emulator: use its controls"})
WORKER = Option(
    "--worker",
    {"type": Path, "metavar": "PATH", "help": "with workerd: run your Worker (default: the reference Worker)"},
)
WORKERD = Option(
    "--workerd",
    {
        "type": Path,
        "metavar": "PATH",
        "help": "the workerd binary, or a folder that has it (default: what the variable WORKERD names, else from a "
        "node_modules folder nearby, else from the PATH)",
    },
)
RATE = Option(
    "--rate",
    {
        "type": rate,
        "metavar": "N/min",
        "help": f"send at most N requests a minute, all processes together (default for a URL: {RATE_OF_A_URL}/min)",
    },
)
GENERATED_FROM = Option(
    "--seed",
    {
        "type": int,
        "default": SEED,
        "metavar": "N",
        "help": "the same number generates the same requests (default: %(default)s)",
    },
    in_pytest="--contract-seed",
)
REPORT_DIR = Option(
    "--report-dir",
    {"type": Path, "metavar": "DIR", "help": "write junit.xml, report.html and exchanges.har into this folder"},
)
WITHOUT = Option(
    "--without",
    {
        "action": "append",
        "default": [],
        "metavar": "PART",
        "help": "the Worker is meant not to have this: an operationId of openapi.yaml, or a tag for all its operations "
        "(repeatable)",
    },
    in_pytest="--contract-without",
)
FORMAT = Option(
    "--format",
    {"choices": FORMATS, "help": "the keys in which the Worker keeps its queue (default: new)"},
    in_pytest="--contract-format",
)
OF_A_RUN = (PROFILE, DISPOSABLE, CONTROL, WORKER, WORKERD, RATE, WITHOUT, FORMAT, GENERATED_FROM, REPORT_DIR)


def add(add_argument: Add, option: Option, **changed: Unpack[Settings]) -> None:
    """Give it to the `add_argument` of a parser."""
    settings: Settings = {**option.settings, **changed}
    add_argument(option.name, **settings)


def add_in_pytest(addoption: Add) -> None:
    """Those of a run, to pytest."""
    for option in OF_A_RUN:
        addoption(option.name_in_pytest, **option.settings)


def for_pytest(parsed: Namespace) -> Iterator[str]:
    """What was parsed for a run, as arguments of pytest; paths as seen from everywhere."""
    for option in OF_A_RUN:
        value = getattr(parsed, option.member)
        if isinstance(value, list):
            yield from (each for named in value for each in (option.name_in_pytest, named))
        elif value is True:
            yield option.name_in_pytest
        elif value not in (None, False):
            yield from (option.name_in_pytest, str(value.absolute() if isinstance(value, Path) else value))
