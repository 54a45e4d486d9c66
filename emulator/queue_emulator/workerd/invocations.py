"""Which run of the Worker a KV operation belongs to, as far as that can be known.

The runtime sends its KV requests without saying which run made them. But while one run alone is under way at a
location, what is asked there is asked by it. A run is under way from its request until the runtime reports its end,
after `waitUntil`: then no operation of it can follow. While several are, their operations cannot be told apart.

What the runtime answers without running the Worker it never reports. So a run whose connection is over is over too
when `waitUntil` must be: https://developers.cloudflare.com/workers/runtime-apis/context/#waituntil
"""

from collections import OrderedDict, defaultdict
from collections.abc import Callable

from queue_emulator.core.clock import Stopwatch
from queue_emulator.kv.operation import Invocation

SEVERAL = "several requests at once"
OUTSIDE = "outside any request"
WAIT_UNTIL_MS_MAX = 30_000
_RUNS_MAX = 10_000  # far more than can be under way: beyond it the oldest was never reported, and is forgotten


class Invocations:
    """The runs under way, by location. `elapsed_ms` is a time that only goes on: the runtime knows no other.

    `outside` is the route of an operation while no run is known to be under way. `version` is that of their Worker, ""
    where there is no other.
    """

    def __init__(
        self, *, elapsed_ms: Callable[[], float] | None = None, outside: str = OUTSIDE, version: str = ""
    ) -> None:
        self._elapsed_ms = elapsed_ms or Stopwatch().elapsed_ms
        self._outside = outside
        self._version = version
        self._runs: defaultdict[str, OrderedDict[str, Invocation]] = defaultdict(OrderedDict)
        self._disconnected: OrderedDict[tuple[str, str], float] = OrderedDict()  # and when, the earliest first

    def begin(self, location: str, invocation: Invocation) -> None:
        """A request is about to be given to the Worker."""
        runs = self._under_way(location)
        runs[invocation.name] = invocation
        invocation.worker_version = self._version
        if len(runs) > 1:
            for each in runs.values():
                each.mixed = True
        if len(runs) > _RUNS_MAX:
            self.end(location, next(iter(runs)))

    def end(self, location: str, name: str) -> None:
        """The runtime is done with a run, or never began it."""
        self._runs[location].pop(name, None)
        self._disconnected.pop((location, name), None)

    def disconnected(self, location: str, name: str) -> None:
        """The connection of a run is over: its answer was given, or its client went."""
        if name in self._runs[location]:
            self._disconnected[location, name] = self._elapsed_ms()

    @property
    def under_way(self) -> int:
        """How many runs, at all locations."""
        return sum(map(len, self._runs.values()))

    def clear(self) -> None:
        """The runtime is gone, and every run with it."""
        self._runs.clear()
        self._disconnected.clear()

    def caller(self, location: str) -> Invocation:
        """Who makes an operation at a location: its one run, or nobody who can be told."""
        runs = self._under_way(location)
        if len(runs) == 1:
            return next(iter(runs.values()))
        route = SEVERAL if runs else self._outside
        return Invocation(None, route=route, mixed=True, worker_version=self._version)

    def _under_way(self, location: str) -> OrderedDict[str, Invocation]:
        """The runs at a location, without those that must be over and will never be reported."""
        latest_ms = self._elapsed_ms() - WAIT_UNTIL_MS_MAX
        while self._disconnected and next(iter(self._disconnected.values())) < latest_ms:
            self.end(*next(iter(self._disconnected)))
        return self._runs[location]
