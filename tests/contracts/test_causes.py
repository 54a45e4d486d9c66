"""One cause, one entry: failed checks that saw the same are told together, and others are not."""

from queue_contracts.report.causes import by_cause
from queue_contracts.report.outcomes import Outcome
from queue_contracts.report.summary import summary
from queue_contracts.report.verdict import Verdict


def failed(name: str, seen: str, asked: str = "", broken: str = "") -> Outcome:
    return Outcome(name, "failed", 0.1, seen, asked=asked, broken=broken)


def named(*outcomes: Outcome) -> list[list[str]]:
    return [[cause.first.name, *(each.name for each in cause.others)] for cause in by_cause(outcomes)]


def test_answers_of_one_operation_that_break_the_description_alike_are_one_cause() -> None:
    wrong = "POST /api/queue/claim is answered with body.lease.claimedAt: {} is not of type string"
    found = named(
        failed("test_a.py::test_x", "assert 1 == 2", "POST /api/queue/claim", wrong.format(1796023418119)),
        failed("test_b.py::test_y[2]", "something else", "POST /api/queue/claim", wrong.format(1796023420498)),
        failed("test_b.py::test_y[3]", "assert 1 == 2", "GET /api/queue"),
    )
    assert found == [["test_a.py::test_x", "test_b.py::test_y[2]"], ["test_b.py::test_y[3]"]]


def test_cases_of_one_check_that_saw_the_same_are_one_cause_whatever_they_asked() -> None:
    seen = "assert 200 == 401\n +  where 200 = <Response [200 OK]>.status_code"
    found = named(
        failed("test_a.py::test_key[none-GET]", seen, "GET /api/queue"),
        failed("test_a.py::test_key[none-POST]", seen.replace("Response", "Other"), "POST /api/queue/claim"),
        failed("test_b.py::test_other", seen, "POST /api/queue/claim"),
        failed("test_c.py::test_third", seen, "GET /api/result/{id}"),
    )
    assert found == [
        ["test_a.py::test_key[none-GET]", "test_a.py::test_key[none-POST]", "test_b.py::test_other"],
        ["test_c.py::test_third"],
    ]


def test_another_status_is_another_cause_and_another_number_is_not() -> None:
    found = named(
        failed("t.py::test[1]", "after 3.1 s: 500 of ct-6b0d22187278-held-1"),
        failed("t.py::test[2]", "after 4.7 s: 500 of ct-6b0d22187278-held-2"),
        failed("t.py::test[3]", "after 4.7 s: 404 of ct-6b0d22187278-held-2"),
    )
    assert found == [["t.py::test[1]", "t.py::test[2]"], ["t.py::test[3]"]]


def test_an_entry_shows_the_first_and_says_how_many_others_there_are() -> None:
    outcomes = [failed(f"t.py::test_x[{number}]", "assert 500 == 200", "GET /api/queue") for number in range(40)]
    outcomes += [failed(f"t.py::test_{letter}", "assert 500 == 200", "GET /api/queue") for letter in "abcdef"]
    lines = list(summary(outcomes, Verdict([], [], [], []), [], 46))
    assert [line for line in lines if line.startswith("BROKEN")] == ["BROKEN: t.py::test_x[0]"]
    also = next(line for line in lines if line.startswith("  also:"))
    assert also.startswith("  also:     45 more for the same reason: t.py::test_x (39), t.py::test_a, ")
    assert also.endswith("and 2 further")
    assert lines[-1] == "0 checks passed, 46 failed; 46 requests were sent"
