"""Files that others put where ours are read or written: nothing waits, and nothing outside of the folder is touched."""

import json
import os
from collections.abc import Callable
from datetime import date
from itertools import product
from pathlib import Path

import pytest

from queue_contracts.compare.calibration import Calibration, CalibrationError, read_calibration, write_calibration
from queue_contracts.compare.known import KnownError, read_known
from queue_contracts.compare.parser import read_sequences
from queue_contracts.compare.seeds import SequenceError
from queue_contracts.profiles import Profile
from queue_contracts.report import har, page
from queue_contracts.report.files import require_writable
from queue_contracts.sending.run import Run

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
