"""How long one thread keeps the interpreter while another waits for it."""

import asyncio
import sys
import threading

import pytest

from queue_emulator.core.threads import SHORT_TURN_S, in_short_turns
from queue_emulator.kv.waiting import LARGE_BYTES, off_loop


def test_turns_are_short_while_there_is_long_work_and_as_before_when_the_last_of_it_has_ended() -> None:
    before_s = sys.getswitchinterval()
    first_ends, first_began = threading.Event(), threading.Event()

    def first() -> None:
        first_began.set()
        first_ends.wait(60)

    thread = threading.Thread(target=in_short_turns, args=(first,))
    thread.start()
    first_began.wait(60)

    during_s = in_short_turns(sys.getswitchinterval)
    with_one_left_s = sys.getswitchinterval()
    first_ends.set()
    thread.join(60)

    assert during_s == with_one_left_s == pytest.approx(SHORT_TURN_S)
    assert sys.getswitchinterval() == before_s


def test_turns_are_as_before_after_work_that_fails() -> None:
    before_s = sys.getswitchinterval()
    with pytest.raises(ZeroDivisionError):
        in_short_turns(lambda: 1 // 0)
    assert sys.getswitchinterval() == before_s


def test_a_process_that_has_shorter_turns_of_its_own_keeps_them_as_they_are() -> None:
    default_s = sys.getswitchinterval()
    sys.setswitchinterval(SHORT_TURN_S / 5)
    try:
        own_s = sys.getswitchinterval()
        during_s = [in_short_turns(sys.getswitchinterval) for _ in range(20)]
        assert set(during_s) == {own_s}
        assert sys.getswitchinterval() == own_s
    finally:
        sys.setswitchinterval(default_s)


@pytest.mark.parametrize(
    ("size_bytes", "expected_s"), [(LARGE_BYTES - 1, sys.getswitchinterval()), (LARGE_BYTES, SHORT_TURN_S)]
)
def test_a_large_body_is_read_in_short_turns_and_a_small_one_is_not(size_bytes: int, expected_s: float) -> None:
    assert asyncio.run(off_loop(size_bytes, sys.getswitchinterval)) == pytest.approx(expected_s)
