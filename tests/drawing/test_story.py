"""What a journal's event says in a picture."""

import pytest
from msgspec import structs

from queue_emulator.core.journal import Event
from queue_emulator.drawing.story import Reach, operation

GET = Event(1, 1, 0, 5, 5, "SJC", "a-1", "claim", "get", b"k", "MISS", version=4)


@pytest.mark.parametrize(
    ("event", "said", "place", "beside"),
    [
        (GET, "v4", Reach.CENTRE, ()),
        (structs.replace(GET, version=None), "nothing", Reach.CENTRE, ()),
        (structs.replace(GET, cache_status="HIT", age_ms=2500), "v4", Reach.COPY, ("2.5 s old",)),
        (
            structs.replace(GET, cache_status="HIT", version=None, newer_version=9),
            "nothing",
            Reach.COPY,
            ("0 s old", "STALE: not v9"),
        ),
        (structs.replace(GET, operation="list", keys=1, version=None), "1 key", Reach.CENTRE, ()),
        (structs.replace(GET, operation="list", keys=0, version=None), "0 keys", Reach.CENTRE, ()),
        (
            structs.replace(GET, operation="put", version=None, failed="KV PUT failed: 429 Too Many Requests"),
            "FAILS: 429 Too Many Requests",
            Reach.NOWHERE,
            (),
        ),
        (
            structs.replace(GET, operation="put", failed="KV PUT failed: 500 Internal Server Error"),
            "FAILS: 500, but is done",
            Reach.CENTRE,
            (),
        ),
    ],
)
def test_an_event_says_what_came_of_it(event: Event, said: str, place: Reach, beside: tuple[str, ...]) -> None:
    drawn = operation(event, 1, 7)
    assert (drawn.said, drawn.place, drawn.beside) == (said, place, beside)
    assert drawn.what == f"{event.operation} k"
    assert drawn.write is (event.operation == "put")
    assert drawn.alarm is (event.stale or event.failed is not None)
    assert (drawn.position, drawn.at_ms) == (7, 5)
