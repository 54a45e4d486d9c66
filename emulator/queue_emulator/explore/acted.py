"""Which production behaviours have done anything in a schedule: without any other it goes the same way, step by step.

What cannot be told apart from here counts as having acted, so that nothing is taken for idle that is not.
"""

from collections.abc import Sequence

from queue_emulator.explore.behaviour import Behaviour
from queue_emulator.explore.history import Call, Ended, Happening, Settled, Step
from queue_emulator.explore.scenarios import FAIL_BEFORE
from queue_emulator.explore.turns import Made


def acted(made: Sequence[Made], happenings: Sequence[Happening], met: frozenset[Behaviour]) -> frozenset[Behaviour]:
    """Of what was chosen and what came of it; `met` are the limits of pages and operations that a request came to."""
    did = set(met)
    odd = {
        Behaviour.FAULTS: any(each.choice.fault for each in made),
        Behaviour.MACHINES: any(each.choice.machine != 1 for each in made),
        Behaviour.ORDER: any(each.choice.going != 1 for each in made),
        Behaviour.PAUSES: any(each.choice.waits for each in made),
        Behaviour.OVERLAP: _overlap(happenings) or _pause_amidst(made),
        Behaviour.CACHES: any(isinstance(each, Step) and _old(each) for each in happenings),
        Behaviour.WRITE_RATE: any(isinstance(each, Step) and _refused(each) for each in happenings),
    }
    did.update(behaviour for behaviour, found in odd.items() if found)
    return frozenset(did)


def _old(step: Step) -> bool:
    """Whether it was shown a copy of what has changed since. Any other copy shows what the centre would."""
    return step.event is not None and step.event.newer_version is not None


def _refused(step: Step) -> bool:
    return step.kind == "put" and step.event is not None and step.event.failed is not None and step.fault != FAIL_BEFORE


def _pause_amidst(made: Sequence[Made]) -> bool:
    """Whether time passes within a request, where its steps are chosen one by one."""
    begun = set[tuple[str, int]]()
    for choice, number in made:
        if (choice.actor, number) in begun and choice.waits:
            return True
        begun.add((choice.actor, number))
    return False


def _overlap(happenings: Sequence[Happening]) -> bool:
    """Whether anything happens between the beginning of a request and its end that is not part of it."""
    runs: Call | None = None
    for each in happenings:
        if isinstance(each, Settled):
            return False
        if runs is not None and each.call is not runs:
            return True
        runs = None if isinstance(each, Ended) else each.call
    return False
