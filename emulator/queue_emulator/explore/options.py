"""What can happen next in a world: who goes on, how much time passes before, and what goes wrong."""

from collections.abc import Collection
from functools import lru_cache

from queue_emulator.explore.turns import AT_ONCE_MS, EXPIRY_MS, MINUTE_MS, USUAL_MS, Choice
from queue_emulator.explore.world import World


def options(world: World, ending: Collection[bytes] | None = None) -> tuple[Choice, ...]:
    """All that can happen next, the usual first; `ending` are the keys that end next, if that is known."""
    names = tuple(world.able())
    if not names:
        return ()
    begins = tuple([name for name in names if world.begins(name)])
    pauses: tuple[int, ...] = ()
    if world.pauses_left and world.made:
        ends = world.next_to_end() if ending is None else ending
        pauses = (MINUTE_MS, EXPIRY_MS) if ends else (MINUTE_MS,)
    faults = world.scenario.faults if world.faults_left else ()
    return _options(names, begins, world.last, pauses, world.scenario.machines, faults)


@lru_cache(maxsize=4096)
def _options(
    names: tuple[str, ...],
    begins: tuple[str, ...],
    last: str | None,
    pauses: tuple[int, ...],
    machines: int,
    faults: tuple[str, ...],
) -> tuple[Choice, ...]:
    choices = [Choice(name) for name in names]
    if last is not None:
        choices += [Choice(name, AT_ONCE_MS) for name in names if name != last or name in begins]
    choices += [Choice(name, pause_ms) for pause_ms in pauses for name in names]
    choices += [Choice(name, machine=machine) for machine in range(2, machines + 1) for name in begins]
    choices += [Choice(name, USUAL_MS, fault) for fault in faults for name in names]
    return tuple(choices)
