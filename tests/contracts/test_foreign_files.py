"""Files that others put where ours are read or written: nothing waits, and nothing outside of the folder is touched."""

import json
import os
from collections.abc import Callable
from datetime import date
from itertools import product
from pathlib import Path

import pytest
import yaml

from queue_contracts.compare.calibration import Calibration, CalibrationError, read_calibration, write_calibration
from queue_contracts.compare.known import KnownError, read_known
from queue_contracts.compare.parser import read_sequences
from queue_contracts.compare.seeds import SequenceError
from queue_contracts.profiles import Profile
from queue_contracts.report import har, page
from queue_contracts.report.files import require_writable
from queue_contracts.sending.run import Run
from queue_contracts.untrusted.files import read_yaml

PRECIOUS = "precious"
RUN = Run("http://127.0.0.1:1", Profile.OBSERVE, Path(), "r")


def piped(path: Path, outside: Path) -> None:
    os.mkfifo(path)


def linked(path: Path, outside: Path) -> None:
    path.symlink_to(outside)


def dangling(path: Path, outside: Path) -> None:
    path.symlink_to(outside.with_name("not there yet"))


def named_twice(path: Path, outside: Path) -> None:
    path.hardlink_to(outside)


def endless(path: Path, outside: Path) -> None:
    path.symlink_to("/dev/zero")


def a_folder(path: Path, outside: Path) -> None:
    path.mkdir()


PLACED = (piped, linked, dangling, named_twice, endless, a_folder)
READERS: dict[str, tuple[Callable[[Path], object], type[Exception]]] = {
    "scores.json": (read_calibration, CalibrationError),
    "known.yaml": (read_known, KnownError),
    "sequences.yaml": (lambda path: read_sequences([path]), SequenceError),
}
WRITERS: dict[str, Callable[[Path], object]] = {
    "exchanges.har": lambda path: har.write_har(path, []),
    "report.html": lambda path: page.write_page(path, RUN, "a", [], []),
    "scores.json": lambda path: write_calibration(path, Calibration(date(2026, 11, 24), {}, ())),
}


def placed(folder: Path, name: str, place: Callable[[Path, Path], None]) -> tuple[Path, Path]:
    """The path that is attacked, and the file outside that must stay as it is."""
    outside, inside = folder / "outside", folder / "inside"
    outside.mkdir(parents=True)
    inside.mkdir()
    (outside / PRECIOUS).write_text(PRECIOUS)
    place(inside / name, outside / PRECIOUS)
    return inside / name, outside


def require_untouched(outside: Path) -> None:
    assert {each.name: each.read_text() for each in outside.iterdir()} == {PRECIOUS: PRECIOUS}


def test_no_reader_of_a_file_waits_or_goes_on_for_ever(tmp_path: Path) -> None:
    tried = 0
    for number, (place, name) in enumerate(product((piped, dangling, endless, a_folder), READERS)):
        read, error = READERS[name]
        path, _ = placed(tmp_path / str(number), name, place)
        with pytest.raises(error) as refused:
            read(path)
        assert name in str(refused.value)
        assert "\n" not in str(refused.value)
        tried += 1
    assert tried == 4 * len(READERS)


def test_no_writer_follows_a_link_or_waits_for_a_reader(tmp_path: Path) -> None:
    tried = 0
    for number, (place, name) in enumerate(product(PLACED, WRITERS)):
        path, outside = placed(tmp_path / str(number), name, place)
        with pytest.raises(OSError, match=r"symbolic link|regular file|hard links"):
            WRITERS[name](path)
        require_untouched(outside)
        assert [each.name for each in path.parent.iterdir()] == [name]
        tried += 1
    assert tried == len(PLACED) * len(WRITERS)


@pytest.mark.parametrize("place", PLACED)
@pytest.mark.parametrize("name", ["junit.xml", "report.html", "exchanges.har"])
def test_a_report_that_cannot_be_written_is_found_out_before_anything_is_sent(
    place: Callable[[Path, Path], None], name: str, tmp_path: Path
) -> None:
    path, outside = placed(tmp_path, name, place)
    with pytest.raises(OSError, match=r"symbolic link|regular file|hard links"):
        require_writable(path.parent)
    require_untouched(outside)


def test_a_report_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    for _ in range(2):
        require_writable(tmp_path)
        har.write_har(tmp_path / "exchanges.har", [])
    assert [each.name for each in tmp_path.iterdir()] == ["exchanges.har"]
    assert json.loads((tmp_path / "exchanges.har").read_text())["log"]["entries"] == []


A_THOUSAND = "a: &a {" + "".join(f"k{number}: 1, " for number in range(1_000)) + "}\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{A_THOUSAND}b: {{<<: [{'*a, ' * 200}]}}\n", "more than 100,000 values, aliases included"),
        (f"a: {'1:' * 20_000}1\n", "line 1: a number has at most 400 characters, this has 40,001"),
        (f"- x\n- -{'9' * 5_000}\n", "line 2: a number has at most 400 characters, this has 5,001"),
        (f"a: 2026-11-30T00:00:00.{'1' * 5_000}\n", "a number has at most 400 characters"),
        *((f"a: !!{tag} x\n", f"a tag such as tag:yaml.org,2002:{tag} is not read") for tag in ("bool", "timestamp")),
        ("a: !!int ''\n", "a tag such as tag:yaml.org,2002:int is not read"),
    ],
    ids=["merged", "sexagesimal", "digits", "time", "bool", "timestamp", "int"],
)
def test_yaml_that_takes_longer_than_its_size_says_is_refused(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "known.yaml").write_text(text)
    with pytest.raises(KnownError) as refused:
        read_known(tmp_path / "known.yaml")
    assert said in str(refused.value)


@pytest.mark.parametrize("text", ["a: &a {x: 1}\nb: {<<: *a, y: 2}", "a: 1:30", "a: 0.5", "'<<': 1"])
def test_yaml_as_people_write_it_is_read(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(text)
    assert read_yaml(tmp_path / "x.yaml") == yaml.safe_load(text)
