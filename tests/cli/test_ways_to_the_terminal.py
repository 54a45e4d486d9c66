"""Nothing reaches a terminal but through functions which make text of somebody else's harmless."""

import re
from pathlib import Path

import pytest

import queue_contracts
import queue_emulator
from tests.ways_to_the_terminal import other_ways

EMULATOR, CONTRACTS = (Path(str(each.__file__)).parent for each in (queue_emulator, queue_contracts))
WAYS = {"terminal.py", "transfer/output.py"}  # with `tell`, `ask` and `say`
OF_EMULATOR = frozenset({"one_line", "block"})
OF_CONTRACTS = frozenset({"one_line", "visible", "printable", "json.dumps", "shtab.complete"})
SCRIPTS = ("*.mjs", "*.cjs", "*.js", "*.mts")
_CONSOLE = re.compile(r"console\.\w+|process\.(?:stdout|stderr|emitWarning)|writeSync\([12]\b")
# To the emulator, which reads each line and shows what of it is said to be shown.
TO_US = {("workerd/tail.mjs", "console.log(ctx.props.mark + JSON.stringify(run));")}


def test_no_module_of_the_emulator_writes_to_the_terminal_by_itself() -> None:
    found = {
        str(path.relative_to(EMULATOR)): list(other_ways(path.read_text("utf-8"), OF_EMULATOR))
        for path in sorted(EMULATOR.rglob("*.py"))
        if str(path.relative_to(EMULATOR)) not in WAYS
    }
    assert {path: ways for path, ways in found.items() if ways} == {}


def test_queue_contracts_prints_nothing_that_it_has_not_made_harmless() -> None:
    found = {
        str(path.relative_to(CONTRACTS)): list(other_ways(path.read_text("utf-8"), OF_CONTRACTS, writers=True))
        for path in sorted(CONTRACTS.rglob("*.py"))
    }
    assert {path: ways for path, ways in found.items() if ways} == {}


def test_no_script_of_the_emulator_writes_to_the_terminal_by_itself() -> None:
    found = {
        (str(path.relative_to(EMULATOR)), line.strip())
        for pattern in SCRIPTS
        for path in EMULATOR.rglob(pattern)
        for line in path.read_text("utf-8").splitlines()
        if _CONSOLE.search(line)
    }
    assert found == TO_US


@pytest.mark.parametrize(
    "source",
    [
        "print(title)",
        "show = print",
        "input(question)",
        "import sys\nsys.stderr.write(title)",
        "import sys\nsys.stdout.reconfigure(errors='replace')\nsys.stdout.write(title)",
        "import sys\nshow = sys.stderr",
        "from sys import stderr",
        "import os\nos.write(2, title)",
        "import os\nos.write(sys.stderr.fileno(), title)",
        "open('/dev/tty', 'w').write(title)",
        "import logging\nlogging.warning(title)",
        "import logging\nlogging.getLogger().error(title)",
        "import warnings\nwarnings.warn(title)",
        "raise SystemExit(title)",
        "raise SystemExit(f'no {title}')",
        "import sys\nsys.exit(str(error))",
        "parser.exit(2, title)",
        "import traceback\ntraceback.print_exc()",
        "raise pytest.UsageError(title)",
        "pytest.exit(title)",
        "terminalreporter.write_line(title)",
        "tqdm.write(title, file=sys.stderr)",
        "tqdm(desc=f'reading {title}', unit=' keys')",
        "bar.set_postfix_str(title)",
    ],
)
def test_another_way_is_found(source: str) -> None:
    assert list(other_ways(source, OF_EMULATOR)) != []


@pytest.mark.parametrize(
    "source",
    [
        "tell(title)",
        "tqdm(desc=one_line(title), unit=' keys', file=sys.stderr)",
        "tqdm.write('done')",
        "raise SystemExit(2)",
        "sys.stdout.reconfigure(errors='replace')",
        "raise pytest.UsageError(block(title))",
    ],
)
def test_a_harmless_text_is_left_alone(source: str) -> None:
    assert list(other_ways(source, OF_EMULATOR)) == []


def test_of_what_is_printed_each_part_is_looked_at() -> None:
    for source in ("print('a', title)", "print(f'{title}')", "print(title + one_line(a))", "print(*lines, sep='\\n')"):
        assert list(other_ways(source, OF_EMULATOR, writers=True)) != [], source
    for source in ("print('a', one_line(title), file=sys.stderr)", "print(*map(one_line, lines))"):
        assert list(other_ways(source, OF_EMULATOR, writers=True)) == [], source
