"""The order of a roll-out, as the migration guide has it: what breaks at each step, and what does not."""

from pathlib import Path

import pytest

from queue_emulator.explore.explorer import Explorer
from queue_emulator.explore.scenarios import BY_NAME, ROLL_OUT_STEPS

GUIDE = Path(__file__).parents[2] / "emulator" / "queue_emulator" / "worker" / "MIGRATION.md"
Found = set[tuple[str, tuple[str, ...]]]
RACE, RATE = "OVERLAP", "WRITE_RATE"
BROKEN: dict[str, Found] = {
    "old-beside-dual": {("P1", ()), ("P1", (RACE,)), ("P4", (RACE, RATE))},
    "run-beside-dual": {("P3", (RACE,)), ("P7", ())},
    "run-alone": {("P7", ())},
    "dual-beside-new": {("P1", (RACE,)), ("P4", (RACE, RATE))},
}
SELDOM: dict[str, Found] = {"run-beside-dual": {("P10", (RACE,))}, "dual-beside-new": {("P4", (RATE, "PAUSES"))}}


@pytest.mark.slow
@pytest.mark.parametrize("name", BROKEN)
def test_a_step_breaks_what_the_guide_says_and_nothing_else(name: str) -> None:
    explorer = Explorer([BY_NAME[name]], 0, swarm=False)
    for _ in explorer.run(lambda: False, 160):
        pass
    found = {
        (each.target.guarantee, tuple(behaviour.name for cause in each.causes for behaviour in cause))
        for each in explorer.findings
    }
    assert BROKEN[name] <= found <= BROKEN[name] | SELDOM.get(name, set())


def test_the_guide_names_each_step() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    assert [each.name for each in ROLL_OUT_STEPS] == list(BROKEN)
    assert all(f"| `{name}` |" in text for name in BROKEN)
