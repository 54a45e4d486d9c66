"""Which values a register may hold: the machine's judgement, without an emulator."""

import pytest

from tests.machine.history import UNKNOWN, Finding, History, Mark, Read, Write


def history(*writes: tuple[Mark, int, int | None, bool], reads: tuple[Read, ...] = ()) -> History:
    made = History()
    made.writes += [Write(*each) for each in writes]
    for read in reads:
        assert made.read(read) is None
    return made


def test_what_stood_there_stays_until_it_is_written() -> None:
    assert history().judge(None) is None
    assert history().judge("a") is Finding.FOREIGN


def test_the_last_of_two_that_follow_each_other_stands() -> None:
    made = history(("a", 1, 2, True), ("b", 3, 4, True))
    assert [made.judge(mark) for mark in ("b", "a", None)] == [None, Finding.LOST, Finding.LOST]


def test_of_two_at_the_same_time_either_stands() -> None:
    made = history(("a", 1, 4, True), ("b", 2, 3, True))
    assert [made.judge(mark) for mark in ("a", "b", None)] == [None, None, Finding.LOST]


def test_what_was_served_of_two_at_the_same_time_stands() -> None:
    made = history(("a", 1, 4, True), ("b", 2, 3, True), reads=(Read("b", 5, 6),))
    assert [made.judge(mark) for mark in ("b", "a", None)] == [None, Finding.REORDERED, Finding.LOST]


def test_a_write_without_an_answer_may_or_may_not_have_taken_place() -> None:
    made = history(("a", 1, 2, True), ("b", 3, 4, False), ("c", 3, None, False))
    assert [made.judge(mark) for mark in ("a", "b", "c")] == [None, None, None]


def test_a_write_without_an_answer_may_take_place_late_but_not_after_its_process() -> None:
    made = history(("a", 1, None, False), ("b", 2, 3, True))
    assert made.judge("a") is None
    made.writes[1].ended = 2
    assert history(("a", 0, 1, False), ("b", 2, 3, True)).judge("a") is Finding.LOST


def test_what_was_seen_has_taken_place() -> None:
    made = history(("a", 1, None, False), reads=(Read("a", 2, 3),))
    assert made.judge(None) is Finding.LOST


def test_a_refused_write_must_not_be_there() -> None:
    made = history()
    made.refused(made.begin("a", 1))
    assert made.judge("a") is Finding.FOREIGN


def test_a_read_is_judged_by_what_was_acknowledged_before_it_was_asked() -> None:
    made = history(("a", 1, 2, True), ("b", 5, 8, True))
    assert made.judge("a", asked=7) is None
    assert made.judge("a", asked=9) is Finding.LOST
    assert made.judge(None, asked=3) is Finding.LOST


def test_a_write_of_many_registers_counts_for_each() -> None:
    swept = Write(None, 3, 4, True)
    made = history(("a", 1, 2, True))
    assert [made.judge("a", swept), made.judge(None, swept)] == [Finding.LOST, None]


@pytest.mark.parametrize("mark", ["a", "b"])
def test_a_change_of_what_stands_there_may_bring_an_earlier_value_back(mark: str) -> None:
    made = history(("a", 1, 2, True), ("b", 3, 4, True), (UNKNOWN, 3, 5, True))
    assert made.judge(mark) is None
    assert made.judge("c") is Finding.FOREIGN


def test_after_a_comparison_only_what_stands_there_is_known() -> None:
    made = history(("a", 1, 2, True), reads=(Read("a", 3, 4),))
    made.begin_again("a")
    assert [made.judge("a"), made.judge(None), made.judge("b")] == [None, Finding.LOST, Finding.FOREIGN]
