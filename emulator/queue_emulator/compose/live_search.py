"""A search for what breaks the queue, in a process of its own, which tells what it finds as it finds it.

It is started by `live_explorer.py`: `python -m queue_emulator.compose.live_search SCENARIO SECONDS SEED`, with
SCENARIO "" for all. A search takes all that a core has, and beside it requests would wait.
"""

import os
import sys
from collections.abc import Mapping

from queue_emulator.core.clock import Stopwatch
from queue_emulator.core.javascript import ToJson, stringify_json
from queue_emulator.drawing.picture import picture
from queue_emulator.explore import schedule, text_report
from queue_emulator.explore.explorer import Explorer, Finding
from queue_emulator.explore.history import Step
from queue_emulator.explore.picturing import Shown, story
from queue_emulator.explore.scenarios import SCENARIOS
from queue_emulator.transfer.output import ClosedPipe, write_out

_PROGRESS_MS = 500
_POLITE = 5  # the emulator's own answers go first


def main(scenario: str, seconds: float, random_seed: int) -> None:
    """Search and tell, a line of JSON each."""
    os.nice(_POLITE)
    searched = [each for each in SCENARIOS if not scenario or each.name == scenario]
    explorer, watch = Explorer(searched, random_seed, swarm=not scenario), Stopwatch()
    said_ms = 0.0

    def enough() -> bool:
        nonlocal said_ms
        now_ms = watch.elapsed_ms()
        if now_ms - said_ms >= _PROGRESS_MS:
            said_ms = now_ms
            _tell({"progress": _progress(explorer, now_ms)})
        return now_ms >= seconds * 1000

    for number, finding in enumerate(explorer.run(enough), 1):
        _tell({"finding": _as_json(finding, number)})
    _tell({"end": _progress(explorer, watch.elapsed_ms())})


def _progress(explorer: Explorer, now_ms: float) -> dict[str, ToJson]:
    return {
        "schedules": explorer.schedules,
        "operations": explorer.operations,
        "elapsed_s": round(now_ms / 1000, 1),
        "findings": len(explorer.findings),
    }


def _as_json(finding: Finding, number: int) -> dict[str, ToJson]:
    name, needs = text_report.name(finding), text_report.needs(finding.causes)
    shown = Shown(finding.scenario, finding.history, finding.target, finding.broken, finding.causes)
    happenings = finding.history.happenings[: finding.broken.position + 1]
    return {
        "name": name,
        "guarantee": finding.guarantee.id,
        "title": finding.guarantee.title,
        "sentence": finding.guarantee.sentence,
        "why": finding.broken.why,
        "needs": needs,
        "operations": sum(isinstance(each, Step) for each in happenings),
        "rank": finding.rank,
        "schedule": schedule.write(finding, needs),
        "picture": picture(story(shown, name=f"finding-{number}", command="")),
    }


def _tell(line: Mapping[str, ToJson]) -> None:
    write_out([stringify_json(line), "\n"])


if __name__ == "__main__":
    try:
        main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))
    except (ClosedPipe, KeyboardInterrupt):
        os._exit(0)  # nobody listens any more
