"""The table of intended differences: every row is pinned by a test that is there, every tolerance is a row."""

import ast
import re
from pathlib import Path

import pytest

from tests.differential.differences import PREDICATES

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "emulator" / "queue_emulator" / "kv" / "DIFFERENCES.md"
COLUMNS = ["id", "what", "miniflare, workerd or production", "here", "why", "pinned by"]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


HEADER, _, *ROWS = [cells(line) for line in TABLE.read_text("utf-8").splitlines() if line.startswith("|")]


def test_every_row_has_every_column() -> None:
    assert HEADER == COLUMNS
    assert all(len(row) == len(COLUMNS) and all(row) for row in ROWS)


def test_every_row_has_an_id_of_its_own() -> None:
    ids = [row[0] for row in ROWS]
    assert all(re.fullmatch(r"`[a-z0-9-]+`", id_) for id_ in ids)
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].strip("`"))
def test_the_test_that_pins_a_row_is_there(row: list[str]) -> None:
    file, _, name = row[-1].strip("`").partition("::")
    module = ast.parse((ROOT / file).read_text("utf-8"))
    assert name in {node.name for node in module.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}


def test_nothing_is_tolerated_that_is_not_a_row() -> None:
    assert PREDICATES.keys() <= {row[0].strip("`") for row in ROWS}


def test_every_tolerated_row_is_pinned_on_both_sides() -> None:
    pinned = {row[0].strip("`"): row[-1] for row in ROWS}
    assert all(pinned[id_].startswith("`tests/differential/test_differences.py::") for id_ in PREDICATES)
