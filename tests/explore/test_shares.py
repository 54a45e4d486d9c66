"""Parts of a search, in whatever processes or machines, find together what one search finds."""

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from queue_emulator import cli
from queue_emulator.core.errors import SettingsError
from queue_emulator.explore import files, schedule, text_report
from queue_emulator.explore.explorer import Explorer, Finding
from queue_emulator.explore.scenarios import SCENARIOS, as_it_is
from queue_emulator.explore.search import LANES
from queue_emulator.explore.shares import Part, Share, share_of, together
from tests.explore.test_command import run

ASKED = ("explore", "--scenario", "two-ends", "--schedules", "16")


def searched(lanes: Sequence[int]) -> Explorer:
    explorer = Explorer(SCENARIOS[1:2], 1, swarm=False, lanes=lanes)
    for _ in explorer.run(lambda: False, 20):
        pass
    return explorer


def part(lanes: Sequence[int]) -> Part:
    return Part(1, ("two-ends",), 1, tuple(lanes))


def told(findings: Sequence[Finding]) -> list[tuple[str, int, int]]:
    return [
        (schedule.write(each, text_report.needs(each.causes)), each.at_schedule, len(each.made)) for each in findings
    ]


@pytest.mark.slow
def test_what_parts_find_is_what_one_search_finds() -> None:
    whole = searched(range(LANES))
    shares = [share_of(searched(lanes), part(lanes)) for lanes in (range(LANES)[of::3] for of in (2, 0, 1))]
    sent = [msgspec.json.decode(msgspec.json.encode(share), type=Share) for share in shares]
    found = together(sent, as_it_is, {})
    assert told(found.findings) == told(whole.findings)
    assert whole.findings
    assert (found.share.schedules, found.share.operations) == (whole.schedules, whole.operations)
    assert found.share.part == part(range(LANES))
    altered = [msgspec.structs.replace(each, guarantee="P9") for each in found.share.examined]
    with pytest.raises(SettingsError, match=r"a finding of P9 has a schedule that breaks P\d: it was altered"):
        together([msgspec.structs.replace(found.share, examined=tuple(altered))], as_it_is, {})


@pytest.mark.slow
def test_processes_and_shards_say_and_write_what_one_run_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = []
    folders = [tmp_path / name for name in ("one", "first", "second", "together")]
    for folder, more in zip(
        folders, ((*ASKED, "--workers", "2"), (*ASKED, "--shard", "1/2"), (*ASKED, "--shard", "2/2"), None), strict=True
    ):
        arguments = more or ("explore", "--merge", str(folders[1]), str(folders[2]))
        assert run(*arguments, "--json", "--out", str(folder)) in (0, 1)
        said.append(json.loads(capsys.readouterr().out.replace(f"{folder}/", "")))
    assert said[0] == said[3]
    assert said[1]["schedules"] + said[2]["schedules"] == said[3]["schedules"] == 16
    assert cli.main((*ASKED, "--json", "--out", str(tmp_path / "in-one"))) == 1
    assert json.loads(capsys.readouterr().out.replace(f"{tmp_path / 'in-one'}/", "")) == said[0]
    for name in (path.name for path in folders[0].iterdir() if path.suffix != ".svg"):
        texts = [(folder / name).read_text().replace(f"{folder}/", "") for folder in (folders[0], folders[3])]
        assert texts[0] == texts[1], name


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--shard", "0/2"), "must be as 3/16, of at most 16 parts, not '0/2'"),
        (("--shard", "17/17"), "must be as 3/16, of at most 16 parts, not '17/17'"),
        (("--merge", "nowhere"), "nowhere must be a folder that explore --out has written"),
        (("--merge", "x", "--schedules", "1"), "--merge puts together what was found: it takes no --schedules"),
        (("--replay", "x", "--workers", "2"), "--replay does one schedule again: it takes no --workers"),
    ],
)
def test_what_cannot_be_divided_is_refused_in_one_line(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("explore", *arguments) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (part((1, 3)), "part 2 of 16 of the search is there twice: name each part once"),
        (Part(2, ("two-ends",), 1, (2,)), "parts of different searches: --random-seed is 1 in one, 2 in another"),
        (Part(1, (), 1, (2,)), "--scenario is two-ends in one, not given in another"),
        (Part(1, ("two-ends",), 2, (2,)), "--machines is 1 in one, 2 in another"),
    ],
)
def test_parts_that_overlap_or_are_of_different_searches_are_not_put_together(
    other: Part, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, of in (("first", part((0, 1))), ("second", other)):
        (tmp_path / name).mkdir()
        files.write_share(tmp_path / name, Share(of, 1, 1, 0, ()))
    assert run("explore", "--merge", str(tmp_path / "first"), str(tmp_path / "second")) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.count("\n") == 1


def test_a_file_that_is_no_share_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "findings.json").write_text('{"schedules": "many"}')
    assert run("explore", "--merge", str(tmp_path)) == 2
    assert "findings.json: Expected `int`, got `str` - at `$.schedules`" in capsys.readouterr().err
