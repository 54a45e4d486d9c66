"""The meter: how many KV operations each of the Worker's routes has made."""

from collections import Counter

from queue_emulator.core.copies import shallow
from queue_emulator.core.kinds import Kind
from queue_emulator.core.limits import METER_ROUTES_MAX
from queue_emulator.core.plans import Traffic

OTHER = "other routes"


class Meter:
    """Counts by route and kind of operation, and the stretch of time in which they were made.

    Routes beyond METER_ROUTES_MAX are counted together: whoever sends requests chooses their names.
    """

    def __init__(self) -> None:
        self._operations: Counter[tuple[str, str]] = Counter()
        self._invocations: Counter[str] = Counter()
        self._routes: set[str] = set()
        self.first_ms: int | None = None
        self.last_ms: int | None = None

    def invoked(self, route: str, now_ms: int) -> None:
        """One more run of the Worker for this route."""
        self._invocations[self._counted_as(route)] += 1
        self._saw(now_ms)

    def count(self, route: str, kind: Kind, now_ms: int, number: int = 1) -> None:
        """So many more operations; `route` "" is not the Worker's traffic and not counted."""
        if route and number:
            self._operations[self._counted_as(route), kind.billed] += number
            self._saw(now_ms)

    def by_route(self) -> dict[str, dict[str, int]]:
        """For each route: how often it ran, and its operations by kind."""
        routes = {route: {"requests": self._invocations[route]} for route in sorted(self._routes)}
        for (route, kind), count in sorted(self._operations.items()):
            routes[route][kind] = count
        return routes

    def totals(self) -> dict[str, int]:
        """Operations by kind, of all routes."""
        totals: Counter[str] = Counter()
        for (_, kind), count in self._operations.items():
            totals[kind] += count
        return dict(sorted(totals.items()))

    def traffic(self, over_s: float = 0) -> Traffic:
        """All that was counted; `over_s` is the time that it stands for, 0 for the time that was observed."""
        observed_s = max(0, (self.last_ms or 0) - (self.first_ms or 0)) / 1000  # 0 if the clock was set back
        return {
            "routes": self.by_route(),
            "operations": self.totals(),
            "observed_s": observed_s,
            "over_s": over_s or observed_s,
        }

    def copy(self) -> "Meter":
        """One that has counted the same, and goes on by itself."""
        other = shallow(self)
        other._operations, other._invocations = self._operations.copy(), self._invocations.copy()
        other._routes = self._routes.copy()
        return other

    def clear(self) -> None:
        self._operations.clear()
        self._invocations.clear()
        self._routes.clear()
        self.first_ms = self.last_ms = None

    def _counted_as(self, route: str) -> str:
        """The route itself, or OTHER if there are too many already."""
        if route in self._routes:
            return route
        if len(self._routes) >= METER_ROUTES_MAX:
            route = OTHER
        self._routes.add(route)
        return route

    def _saw(self, now_ms: int) -> None:
        self.first_ms = now_ms if self.first_ms is None else self.first_ms
        self.last_ms = now_ms
