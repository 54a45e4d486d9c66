"""A schedule made small: fewer actors, tasks, requests, steps, pauses and switches; the same guarantee and causes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from queue_emulator.explore.causes import Signs, Target, keeps, replay
from queue_emulator.explore.history import Actor
from queue_emulator.explore.scenarios import Scenario
from queue_emulator.explore.turns import TICK_MS, USUAL_MS, Choice, Made, switches

_ROUNDS_MAX = 6


class Small(NamedTuple):
    """What a schedule has come to; `whole`: whether all was tried that could make it smaller."""

    scenario: Scenario
    made: tuple[Made, ...]
    whole: bool


def never() -> bool:
    """There is time for it all."""
    return False


def shrink(
    scenario: Scenario, made: Sequence[Made], target: Target, expected: Signs, enough: Callable[[], bool] = never
) -> Small:
    """The smallest that it comes to by leaving out one thing after the other, until nothing can be left out.

    Once it is `enough`, what it has come to by then.
    """
    shrinking = _Shrinking(scenario, tuple(made), target, expected, enough)
    for _ in range(_ROUNDS_MAX):
        before = shrinking.scenario, shrinking.made
        for way in _WAYS:
            way(shrinking)
        if before == (shrinking.scenario, shrinking.made):
            break
    return Small(shrinking.scenario, shrinking.made, whole=not shrinking.ended)


class _Shrinking:
    """What it has come to, and how something smaller is tried."""

    def __init__(
        self,
        scenario: Scenario,
        made: tuple[Made, ...],
        target: Target,
        expected: Signs,
        enough: Callable[[], bool],
    ) -> None:
        self.scenario = scenario
        self.made = made
        self.ended = False
        self._target = target
        self._expected = expected
        self._enough = enough
        self._tried = {(scenario, tuple(each.choice for each in made))}

    @property
    def choices(self) -> list[Choice]:
        return [each.choice for each in self.made]

    def take(self, scenario: Scenario, choices: Sequence[Choice]) -> bool:
        """Go on from this if it still breaks the guarantee, for the same causes; what was tried once is not again."""
        trial = scenario, tuple(choices)
        if trial in self._tried:
            return False
        self.ended = self.ended or self._enough()
        if self.ended:
            return False
        self._tried.add(trial)
        world = replay(scenario, choices)
        if self._target.breaks(world.history) is None or not keeps(world, self._target, self._expected):
            return False
        self.scenario, self.made = scenario, tuple(world.made)
        return True

    def take_without(self, scenario: Scenario, left_out: Callable[[Made], bool]) -> bool:
        """Leave steps out; if that breaks nothing, leave a second in their place."""
        kept: list[Choice] = []
        paused: list[Choice] = []
        gap = False
        for each in self.made:
            if left_out(each):
                gap = True
                continue
            usual = each.choice.pause_ms == USUAL_MS
            kept.append(each.choice)
            paused.append(each.choice._replace(pause_ms=TICK_MS) if gap and usual else each.choice)
            gap = False
        return self.take(scenario, kept) or (paused != kept and self.take(scenario, paused))


def _nothing_at_all(it: _Shrinking) -> None:
    """Some things break with nobody there, at the look at the end."""
    if it.made or it.scenario.actors:
        it.take(replace(it.scenario, actors=()), ())


def _the_end(it: _Shrinking) -> None:
    low, high = 0, len(it.made)
    while low < high:
        middle = (low + high) // 2
        if it.take(it.scenario, it.choices[:middle]):
            high = min(middle, len(it.made))
        else:
            low = middle + 1


def _actors(it: _Shrinking) -> None:
    for actor in it.scenario.actors:
        others = tuple(each for each in it.scenario.actors if each.name != actor.name)
        it.take_without(replace(it.scenario, actors=others), partial(_of_actor, actor.name))


def _tasks(it: _Shrinking) -> None:
    def without(start: int, size: int) -> bool:
        before = it.scenario.before
        return it.take(replace(it.scenario, before=before[:start] + before[start + size :]), it.choices)

    _leave_out(lambda: len(it.scenario.before), without)


def _requests(it: _Shrinking) -> None:
    for name in [actor.name for actor in it.scenario.actors]:
        begun = max((each.number for each in it.made if each.choice.actor == name), default=0)
        script = _actor(it.scenario, name).script
        if begun < len(script):
            it.take(_with_script(it.scenario, name, script[:begun]), it.choices)
        for place in range(len(_actor(it.scenario, name).script), 0, -1):
            script = _actor(it.scenario, name).script
            shorter = _with_script(it.scenario, name, (*script[: place - 1], *script[place:]))
            it.take_without(shorter, partial(_of_request, name, place))


def _steps(it: _Shrinking) -> None:
    _leave_out(
        lambda: len(it.made), lambda start, size: it.take(it.scenario, it.choices[:start] + it.choices[start + size :])
    )


def _oddities(it: _Shrinking) -> None:
    for place, choice in enumerate(it.choices):
        plainer = ({"fault": ""}, {"machine": 1}, {"going": 1}, {"pause_ms": USUAL_MS})
        for each in (choice._replace(**members) for members in plainer):
            if place < len(it.made) and each != it.choices[place]:
                it.take(it.scenario, [*it.choices[:place], each, *it.choices[place + 1 :]])


def _switches(it: _Shrinking) -> None:
    """Bring a step to the one before it of the same actor."""
    place = 1
    while place < len(it.made):
        choices = it.choices
        before = next((at for at in range(place - 1, -1, -1) if choices[at].actor == choices[place].actor), None)
        if before is not None and before < place - 1:
            moved = [*choices[: before + 1], choices[place], *choices[before + 1 : place], *choices[place + 1 :]]
            if switches(moved) < switches(choices) and it.take(it.scenario, moved):
                place = 1
                continue
        place += 1


_WAYS: tuple[Callable[[_Shrinking], None], ...] = (
    _nothing_at_all,
    _the_end,
    _actors,
    _tasks,
    _requests,
    _steps,
    _oddities,
    _switches,
)


def _leave_out(length: Callable[[], int], without: Callable[[int, int], bool]) -> None:
    """Parts of a row, large ones first."""
    size = max(1, length() // 2)
    while size:
        start = 0
        while start < length():
            if not without(start, size):
                start += size
        size //= 2


def _of_actor(name: str, made: Made) -> bool:
    return made.choice.actor == name


def _of_request(name: str, number: int, made: Made) -> bool:
    return made.choice.actor == name and made.number == number


def _actor(scenario: Scenario, name: str) -> Actor:
    return next((each for each in scenario.actors if each.name == name), Actor(name, ""))


def _with_script(scenario: Scenario, name: str, script: Sequence[str]) -> Scenario:
    actors = tuple(replace(each, script=script) if each.name == name else each for each in scenario.actors)
    return replace(scenario, actors=actors)
