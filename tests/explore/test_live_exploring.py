"""The explorer as a person plays with it: schedules step by step, and a search in a process of its own."""

import json
from pathlib import Path

import pytest

from queue_emulator.compose.live_explorer import LiveExplorer
from queue_emulator.core.errors import EmulatorError, SettingsError

pytestmark = pytest.mark.anyio
SCHEDULES = sorted((Path(__file__).parents[2] / "fixtures").rglob("*.schedule"))
EXPLORER = LiveExplorer()
MACHINES = """\
# a schedule of queue-emulator explore, form 1
broken     P11 renew
limits     page 20, operations 20, lease 120 s
final      new
before     new t1
actor      b at SJC on new: renew t1
actor      a at SJC on new: claim, renew

b          renew t1     get queue:lease:t1 @2
clock +1 s
a          claim        list queue:task:
a                       get queue:lease:t1
a                       put queue:lease:t1
a                       get queue:lease:t1
a                       get queue:task:t1
clock +1 s
a          renew t1     get queue:lease:t1 @2
"""


def of_queue() -> list[Path]:
    return [path for path in SCHEDULES if "\nscenario " not in path.read_text("utf-8")]


@pytest.mark.parametrize("path", of_queue()[:6], ids=lambda path: path.stem)
def test_a_recorded_schedule_is_played_as_it_says_and_breaks_what_it_says(path: Path) -> None:
    assert_played_as_it_says(path.read_text("utf-8"))


def test_a_schedule_is_played_on_the_machines_that_it_names() -> None:
    assert_played_as_it_says(MACHINES)


def assert_played_as_it_says(text: str) -> None:
    choices: list[dict[str, object]] = []
    told = EXPLORER.play(text, [])
    while told["suggested"] is not None:
        suggested = told["suggested"]
        assert isinstance(suggested, dict)
        choices.append({name: suggested[name] for name in ("actor", "pause_ms", "fault", "machine")})
        told = EXPLORER.play(text, choices)  # type: ignore[arg-type]
    if not told["ended"]:
        told = EXPLORER.play(text, [*choices, {"end": True}])  # type: ignore[list-item]
    assert told["broken"]
    assert "is broken here" in str(told["picture"])


def test_another_choice_is_anybody_s_and_the_schedule_suggests_nothing_any_more() -> None:
    told = EXPLORER.play("daemons", [{"actor": "b"}, {"actor": "a", "pause_ms": 60_000}])
    assert (told["made"], told["suggested"], told["ended"]) == (2, None, False)
    assert str(told["picture"]).startswith("<svg")


@pytest.mark.parametrize(
    ("schedule", "choices", "why"),
    [
        ("nothing", [], "unknown scenario 'nothing'; there are daemons"),
        ("daemons", [{"actor": "z"}], "'z' cannot go on like this here"),
        ("daemons", [{"actor": "a", "fault": "killed"}], "'a' cannot go on like this here"),
        ("daemons", [{"actor": "a", "pause_ms": -3}], "pause_ms must be a whole number from -2 to 86400000, not -3"),
        ("daemons", [{"actor": "a", "machine": 2}], "'a' cannot go on like this here"),
        ("daemons", [{"actor": "a", "machine": 17}], "machine must be a whole number from 1 to 16, not 17"),
        ("daemons", [{}], "actor is missing"),
        ("daemons", [{"end": True}, {"actor": "a"}], "the schedule has ended"),
        ("# a schedule of queue-emulator explore, form 1\nnonsense", [], "the schedule, line 2"),
    ],
)
def test_what_cannot_be_played_is_refused(schedule: str, choices: list[dict[str, object]], why: str) -> None:
    with pytest.raises(EmulatorError, match=r".*") as raised:
        EXPLORER.play(schedule, choices)  # type: ignore[arg-type]
    assert why in str(raised.value)


@pytest.mark.slow
async def test_a_search_tells_findings_with_schedule_and_picture_and_its_process_ends_with_it() -> None:
    lines = EXPLORER.search("two-ends", 60, 0)
    async for line in lines:
        finding = json.loads(line).get("finding")
        if finding is not None:
            break
    await lines.aclose()  # type: ignore[attr-defined]
    assert finding["picture"].startswith("<svg")
    assert EXPLORER.play(finding["schedule"], [])["suggested"] is not None
    with pytest.raises(SettingsError, match="unknown scenario"):
        EXPLORER.search("nothing", 1, 0)


async def test_a_search_runs_nothing_of_the_folder_that_the_emulator_was_started_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    lines = EXPLORER.search("two-ends", 0.01, 0)
    told = [json.loads(line) async for line in lines]
    assert "end" in told[-1]


async def test_a_search_that_dies_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text("import os\nos._exit(3)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (line,) = [line async for line in EXPLORER.search("two-ends", 1, 0)]
    assert json.loads(line)["error"].startswith("the search ended with exit code 3 before it was over")
