"""The comparison runs from end to end, and what it says of growth follows from the Worker's algorithms."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from queue_emulator.worker.versions import WorkerVersion
from tests.bench.compare.growth import Growth, take_growth
from tests.bench.compare.samples import Samples, exponent

SIZES = (2, 4, 8)


@pytest.fixture(scope="module")
def growths(tmp_path_factory: pytest.TempPathFactory) -> list[Growth]:
    return take_growth(SIZES, 1, tmp_path_factory.mktemp("growth") / "queues")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("operation", "version", "operations"),
    [
        ("Add Task", WorkerVersion.OLD, [3, 3, 3]),
        ("Add Task", WorkerVersion.NEW, [1, 1, 1]),
        ("Remove Task", WorkerVersion.OLD, [4, 4, 4]),
        ("Remove Task", WorkerVersion.NEW, [3, 3, 3]),
        ("List Tasks", WorkerVersion.OLD, [1, 1, 1]),
        ("List Tasks", WorkerVersion.NEW, [1, 1, 1]),
        ("Claim Task", WorkerVersion.OLD, [size + 4 for size in SIZES]),
        ("Claim Task", WorkerVersion.NEW, [size + 4 for size in SIZES]),
    ],
)
def test_kv_operations_are_those_of_the_algorithms(
    growths: list[Growth], operation: str, version: WorkerVersion, operations: list[int]
) -> None:
    (growth,) = (each for each in growths if (each.operation, each.version) == (operation, version))
    assert [cost.operations for cost in growth.costs] == operations


@pytest.mark.slow
@pytest.mark.parametrize("operation", ["Add Task", "Remove Task"])
def test_only_the_old_format_moves_more_bytes_the_longer_the_queue(growths: list[Growth], operation: str) -> None:
    moved = {each.version: [cost.value_bytes for cost in each.costs] for each in growths if each.operation == operation}
    old, new = moved[WorkerVersion.OLD], moved[WorkerVersion.NEW]
    assert old == sorted(set(old))
    assert len(set(new)) == 1


@pytest.mark.parametrize(("power", "costs"), [(0, [7, 7, 7]), (1, [2, 20, 200]), (2, [3, 300, 30_000])])
def test_the_exponent_is_that_of_the_curve(power: float, costs: list[float]) -> None:
    assert exponent([10, 100, 1_000], costs) == pytest.approx(power)


def test_the_middle_half_lies_between_the_quartiles() -> None:
    samples = Samples([5, 1, 4, 2, 3], "ms")
    assert (samples.median, samples.quartiles) == (3, (2, 4))


@pytest.mark.slow
@pytest.mark.runtime
def test_a_quick_run_writes_a_table_and_a_picture(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.bench.compare", "--quick", "--out", str(tmp_path / "out")]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    table = (tmp_path / "out" / "compare.md").read_text("utf-8")
    assert table in done.stdout
    assert table.count("| met ") + table.count("| missed ") == 7
    assert ElementTree.parse(tmp_path / "out" / "compare.svg").getroot().tag.endswith("svg")
