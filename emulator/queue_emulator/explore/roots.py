"""Worlds from which schedules go on: what comes before is not done again where a copy of such a world can be had."""

from collections.abc import Sequence

from queue_emulator.explore.scenarios import Scenario
from queue_emulator.explore.turns import Choice
from queue_emulator.explore.world import World

_WORLDS_MAX = 400  # some 10 kB each


class _Node:
    """A place in a schedule; its world, if that is kept."""

    __slots__ = ("after", "world")

    def __init__(self) -> None:
        self.after: dict[Choice, _Node] = {}
        self.world: World | None = None


class Roots:
    """Those of one scenario: worlds are kept where no request is under way."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._top = _Node()
        self._kept = 0

    def world(self, made: Sequence[Choice]) -> World:
        """One in which this was chosen; it is the caller's."""
        node, path, known, world = self._top, list[_Node](), 0, self._top.world
        for length, choice in enumerate(made, 1):
            following = node.after.get(choice)
            if following is None:
                following = node.after[choice] = _Node()
            path.append(node := following)
            if node.world is not None:
                known, world = length, node.world
        mine = (None if world is None else world.copy()) or World(self._scenario)
        if world is None:
            self._keep(self._top, mine)
        for length, choice in enumerate(made[known:], known):
            mine.do(choice)
            if mine.idle:
                self._keep(path[length], mine)
        return mine

    def _keep(self, node: _Node, world: World) -> None:
        if self._kept >= _WORLDS_MAX:
            self._top, self._kept = _Node(), 0
            return
        node.world = world.copy()
        self._kept += node.world is not None
