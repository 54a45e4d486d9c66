"""A Worker of somebody's own: its requests, what is kept of answers, its guarantees, and what is found."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from queue_emulator import cli
from queue_emulator.core.errors import EmulatorError, SettingsError
from queue_emulator.exploration import (
    Actor,
    Request,
    Response,
    Scenario,
    Seen,
    first_finding,
    guarantee,
    read_scenario,
    scenario,
    with_guarantees,
)
from queue_emulator.explore import schedule, text_report
from queue_emulator.explore.causes import replay
from queue_emulator.explore.history import Ended
from queue_emulator.explore.turns import Choice

FOLDER = Path(__file__).parents[2] / "fixtures" / "explore"


async def echo(request: Request, env: SimpleNamespace) -> Response:
    """Tells what it was asked, and keeps each body under its path."""
    if request.method == "PUT":
        await env.CACHE.put(request.path, await request.text())
    stored = await env.CACHE.get(request.path)
    return Response.json({"url": request.url, "key": request.headers.get("x-key"), "stored": stored})


def holds(seen: Seen) -> None:
    """Nothing is asked of it."""


def answers(of: Scenario, *names: str) -> list[object]:
    world = replay(with_guarantees(of, [holds]), [Choice(name) for name in names])
    return [each.call.body for each in world.history.happenings if isinstance(each, Ended)]


def test_a_request_has_method_path_body_headers_and_what_was_kept_of_an_answer() -> None:
    script = ('PUT /a {"x": 1} | was = stored', "PUT /b?of=$was $was!", "GET /c $never")
    of = scenario(echo, [Actor("a", "SJC", script)], headers={"X-Key": "k"}, before={"/c": "there"})
    assert answers(of, *"aaaa") == [
        {"url": "https://worker.example/a", "key": "k", "stored": '{"x": 1}'},
        {"url": 'https://worker.example/b?of={"x": 1}', "key": "k", "stored": '{"x": 1}!'},
    ], "and one that needs what was never kept is left out"


async def of_another_binding(request: Request, env: SimpleNamespace) -> Response:
    return Response.json({"stored": await env.LINKS.get(request.path)})


def test_a_worker_that_comes_to_no_kv_operation_is_not_said_to_hold() -> None:
    of = scenario(of_another_binding, [Actor("a", "SJC", ("GET /x",)), Actor("b", "NRT", ("GET /x",))])
    with pytest.raises(SettingsError, match="no request made a KV operation in 5 schedules, so nothing was tried"):
        first_finding(with_guarantees(of, [holds]), schedules=5)


def test_the_look_at_the_end_is_made_at_each_location_a_minute_later() -> None:
    nobody = [Actor("a", "SJC", ())]
    of = scenario(echo, nobody, at_end=["GET /c"], end_locations=["FRA", "GRU"], before={"/c": "v"})
    world = replay(with_guarantees(of, [holds]), [])
    ended = [each.call for each in world.history.happenings if isinstance(each, Ended)]
    assert [(call.actor.location, call.closing, call.member("stored")) for call in ended] == [
        ("FRA", True, "v"),
        ("GRU", True, "v"),
    ]


def test_what_the_worker_raises_is_a_500() -> None:
    async def fails(request: Request, env: SimpleNamespace) -> Response:
        raise ValueError("no such user")

    assert answers(scenario(fails, [Actor("a", "SJC", ("GET /",))]), "a") == ["ValueError: no such user"]


FOUND = {
    "counter": {("no-lost-update", "caches"), ("no-lost-update", "overlap"), ("no-5xx", "write_rate")},
    "flags": {("every-flag-stays-on", "caches"), ("every-flag-stays-on", "overlap")},
    "sessions": {("logged-out-is-out", "caches"), ("logged-in-is-in", "caches")},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FOUND)
def test_workers_that_are_no_queue_have_their_findings(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(FOLDER / f"{name}.toml")
    arguments = ["explore", "--scenario", file, "--schedules", "200", "--out", str(tmp_path), "--json"]
    assert cli.main(arguments) == 1
    findings = json.loads(capsys.readouterr().out)["findings"]
    told = {(each["guarantee"], needs[0]) for each in findings for needs in each["needs"] if len(needs) == 1}
    assert told >= FOUND[name]
    for each in findings:
        assert each["steps"] <= 10
        assert cli.main(["explore", "--replay", each["schedule"], "--json"]) == 1
        again = json.loads(capsys.readouterr().out)
        assert (again["why"], again["differs"]) == (each["why"], None)
        assert "→" in Path(each["picture"]).read_text()


def test_a_mended_worker_holds_under_the_recorded_schedule() -> None:
    of = read_scenario(FOLDER / "counter.toml")
    finding = first_finding(of, schedules=60)
    assert finding is not None
    text = schedule.write(finding, text_report.needs(finding.causes))
    assert schedule.replay(schedule.read(text, "found", of)).broken is not None

    async def mended(request: Request, env: SimpleNamespace) -> Response:
        return Response.json({"count": 0})

    uncounted = guarantee(lambda seen: None, "no lost update")
    again = scenario(mended, [Actor("a", "SJC", ())])
    replayed = schedule.replay(schedule.read(text, "found", with_guarantees(again, [uncounted])))
    assert replayed.broken is None
    assert replayed.differs is not None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("get /", "a request is written as"),
        ("STEAL /", "a request is written as"),
        ("GET", "a request is written as"),
        ("GET a", "a request is written as"),
        ("GET /a\nGET /b", "not shown as itself"),
    ],
)
def test_what_is_no_request_is_refused(line: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        scenario(echo, [Actor("a", "SJC", (line,))])


def test_a_body_may_hold_what_a_schedule_marks_its_parts_with() -> None:
    lost = guarantee(lambda seen: [each.sent for each in seen.answers], "a b")
    of = with_guarantees(
        scenario(echo, [Actor("a", "SJC", ("PUT /a -> => # !x, | y -> get k",))], before={'"=': "a = b -> c"}), [lost]
    )
    finding = first_finding(of, schedules=5)
    assert finding is not None
    text = schedule.write(finding, text_report.needs(finding.causes))
    read = schedule.read(text, "found", of)
    assert read.scenario.actors == finding.scenario.actors
    replayed = schedule.replay(read)
    assert (replayed.differs, replayed.broken) == (None, finding.broken)


WAITS = "import asyncio\nasync def worker(request, env):\n    await asyncio.sleep(1)\n"
GOOD = "from queue_emulator.exploration import Response\nasync def worker(request, env):\n    return Response('')\n"
TEXT = "async def worker(request, env):\n    return 'text'\n"
RAISES = GOOD + "def fails(seen):\n    return 1 / 0\n"


@pytest.mark.parametrize(
    ("code", "toml", "said"),
    [
        (GOOD, "worker = 1", "worker must be a string, not 1"),
        (GOOD, "", "guarantees is missing"),
        (GOOD, "NOBODY", "the scenario names no Worker: add a line such as worker = "),
        (GOOD, "worker = 'w.py:none'\n", "w.py has no function 'none'"),
        (GOOD, "worker = 'x.py:worker'\n", "there is no"),
        (GOOD, "worker = 'w.ts'\n", "bundle it first, such as with `npx wrangler deploy --dry-run --outdir dist`"),
        ("1 / 0", "worker = 'w.py:worker'\n", "w.py cannot be imported: ZeroDivisionError: division by zero"),
        (GOOD, "guarantees = []", "a scenario needs at least one guarantee"),
        (GOOD, "worker = 'w.py:worker'\n", "a scenario needs at least one actor"),
        (GOOD, "wrong = 1\n", "unknown member 'wrong'; allowed: worker,"),
        (GOOD, "page = 0\n", "page must be a whole number from 1 to 1000, not 0"),
        (GOOD, "machines = 17\n", "machines must be a whole number from 1 to 16, not 17"),
        (GOOD, "faults = 1\n", "faults must be true or false, not 1"),
        (GOOD, "before = {a = 'x', b = 1}\n", "before.b must be a string, not 1"),
        (GOOD, "headers = 'none'\n", "headers must be a table, not 'none'"),
        (GOOD, "actor = 1\n", "actor must be an array, not 1"),
        (GOOD, "actor = [{name = 'a'}]\n", "actor[0].asks is missing"),
        (GOOD, "actor = [{name = 'a', asks = ['GET /', 5]}]\n", "actor[0].asks[1] must be a string, not 5"),
        (GOOD, "actor = [{names = 'a'}]\n", "unknown member 'names' in actor[0]; allowed: name, at, on, asks"),
        (GOOD, "worker = ", "not valid TOML:"),
        (GOOD, f"worker = {'[' * 2_000}", "nested too deep"),
        (GOOD, "#" * 1_000_001, "at most 1,000,000 are read"),
        (WAITS, "ACTOR", "the Worker waits for something else than KV"),
        (TEXT, "ACTOR", "answers GET / with str; it must be a Response"),
        (RAISES, "FAILS", "the guarantee 'fails' raises ZeroDivisionError: division by zero"),
    ],
)  # fmt: skip
def test_what_cannot_be_explored_is_told_in_one_line(
    code: str, toml: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    guarantees = "'w.py:fails'" if toml == "FAILS" else "'no-5xx'"
    whole = f"worker = 'w.py:worker'\nguarantees = [{guarantees}]\n[[actor]]\nname = 'a'\nasks = ['GET /']\n"
    (tmp_path / "w.py").write_text(code)
    texts = {"ACTOR": whole, "FAILS": whole, "NOBODY": whole.partition("\n")[2]}
    if toml.endswith("\n"):
        toml += f"guarantees = [{guarantees}]"
    (tmp_path / "s.toml").write_text(texts.get(toml, toml))
    assert cli.main(["explore", "--scenario", str(tmp_path / "s.toml"), "--schedules", "3"]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize("make", [lambda path: path.symlink_to("/dev/zero"), os.mkfifo, os.mkdir])
def test_a_scenario_is_a_file(make: Callable[[Path], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(tmp_path / "s.toml")
    assert cli.main(["explore", "--scenario", str(tmp_path / "s.toml")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


NEVER = "def never(seen):\n    return 'it was asked' if seen.answers else None\n"


def test_a_schedule_that_cannot_go_on_ends_with_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "w.py").write_text(GOOD + NEVER)
    file = tmp_path / "s.toml"
    file.write_text("worker = 'w.py:worker'\nguarantees = ['w.py:never']\n[[actor]]\nname = 'a'\nasks = ['GET /']\n")
    assert cli.main(["explore", "--scenario", str(file), "--schedules", "3", "--out", str(tmp_path)]) == 1
    (written,) = tmp_path.glob("*.schedule")
    (tmp_path / "w.py").write_text(WAITS + NEVER)
    capsys.readouterr()
    assert cli.main(["explore", "--replay", str(written), "--scenario", str(file)]) == 3
    assert "cannot go on: GET /: the Worker waits for something else than KV" in capsys.readouterr().err


def test_a_guarantee_that_is_called_as_another_is_refused() -> None:
    with pytest.raises(SettingsError, match="two guarantees are called 'holds'"):
        with_guarantees(scenario(echo, [Actor("a", "SJC", ())]), [holds, holds])
    assert issubclass(SettingsError, EmulatorError)
