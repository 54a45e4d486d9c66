"""Mutants are data that cannot rot: what they change must be in the Worker exactly once."""

from pathlib import Path

import pytest

from queue_contracts.mutants.catalogue import Change, Mutant, MutantError, load_mutants, selected, write_mutant
from queue_contracts.packaged import reference_worker

TABLE = """
[[mutant]]
name = "{name}"
caught_by = "test_x.py::test_y"
[[mutant.change]]
file = "worker.mjs"
before = "one"
after = "{after}"
"""


@pytest.fixture
def worker(tmp_path: Path) -> Path:
    folder = tmp_path / "worker"
    folder.mkdir()
    (folder / "worker.mjs").write_text("one two two")
    return folder


def made(*changes: Change) -> Mutant:
    return Mutant("is made up", "test_x.py::test_y", changes)


@pytest.mark.parametrize("mutant", load_mutants(), ids=lambda mutant: mutant.name)
def test_every_mutant_fits_the_reference_worker(mutant: Mutant, tmp_path: Path) -> None:
    write_mutant(mutant, reference_worker(), tmp_path / "mutant")
    for change in mutant.changes:
        assert change.after in (tmp_path / "mutant" / change.file).read_text(encoding="utf-8")


def test_a_mutant_is_a_copy_and_leaves_the_worker_alone(worker: Path, tmp_path: Path) -> None:
    write_mutant(made(Change("worker.mjs", "one", "three")), worker, tmp_path / "mutant")
    assert (tmp_path / "mutant" / "worker.mjs").read_text() == "three two two"
    assert (worker / "worker.mjs").read_text() == "one two two"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (Change("worker.mjs", "three", "four"), "occurs 0 times in worker.mjs, not once"),
        (Change("worker.mjs", "two", "four"), "occurs 2 times in worker.mjs, not once"),
        (Change("other.mjs", "one", "four"), "there is no other.mjs"),
    ],
)
def test_a_change_that_no_longer_fits_is_refused(change: Change, why: str, worker: Path, tmp_path: Path) -> None:
    with pytest.raises(MutantError, match=f"the mutant that is made up.*{why}"):
        write_mutant(made(change), worker, tmp_path / "mutant")


def test_a_second_change_sees_what_the_first_has_made(worker: Path, tmp_path: Path) -> None:
    write_mutant(
        made(Change("worker.mjs", "one", "three"), Change("worker.mjs", "three", "four")), worker, tmp_path / "m"
    )
    assert (tmp_path / "m" / "worker.mjs").read_text() == "four two two"


def test_two_mutants_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(TABLE.format(name="breaks", after="two"))
    (tmp_path / "b.toml").write_text(TABLE.format(name="breaks", after="three"))
    with pytest.raises(MutantError, match="more than one mutant is called 'breaks'"):
        load_mutants(tmp_path)


@pytest.mark.parametrize(
    ("table", "why"),
    [
        (TABLE.format(name="breaks", after="one"), "a.toml: breaks: it changes nothing"),
        (
            TABLE.format(name="breaks", after="two").replace("caught_by", "cought_by"),
            "a.toml: Object contains unknown field `cought_by`",
        ),
        (
            TABLE.format(name="breaks", after="two").partition("[[mutant.change]]")[0],
            "a.toml: Object missing required field `change`",
        ),
    ],
)
def test_a_table_that_is_no_mutant_is_refused(table: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(table)
    with pytest.raises(MutantError, match=why):
        load_mutants(tmp_path)


def test_mutants_are_selected_by_words_of_their_name_or_of_their_check() -> None:
    mutants = load_mutants()
    assert [each.name for each in selected(mutants, "other scope")] == ["lets the key of the other scope in"]
    assert {each.caught_by.partition("::")[0] for each in selected(mutants, "test_refusals.py")} == {"test_refusals.py"}
    assert selected(mutants, None) == mutants
    with pytest.raises(MutantError, match="no mutant has 'no such words'"):
        selected(mutants, "no such words")
