"""README.md's tables name what there is: no more, no less."""

import re
from pathlib import Path

import pytest

from tests.cli.in_process import run_here
from tests.docs.readme import TEXT, Block, StartedFor

pytestmark = pytest.mark.slow


def first_cells(heading: str) -> list[str]:
    """The first cell of every row of the tables below a heading."""
    (section,) = re.findall(rf"^## {re.escape(heading)}$(.*?)(?=^## )", TEXT, re.MULTILINE | re.DOTALL)
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    return [re.split(r"(?<!\\) \|", row.removeprefix("| "))[0] for row in rows]


def test_every_option_of_serve_is_in_the_table(tmp_path: Path) -> None:
    documented = re.findall(r"--[a-z-]+", " ".join(first_cells("Options of `serve`")))
    offered = re.findall(r"^  (?:-h, )?(--[a-z-]+)", run_here("serve", "--help", folder=tmp_path).stdout, re.MULTILINE)
    assert sorted(documented) == sorted(set(offered) - {"--help"})


def test_every_control_is_in_the_table(started_for: StartedFor) -> None:
    emulator = started_for(Block("sh", "", ("--ephemeral",)))
    told = emulator.ask("GET", "/cdn-cgi/emulator/nothing").json()["error"]
    offered = told.partition("there are ")[2].partition(" under ")[0].split(", ")
    cells = " ".join(first_cells("Controls"))
    documented = re.findall(r"(?:GET|POST|DELETE)`? ?`?(?=[a-z])([a-z.]+)", cells)
    assert set(documented) == set(offered)
