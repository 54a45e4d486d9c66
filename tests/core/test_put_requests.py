"""Many writes in little memory are the same writes."""

import pytest

from queue_emulator.core.options import PutRequest
from queue_emulator.core.put_requests import PutRequests, keys_of

WRITES = [
    PutRequest(b"a", b"1"),
    PutRequest(b"b", b"2", 900),
    PutRequest(b"a", b""),
    PutRequest(b"c", b"3", None, "{}"),
    PutRequest(b"d", b"4", 960, None, 60),
]


def test_they_are_read_as_they_were_given() -> None:
    requests = PutRequests(WRITES)
    assert [*requests] == [requests[at] for at in range(len(requests))] == WRITES
    assert (requests[1:3], requests[-1], requests[:0]) == (WRITES[1:3], WRITES[-1], [])


def test_their_keys_are_those_of_any_writes() -> None:
    assert list(keys_of(PutRequests(WRITES))) == list(keys_of(WRITES)) == [b"a", b"b", b"a", b"c", b"d"]


@pytest.mark.parametrize("other", [[], WRITES[1:], [*WRITES[:-1], PutRequest(b"d", b"4")]])
def test_they_equal_others_of_the_same_writes_alone(other: list[PutRequest]) -> None:
    assert PutRequests(WRITES) == PutRequests(iter(WRITES))
    assert PutRequests(WRITES) != PutRequests(other)
