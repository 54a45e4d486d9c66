"""The table of expected failures is held to both ways: a surprise of either kind is told."""

from tests.peers.table import Suite, read_table, surprises

SUITE = Suite(of="a", tests="its own", cases=2, fails={"known": "they differ"})


def test_what_is_as_expected_is_no_surprise() -> None:
    assert surprises(SUITE, {"good": None, "known": "2 is not 3"}) == []


def test_a_failure_that_is_not_expected_is_a_surprise() -> None:
    assert surprises(SUITE, {"good": "no", "known": "2 is not 3"}) == ["FAILED, not expected to: good: no"]


def test_an_expected_failure_that_passes_is_a_surprise() -> None:
    assert surprises(SUITE, {"good": None, "known": None}) == ["PASSED, expected to fail: known (they differ)"]


def test_cases_that_are_not_run_are_a_surprise() -> None:
    assert surprises(SUITE, {"good": None}) == [
        "not among the cases, but expected to fail: known",
        "1 cases were run, 2 are expected",
    ]


def test_a_row_may_name_several_cases_which_all_must_fail() -> None:
    several = Suite(of="a", tests="its own", cases=3, fails={"delete [*]": "they differ"})
    assert surprises(several, {"delete [1]": "no", "delete [2]": "no", "delete 3": None}) == []
    assert surprises(several, {"delete [1]": "no", "delete [2]": None, "delete 3": "no"}) == [
        "FAILED, not expected to: delete 3: no",
        "PASSED, expected to fail: delete [2] (they differ)",
    ]


def test_each_row_says_why() -> None:
    for name, suite in read_table().items():
        assert all(len(reason) > 20 for reason in suite.fails.values()), name
