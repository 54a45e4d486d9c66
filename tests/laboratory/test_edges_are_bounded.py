"""An edge does not grow with the keys asked for: a cap on copies and on bytes, least recently used first out."""

import tracemalloc

import pytest

from queue_emulator.core.edge import Edge
from queue_emulator.core.entries import Entry, Page, Row
from queue_emulator.core.limits import EDGE_BYTES_MAX, EDGE_COPIES_MAX, EDGE_PAGES_MAX
from queue_emulator.core.options import ListRequest
from queue_emulator.testing import KV, EmulatorClock

MINUTE_MS = 60_000


def key(number: int) -> bytes:
    return b"queue:task:%09d" % number


def held(edge: Edge, number: int) -> bool:
    return edge.value(key(number), MINUTE_MS, 0) is not None


@pytest.mark.slow
def test_twice_as_many_keys_as_the_cap_keep_copies_and_bytes_under_it() -> None:
    edge = Edge()
    for number in range(2 * EDGE_COPIES_MAX):
        edge.keep_value(key(number), None, ttl_ms=MINUTE_MS, now_ms=0)
        if number % 10_000 == 0:
            assert held(edge, 0)  # and so it is used again
            assert len(edge) <= EDGE_COPIES_MAX
            assert edge.size_bytes <= EDGE_BYTES_MAX
    assert 0.999 * EDGE_COPIES_MAX <= len(edge) <= EDGE_COPIES_MAX  # some more than must are let go at once
    kept = [number for number in range(2 * EDGE_COPIES_MAX) if held(edge, number)]
    assert kept == [0, *range(2 * EDGE_COPIES_MAX - len(edge) + 1, 2 * EDGE_COPIES_MAX)]


def test_what_an_edge_says_it_weighs_is_about_what_it_takes() -> None:
    edge = Edge()
    tracemalloc.start()
    try:
        for number in range(5_000):
            value, metadata = bytes(200), f'"{number:0200d}"'
            entry = Entry(key(number), value, number, MINUTE_MS + number, metadata=metadata)
            edge.keep_value(entry.key, entry, ttl_ms=MINUTE_MS, now_ms=1_000_000 + number)
        taken_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 0.7 < edge.size_bytes / taken_bytes < 1.3


def test_bytes_are_the_cap_where_values_are_large() -> None:
    edge = Edge()
    megabyte = bytes(1024 * 1024)
    for number in range(200):
        edge.keep_value(key(number), Entry(key(number), megabyte, 1, 0), ttl_ms=MINUTE_MS, now_ms=0)
        assert edge.size_bytes <= EDGE_BYTES_MAX
    assert [number for number in range(200) if held(edge, number)] == list(range(137, 200))


def test_metadata_weighs_too() -> None:
    plain, tagged = Edge(), Edge()
    plain.keep_value(b"k", Entry(b"k", b"v", 1, 0), ttl_ms=MINUTE_MS, now_ms=0)
    tagged.keep_value(b"k", Entry(b"k", b"v", 1, 0, metadata='"' + "x" * 1022 + '"'), ttl_ms=MINUTE_MS, now_ms=0)
    assert tagged.size_bytes - plain.size_bytes == 1024
    for edge, metadata in ((plain, None), (tagged, '"' + "x" * 1022 + '"')):
        page = Page((Row(b"k", 1, 0, None, metadata, deleted=False),), None)
        edge.keep_page(ListRequest(), page, ttl_ms=MINUTE_MS, now_ms=0, writes=edge.writes)
    assert tagged.size_bytes - plain.size_bytes == 2048


def test_pages_have_a_cap_of_their_own_and_what_is_evicted_is_forgotten_by_writes_too() -> None:
    edge = Edge()
    page = Page((), None)
    requests = [ListRequest(b"%d:" % (number % 7), limit=number + 1) for number in range(3 * EDGE_PAGES_MAX)]
    for request in requests:
        edge.keep_page(request, page, ttl_ms=MINUTE_MS, now_ms=0, writes=edge.writes)
    assert len(edge) == EDGE_PAGES_MAX
    kept = [request for request in requests if edge.page(request, MINUTE_MS, 0) is not None]
    assert kept == requests[-EDGE_PAGES_MAX:]
    edge.wrote(Entry(b"3:k", b"", 1, 0), 0)
    kept = [request for request in requests if edge.page(request, MINUTE_MS, 0) is not None]
    assert kept == [request for request in requests[-EDGE_PAGES_MAX:] if request.prefix != b"3:"]
    edge.superseded(Entry(b"5:k", b"", 2, 0))
    stale = {request.prefix for request in kept if (copy := edge.page(request, MINUTE_MS, 0)) and copy.newer_version}
    assert stale == {b"5:"}


def test_pages_that_were_evicted_take_no_memory() -> None:
    edge = Edge(copies_max=10)
    tracemalloc.start()
    try:
        for number in range(5_000):
            request = ListRequest(b"%d:" % (number % 3), cursor=f"{number:0100d}")
            edge.keep_page(request, Page((), None), ttl_ms=MINUTE_MS, now_ms=0, writes=edge.writes)
        taken_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken_bytes < 50_000


def test_a_page_that_the_centre_gave_again_is_as_good_as_new_and_goes_last() -> None:
    edge = Edge(copies_max=2)
    page = Page((Row(b"k", 1, 0, None, None, deleted=False),), None)

    def keep(limit: int, now_ms: int) -> None:
        edge.keep_page(ListRequest(limit=limit), page, ttl_ms=MINUTE_MS, now_ms=now_ms, writes=edge.writes)

    keep(1, 0)
    keep(2, 0)
    edge.superseded(Entry(b"k", b"", 2, 0))
    once_bytes = edge.size_bytes
    keep(1, MINUTE_MS)
    again = edge.page(ListRequest(limit=1), MINUTE_MS, 2 * MINUTE_MS - 1)
    assert again is not None
    assert (again.newer_version, edge.size_bytes) == (None, once_bytes)
    keep(2, MINUTE_MS)
    keep(1, MINUTE_MS)
    keep(3, MINUTE_MS)
    fresh = [edge.page(ListRequest(limit=limit), MINUTE_MS, MINUTE_MS) is not None for limit in (1, 2, 3)]
    assert fresh == [True, False, True]


def test_a_page_that_is_evicted_leaves_the_others_of_its_prefix_to_writes() -> None:
    edge = Edge(copies_max=2)
    for limit in (1, 2, 3):
        edge.keep_page(ListRequest(limit=limit), Page((), None), ttl_ms=MINUTE_MS, now_ms=0, writes=edge.writes)
    edge.wrote(Entry(b"k", b"", 1, 0), 0)
    assert [edge.page(ListRequest(limit=limit), MINUTE_MS, 0) for limit in (1, 2, 3)] == [None, None, None]
    assert len(edge) == 1  # the written value


@pytest.mark.slow
def test_an_evicted_copy_is_only_read_again(kv: KV, emulator_clock: EmulatorClock) -> None:
    """What an edge had to let go is asked of the centre: fresher than it would have been, never lost."""
    tokyo = kv.at("NRT")
    kv.put("first", "old")
    assert tokyo.get("first") == "old"
    emulator_clock.advance(1)
    kv.put("first", "new")
    large = "x" * 1024 * 1024
    for number in range(65):
        kv.put(f"{number:02d}", large)
    assert tokyo.get("first") == "old"
    assert tokyo.get_with_metadata("00").cache_status == "MISS"
    for number in range(64):
        tokyo.get(f"{number:02d}")
    reading = tokyo.get_with_metadata("first")
    assert (reading.value, reading.cache_status) == ("new", "MISS")
