"""What one location still sees: copies with an age, bounded in number, and never older than its own writes."""

import pytest

from queue_emulator.core.edge import Edge
from queue_emulator.core.entries import Entry, Page, Row
from queue_emulator.core.options import ListRequest

MINUTE_MS = 60_000
ALL, TASKS, LEASES = ListRequest(), ListRequest(b"task:"), ListRequest(b"lease:")
PAGE = Page((Row(b"task:1", 1, 0, None, None, deleted=False),), None)


def entry(key: bytes = b"k", version: int = 1, value: bytes | None = b"v") -> Entry:
    return Entry(key, value, version, 0)


def keep(edge: Edge, kept: Entry | None, *, key: bytes = b"k", ttl_ms: int = MINUTE_MS, now_ms: int = 0) -> None:
    edge.keep_value(key, kept, ttl_ms=ttl_ms, now_ms=now_ms)


def shown(edge: Edge, key: bytes = b"k", *, ttl_ms: int = MINUTE_MS, now_ms: int = 0) -> Entry | str | None:
    copy = edge.value(key, ttl_ms, now_ms)
    return "nothing" if copy is None else copy.content


@pytest.fixture
def edge() -> Edge:
    return Edge()


def test_a_copy_is_shown_while_it_is_younger_than_its_cache_ttl(edge: Edge) -> None:
    keep(edge, entry(), now_ms=1_000)
    assert shown(edge, now_ms=1_000) == shown(edge, now_ms=60_999) == entry()
    assert shown(edge, now_ms=61_000) == "nothing"


def test_a_key_that_was_never_read_has_no_copy(edge: Edge) -> None:
    assert shown(edge) == "nothing"


def test_a_miss_is_a_copy_too(edge: Edge) -> None:
    keep(edge, None)
    assert shown(edge, now_ms=59_999) is None
    assert shown(edge, now_ms=60_000) == "nothing"


def test_a_reader_with_a_lower_cache_ttl_shortens_the_copy_s_life_for_all(edge: Edge) -> None:
    keep(edge, entry(), ttl_ms=10 * MINUTE_MS)
    assert shown(edge, ttl_ms=30_000, now_ms=29_999) == entry()
    assert shown(edge, ttl_ms=10 * MINUTE_MS, now_ms=30_000) == "nothing"


def test_a_reader_with_a_higher_cache_ttl_does_not_lengthen_it(edge: Edge) -> None:
    keep(edge, entry(), ttl_ms=30_000)
    assert shown(edge, ttl_ms=10 * MINUTE_MS, now_ms=30_000) == "nothing"


def test_a_copy_from_a_time_that_the_clock_has_gone_back_behind_is_not_shown(edge: Edge) -> None:
    keep(edge, entry(), now_ms=5_000)
    assert shown(edge, now_ms=4_999) == "nothing"


def test_an_own_write_replaces_the_copy_and_is_shown_for_a_minute(edge: Edge) -> None:
    keep(edge, entry(version=1), ttl_ms=10 * MINUTE_MS)
    edge.wrote(entry(version=2, value=b"new"), 1_000)
    assert shown(edge, ttl_ms=10 * MINUTE_MS, now_ms=60_999) == entry(version=2, value=b"new")
    assert shown(edge, ttl_ms=10 * MINUTE_MS, now_ms=61_000) == "nothing"


def test_an_own_delete_replaces_the_copy(edge: Edge) -> None:
    keep(edge, entry())
    edge.wrote(entry(version=2, value=None), 0)
    assert shown(edge) == entry(version=2, value=None)


@pytest.mark.parametrize("late", [entry(version=1), None], ids=["an older value", "a miss"])
def test_what_a_slow_read_brings_never_replaces_a_newer_copy(edge: Edge, late: Entry | None) -> None:
    edge.wrote(entry(version=2, value=b"new"), 0)
    keep(edge, late, now_ms=10)
    assert shown(edge, now_ms=10) == entry(version=2, value=b"new")


def test_a_slow_read_never_brings_a_deleted_key_back(edge: Edge) -> None:
    edge.wrote(entry(version=2, value=None), 0)
    keep(edge, entry(version=1), now_ms=10)
    keep(edge, None, now_ms=20)
    keep(edge, entry(version=1), now_ms=30)
    assert shown(edge, now_ms=30) == entry(version=2, value=None)


def test_a_miss_is_kept_though_an_older_copy_still_says_that_the_key_was_deleted(edge: Edge) -> None:
    """The store forgets a deleted key in the end; a location that remembers it caches the miss all the same."""
    keep(edge, entry(version=2, value=None))
    keep(edge, None, now_ms=2 * MINUTE_MS)
    assert shown(edge, now_ms=2 * MINUTE_MS) == entry(version=2, value=None)


def test_a_value_replaces_a_miss_and_the_same_value_renews_itself(edge: Edge) -> None:
    keep(edge, None)
    keep(edge, entry())
    assert shown(edge) == entry()
    keep(edge, entry(), now_ms=MINUTE_MS)
    assert shown(edge, now_ms=MINUTE_MS) == entry()


def keep_page(edge: Edge, request: ListRequest, *, now_ms: int = 0, ttl_ms: int = MINUTE_MS) -> None:
    edge.keep_page(request, PAGE, ttl_ms=ttl_ms, now_ms=now_ms, writes=edge.writes)


