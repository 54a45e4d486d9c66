"""What was found, in words for people who did not look for it."""

import re
from collections.abc import Sequence

from queue_emulator.explore.behaviour import Behaviour
from queue_emulator.explore.causes import Cause
from queue_emulator.explore.explorer import Finding
from queue_emulator.explore.history import Call, Ended, Step, calls

_NEEDS = {
    Behaviour.CACHES: "a location answers from its own copies for up to a minute",
    Behaviour.OVERLAP: "requests run at the same time",
    Behaviour.WRITE_RATE: "KV takes one write a second to one key",
    Behaviour.OPERATIONS: "one run of a Worker may make only so many KV operations",
    Behaviour.PAGES: "a list shows only so many keys",
    Behaviour.PAUSES: "somebody is slow, or a lifetime ends",
    Behaviour.FAULTS: "one KV operation fails, or one run is ended",
    Behaviour.ORDER: "operations that one request makes at once are done in another order than it asked for them",
    Behaviour.MACHINES: "a location has several machines, each with copies of its own",
}
assert _NEEDS.keys() == set(Behaviour)


_NAME_MAX = 100


def needs(causes: Sequence[Cause]) -> str:
    """What it takes, in words."""
    if not causes:
        return "nothing special: it happens to anybody who does this"
    return "; and ".join(" or ".join(_NEEDS[each] for each in cause) for cause in causes)


def name(finding: Finding) -> str:
    """A name for its files: p1-caches-claim-release."""
    words = [finding.target.guarantee, *("-or-".join(each.name for each in cause) for cause in finding.causes)]
    words += finding.verbs or finding.target.how
    return re.sub(r"[^a-z0-9]+", "-", "-".join(words).lower()).strip("-")[:_NAME_MAX]


def five_lines(finding: Finding, replay: str) -> tuple[str, ...]:
    """What is broken, how, what it takes, what happens, and how to see it again."""
    steps = sum(isinstance(each, Step) for each in finding.history.happenings[: finding.broken.position + 1])
    size = "" if finding.small else "; not made small"
    return (
        f"{finding.guarantee.title.upper()}: {finding.broken.why}",
        f"  should hold    {finding.guarantee.sentence}",
        f"  needs          {needs(finding.causes)}",
        f"  what happens   {_what_happens(finding)} ({steps} KV operations{size})",
        f"  see it again   {replay}",
    )


def _what_happens(finding: Finding) -> str:
    upto = finding.history.happenings[: finding.broken.position + 1]
    own = [call for call in calls(upto) if not call.closing]
    if not own:
        return "nobody does anything: what is there is enough"
    several = len({call.actor.location for call in own}) > 1
    said = [_request(call, several) for call in own]
    closing = [each.call for each in upto if isinstance(each, Ended) and each.call.closing]
    after = f"; then {closing[-1].actor.name} asks {closing[-1].request.text}" if closing else ""
    return ", ".join(said) + after


def _request(call: Call, several: bool) -> str:
    at = f" at {call.actor.location}" if several else ""
    served = f" (machine {call.machine})" if call.machine != 1 else ""
    return f"{call.actor.name}{at}: {call.request.text}{served}" + (" (hit by a fault)" if call.faulted else "")
