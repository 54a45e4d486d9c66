"""Operations by route: as many routes as there are names for, the others together."""

from queue_emulator.core.kinds import GET, LIST, PUT
from queue_emulator.core.limits import METER_ROUTES_MAX
from queue_emulator.core.meter import OTHER, Meter


def test_operations_are_counted_by_route_and_kind() -> None:
    meter = Meter()
    meter.invoked("GET /a", 1)
    meter.count("GET /a", GET, 2)
    meter.count("GET /a", PUT, 3)
    meter.count("only operations", LIST, 4)
    meter.count("", GET, 5)
    assert meter.by_route() == {
        "GET /a": {"requests": 1, "reads": 1, "writes": 1},
        "only operations": {"requests": 0, "lists": 1},
    }
    assert (meter.first_ms, meter.last_ms) == (1, 4)


def test_routes_beyond_the_limit_are_counted_together_and_none_is_lost() -> None:
    meter = Meter()
    for number in range(10 * METER_ROUTES_MAX):
        meter.invoked(f"GET /{number}", number)
        meter.count(f"GET /{number}", GET, number)
    routes = meter.by_route()
    assert len(routes) == METER_ROUTES_MAX + 1
    assert routes[OTHER] == {"requests": 9 * METER_ROUTES_MAX, "reads": 9 * METER_ROUTES_MAX}
    assert meter.totals() == {"reads": 10 * METER_ROUTES_MAX}
    meter.clear()
    meter.invoked("GET /new", 1)
    assert list(meter.by_route()) == ["GET /new"]