def test_a_page_is_shown_to_the_same_request_while_it_is_young(edge: Edge) -> None:
    keep_page(edge, TASKS)
    copy = edge.page(TASKS, MINUTE_MS, 59_999)
    assert copy is not None
    assert copy.content is PAGE
    assert edge.page(TASKS, MINUTE_MS, 60_000) is None


@pytest.mark.parametrize(
    "other", [ListRequest(b"task"), ListRequest(b"task:", limit=5), ListRequest(b"task:", cursor="c")]
)
def test_a_page_is_not_shown_to_another_request(edge: Edge, other: ListRequest) -> None:
    keep_page(edge, TASKS)
    assert edge.page(other, MINUTE_MS, 0) is None


def test_an_own_write_drops_the_pages_that_could_hold_its_key(edge: Edge) -> None:
    for request in (ALL, TASKS, LEASES):
        keep_page(edge, request)
    edge.wrote(entry(b"task:2"), 0)
    assert [edge.page(request, MINUTE_MS, 0) is not None for request in (ALL, TASKS, LEASES)] == [False, False, True]


def test_an_own_write_drops_every_page_of_a_prefix_also_after_some_were_evicted() -> None:
    edge = Edge(copies_max=2)
    first, second, third = (ListRequest(b"task:", cursor=cursor) for cursor in ("", "b", "c"))
    for request in (first, second, third, third):
        keep_page(edge, request)
    edge.wrote(entry(b"task:2"), 0)
    assert [edge.page(request, MINUTE_MS, 0) for request in (first, second, third)] == [None] * 3
    assert (len(edge), shown(edge, b"task:2")) == (1, entry(b"task:2"))


def test_a_write_elsewhere_marks_the_copies_that_it_makes_stale_and_no_others(edge: Edge) -> None:
    keep(edge, entry(b"task:1"), key=b"task:1")
    keep(edge, entry(b"other"), key=b"other")
    for request in (ALL, TASKS, LEASES):
        keep_page(edge, request)
    edge.superseded(entry(b"task:1", version=9))
    edge.superseded(entry(b"never read", version=8))
    values = [edge.value(key, MINUTE_MS, 0) for key in (b"task:1", b"other")]
    pages = [edge.page(request, MINUTE_MS, 0) for request in (ALL, TASKS, LEASES)]
    assert [copy and copy.newer_version for copy in values] == [9, None]
    assert [copy and copy.newer_version for copy in pages] == [8, 9, None]


def test_a_page_that_was_asked_for_before_an_own_write_is_not_kept(edge: Edge) -> None:
    before = edge.writes
    edge.wrote(entry(b"task:2"), 0)
    edge.keep_page(TASKS, PAGE, ttl_ms=MINUTE_MS, now_ms=0, writes=before)
    assert edge.page(TASKS, MINUTE_MS, 0) is None


def test_the_least_recently_used_copy_goes_first_when_there_are_too_many() -> None:
    edge = Edge(copies_max=2)
    for key in (b"a", b"b"):
        keep(edge, entry(key), key=key)
    shown(edge, b"a")
    keep(edge, entry(b"c"), key=b"c")
    assert [shown(edge, key) != "nothing" for key in (b"a", b"b", b"c")] == [True, False, True]
    assert len(edge) == 2


def test_the_least_recently_used_copies_go_until_the_bytes_fit() -> None:
    edge = Edge(bytes_max=3_000)
    for key in (b"a", b"b", b"c"):
        keep(edge, entry(key, value=bytes(500)), key=key)
    keep(edge, entry(b"d", value=bytes(1_500)), key=b"d")
    assert [shown(edge, key) != "nothing" for key in (b"a", b"b", b"c", b"d")] == [False, False, True, True]
    assert 2_000 < edge.size_bytes <= 3_000


def test_a_copy_larger_than_the_edge_is_not_kept() -> None:
    edge = Edge(bytes_max=3_000)
    keep(edge, entry(value=bytes(3_001)))
    assert (shown(edge), len(edge), edge.size_bytes) == ("nothing", 0, 0)


def test_pages_are_bounded_like_values() -> None:
    edge = Edge(copies_max=2)
    for request in (ALL, TASKS, LEASES):
        keep_page(edge, request)
    assert edge.page(ALL, MINUTE_MS, 0) is None
    assert edge.page(LEASES, MINUTE_MS, 0) is not None
    assert len(edge) == 2


def test_what_an_edge_weighs_does_not_grow_by_replacing(edge: Edge) -> None:
    keep(edge, entry(value=bytes(100)))
    once = edge.size_bytes
    for version in range(2, 50):
        keep(edge, entry(version=version, value=bytes(100)))
    assert (edge.size_bytes, len(edge)) == (once, 1)
    assert once > 100


def test_cleared_it_shows_nothing_and_keeps_nothing_that_was_asked_for_before(edge: Edge) -> None:
    keep(edge, entry())
    keep_page(edge, TASKS)
    before = edge.writes
    edge.clear()
    edge.keep_page(TASKS, PAGE, ttl_ms=MINUTE_MS, now_ms=0, writes=before)
    assert (shown(edge), edge.page(TASKS, MINUTE_MS, 0)) == ("nothing", None)
    assert (len(edge), edge.size_bytes) == (0, 0)
