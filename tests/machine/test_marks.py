"""The mark that a value bears, found again in what was stored."""

import json

from tests.machine.account import is_large, mark_in
from tests.machine.choices import value

LARGE = "m17m"


def test_a_large_value_bears_its_mark_at_both_ends() -> None:
    assert is_large(LARGE)
    assert mark_in(value(LARGE)) == LARGE


def test_a_large_task_bears_its_mark_after_its_status_was_changed() -> None:
    task = {**json.loads(value(LARGE)), "status": "failed", "updatedAt": "2999-01-01T00:00:00.000Z"}
    assert mark_in(json.dumps(task, separators=(",", ":"))) == LARGE


def test_a_large_value_whose_last_part_is_another_one_s_bears_no_mark() -> None:
    mixed = value(LARGE)[:-60] + value("m147m")[-60:]
    assert mark_in(mixed) != LARGE
