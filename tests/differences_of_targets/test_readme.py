"""What contracts/README.md shows of a sequence runs, and is answered as it says."""

from pathlib import Path

from queue_contracts.compare.parser import read_sequences
from tests.differences_of_targets.conftest import Compare

README = Path(__file__).parents[2] / "contracts" / "README.md"


def test_the_sequence_in_the_readme_runs(compared: Compare, tmp_path: Path) -> None:
    text = README.read_text(encoding="utf-8")
    (block,) = [block.partition("```")[0] for block in text.split("```yaml\n") if block.startswith("- name: a task")]
    file = tmp_path / "mine.yaml"
    file.write_text(block, encoding="utf-8")
    comparison = compared(None, *read_sequences([file]))
    assert not comparison.findings
    assert len(comparison.steps) == 10
