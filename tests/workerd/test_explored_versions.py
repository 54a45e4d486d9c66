"""Several builds of a Worker under `explore`: which answers an actor, and what only two of them side by side break."""

import json
from pathlib import Path

import pytest

from queue_emulator import cli
from queue_emulator.core.errors import SettingsError
from queue_emulator.exploration import first_finding, no_5xx, read_scenario, scenario, with_guarantees
from queue_emulator.explore.history import Actor

REFERENCE = Path(__file__).parents[2] / "fixtures" / "worker" / "worker.mjs"
NEW = """
export default { async fetch(request, env) {
  if (request.method === "PUT") await env.CACHE.put("session", JSON.stringify({ user: "ann" })).catch(() => {});
  const session = await env.CACHE.get("session");
  return new Response(session === null ? "nobody" : JSON.parse(session).user);
} };
"""
OLD = NEW.replace('JSON.stringify({ user: "ann" })', '"ann"').replace("JSON.parse(session).user", "session")
FILE = """
worker = "new.mjs"
versions = { old = "old.mjs" }
guarantees = ["no-5xx"]
[[actor]]
name = "a"
on = "old"
asks = ["PUT /", "GET /"]
[[actor]]
name = "b"
asks = ["PUT /", "GET /"]
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workerd: Path) -> Path:
    for name, text in (("new.mjs", NEW), ("old.mjs", OLD), ("mine.toml", FILE)):
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(workerd.parent), prepend=":")
    return tmp_path


def test_two_builds_side_by_side_break_what_neither_breaks_alone(folder: Path) -> None:
    found = ("explore", "--scenario", "mine.toml", "--schedules", "30")
    assert cli.main((*found, "--out", "found")) == 1
    (file,) = Path("found").glob("*.schedule")
    assert "actor      a at SJC on old\n" in file.read_text()
    assert "actor      b at SJC\n" in file.read_text()
    assert cli.main(("explore", "--replay", str(file))) == 1
    Path("old.mjs").write_text(NEW)
    assert cli.main(found) == 0
    assert cli.main(("explore", "--replay", str(file))) == 0


def test_what_two_builds_break_is_found_beside_what_a_limit_breaks_and_breaks_after_a_restart(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A limit that one build comes to by itself breaks the same guarantee, and is found first."""
    Path("old.mjs").write_text(OLD.replace("const session", "await env.CACHE.get('theme'); const session"))
    Path("mine.toml").write_text(f"operations = 2\nfaults = true\n{FILE}")
    assert cli.main(("explore", "--scenario", "mine.toml", "--schedules", "60", "--json", "--out", "found")) == 1
    found = json.loads(capsys.readouterr().out)["findings"]
    for needs, why in (([["operations"]], "Too many API requests"), ([], "is not valid JSON")):
        (each,) = (finding for finding in found if finding["needs"] == needs)
        assert why in each["why"]
        assert cli.main(("explore", "--replay", each["schedule"])) == 1
        assert why in capsys.readouterr().out


def test_builds_are_named_on_the_command_line_and_stand_in_the_command_of_a_replay(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("mine.toml").write_text(FILE.replace('versions = { old = "old.mjs" }\n', "").replace('worker = "new.mjs"', ""))
    named = ("--worker", "new.mjs", "--version", "old=old.mjs")
    assert cli.main(("explore", "--scenario", "mine.toml", "--schedules", "30", "--out", "found", *named)) == 1
    assert " --worker new.mjs --version old=old.mjs" in capsys.readouterr().out


def test_a_scenario_in_python_has_builds_too(folder: Path) -> None:
    actors = [Actor("a", "SJC", ("PUT /",), "old"), Actor("b", "SJC", ("GET /",))]
    of = scenario(folder / "new.mjs", actors, versions={"old": folder / "old.mjs"})
    finding = first_finding(with_guarantees(of, [no_5xx()]), schedules=10)
    assert finding is not None
    assert [actor.version for actor in finding.scenario.actors] == ["old", "new"]


def test_the_versions_of_the_queue_may_be_builds(capsys: pytest.CaptureFixture[str]) -> None:
    explored = ("explore", "--scenario", "old-beside-dual", "--schedules", "16", "--json", "--worker", str(REFERENCE))
    assert cli.main(explored) == 1
    told = capsys.readouterr().out
    assert cli.main((*explored, "--version", f"old={REFERENCE}", "--version", f"dual={REFERENCE.parent}")) == 1
    assert capsys.readouterr().out == told


def test_the_queue_and_another_scenario_are_asked_of_one_worker_each_with_its_own_variables(folder: Path) -> None:
    named = ("--worker", str(REFERENCE), "--scenario", "rollback", "--scenario", "mine.toml", "--schedules", "32")
    Path("mine.toml").write_text(FILE.partition("[[actor]]")[0].replace('versions = { old = "old.mjs" }', "") + ASKS)
    assert cli.main(("explore", *named, "--json")) == 1, "the queue answers those who have its key"


ASKS = """
[[actor]]
name = "a"
asks = ["GET /api/queue"]
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (FILE.replace('on = "old"', 'on = "odd"'), "actor a is on version 'odd' of the Worker; there are new, old"),
        (FILE.replace("{ old =", "{ new ="), "a version needs a name of letters and digits, other than new, not 'new'"),
        (FILE.replace('"old.mjs"', '"none.mjs"'), "there is no Worker at none.mjs: no such file"),
        (FILE.replace('"old.mjs"', '"old.py:worker"'), "versions are builds of a Worker in JavaScript"),
    ],
)
def test_what_cannot_be_is_one_line(text: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine.toml").write_text(text)
    assert cli.main(("explore", "--scenario", "mine.toml", "--schedules", "1")) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--version", "old=old.mjs"), "--version is only for your own Worker: add --worker PATH"),
        (
            ("--worker", "new.mjs", "--version", "blue=old.mjs"),
            "no actor can be on version 'blue' of the Worker; there",
        ),
        (("--worker", "new.mjs", "--version", "old.mjs"), "--version takes NAME=PATH"),
    ],
)
def test_a_version_on_the_command_line_that_cannot_be_is_one_line(
    options: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(("explore", "--scenario", "two-ends", "--schedules", "1", *options)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_a_function_of_python_has_no_builds(folder: Path) -> None:
    with pytest.raises(SettingsError, match="this one is a function of Python"):
        scenario(lambda request, env: None, [], versions={"old": folder / "old.mjs"})  # type: ignore[arg-type, return-value]
    assert read_scenario(Path("mine.toml")).actors[0].version == "old"
