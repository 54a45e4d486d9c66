"""Operations that one request asks for at once: in the order of the code, and in any other that is chosen."""

from pathlib import Path
from shutil import copytree

import pytest

from queue_emulator import cli
from queue_emulator.explore.history import Actor, Step, calls
from queue_emulator.explore.scenarios import KILLED
from queue_emulator.explore.turns import Choice
from tests.workerd.test_explored_workers import Start, start, steps

__all__ = ["start"]

FIXTURES = Path(__file__).parents[2] / "fixtures" / "explore"
A = Actor("a", "SJC", ("GET /1", "GET /2"))
AT_ONCE = (
    "const found = await Promise.all(['x', 'y', 'z'].map((key) => env.CACHE.put(key, '1')));"
    "await env.CACHE.get('end'); return new Response()"
)


def test_of_operations_that_wait_at_once_the_one_that_is_chosen_is_done(start: Start) -> None:
    with start(AT_ONCE) as started:
        for _ in range(3):
            world = started.world(A)
            for going in (3, 1, 1, 2):
                world.do(Choice("a", going=going))
            done = [(each.key, each.going) for each in world.history.happenings if isinstance(each, Step)]
            assert done == [(b"z", 3), (b"x", 1), (b"y", 1), (b"end", 1)], "there is no second one in the end"
            world.finish("a")
            assert steps(world)[-1] == ("a", "get", "end")


def test_a_run_that_is_killed_with_several_operations_waiting_does_none_of_them(start: Start) -> None:
    with start(AT_ONCE) as started:
        for _ in range(5):
            world = started.world(A)
            world.do(Choice("a", going=2))
            world.do(Choice("a", fault=KILLED))
            world.do(Choice("a"))
            world.finish("a")
            assert [key for _, _, key in steps(world)] == ["y", "x", "x", "y", "z", "end"]
            assert [call.status for call in calls(world.history.happenings)] == [0, 200]


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copytree(FIXTURES, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return Path("catalogue.toml")


def test_what_breaks_only_in_another_order_is_found_made_small_and_replayed(
    scenario: Path, workerd: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    explored = ("explore", "--scenario", str(scenario), "--workerd", str(workerd), "--schedules", "40")
    assert cli.main((*explored, "--out", "found")) == 1
    (file,) = Path("found").glob("*.schedule")
    written = file.read_text()
    assert "publisher  POST / 7     put newest #2 " in written
    assert "operations that one request makes at once are done in another order than it asked for them" in written
    assert sum(" -> " in line for line in written.splitlines()) == 4
    assert "asked for as number 2" in file.with_suffix(".svg").read_text()
    replayed = ("explore", "--replay", str(file), "--workerd", str(workerd))
    assert cli.main(replayed) == 1
    file.write_text(written.replace(" #2 ", "    "))
    capsys.readouterr()
    assert cli.main(replayed) == 0
    assert "publisher does put edition:7, where it was put newest" in capsys.readouterr().out


def test_what_waits_for_the_first_before_it_asks_for_the_second_holds(scenario: Path, workerd: Path) -> None:
    code = Path("catalogue.mjs").read_text()
    at_once = 'await Promise.all([CACHE.put(`edition:${edition}`, "words"), CACHE.put("newest", edition)]);'
    assert at_once in code
    mended = 'await CACHE.put(`edition:${edition}`, "words"); await CACHE.put("newest", edition);'
    Path("catalogue.mjs").write_text(code.replace(at_once, mended))
    assert cli.main(("explore", "--scenario", str(scenario), "--workerd", str(workerd), "--schedules", "40")) == 0
