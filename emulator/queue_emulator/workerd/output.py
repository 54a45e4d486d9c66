"""What workerd writes, turned into lines of our log: the Worker's console, its exceptions, the runtime's own words.

workerd writes one JSON object a line and does not say at which location. A Worker that is wrapped says it in each
line. Of others our tail tells at the end of each run: with one location the console is shown at once; with several when
the run is over, and if the runtime dies before that, what it wrote last is shown without a location.
"""

import json
import re
from collections import deque
from collections.abc import Callable, Sequence
from typing import NotRequired, TypedDict

from queue_emulator.core.clock import Stopwatch
from queue_emulator.core.repeated_lines import RepeatedLines
from queue_emulator.core.shown import block

_SHOWN_AFTER_DEATH = 20
_PROBLEMS_MAX, _PROBLEM_CHARACTERS_MAX = 100, 10_000  # of why a Worker does not start
_COLOUR = re.compile("\x1b\\[[0-9;]*m")  # for a terminal; anything else that moves a cursor is shown as its escape
# An exception of the Worker's, of which the tail tells more; and the end of what the runtime has just complained of.
_TOLD_ELSEWHERE = ("jsg.", "worker_do_not_log")
# A client that went away in the middle of its request, as a rule: one line for each would never end.
_BROKEN_OFF = "Network connection lost"
_PRIVATE = (
    "a fetch() to a private address was refused: a Worker reaches public addresses only; if your Worker calls no "
    "fetch(): its default export has no fetch handler, so workerd sends each request on to the host that it names"
)
_PLAIN_WORDS = {
    re.compile(r"blocked by restrictPeers\(\)"): _PRIVATE,
    re.compile(r"failed: connecting to \S+ is not allowed"): _PRIVATE,  # of November 2026
}


class Output:
    """Takes the lines of one workerd process. `ended(location, ray)` is told of each run's end.

    What begins with `tail_mark` comes from our tail: the Worker, which writes on the same console, does not know it.
    What begins with `console_mark` and a location was written there.
    """

    def __init__(
        self,
        locations: Sequence[str],
        *,
        tail_mark: str,
        console_mark: str = "\0",
        log: Callable[[str], None],
        ended: Callable[[str, str], None],
    ) -> None:
        self._tail_mark = tail_mark
        self._console_mark = console_mark
        self._location = locations[0] if len(locations) == 1 else None
        self._log = log
        self._log_repeated = RepeatedLines(log, Stopwatch().elapsed_s)
        self._ended = ended
        self._unplaced: deque[str] = deque(maxlen=_SHOWN_AFTER_DEATH)
        self._ready = False
        self.problems: list[str] = []

    def ready(self) -> None:
        """The Worker runs: what comes from here on is no longer a reason why it does not."""
        self._ready = True

    def dead(self) -> None:
        """The process is gone: show what no tail will tell of any more."""
        for line in self._unplaced:
            self._console(None, line)
        self._unplaced.clear()

    def line(self, raw: bytes) -> None:
        """One line, without its end."""
        text = raw.decode("utf-8", "replace")
        said = _parse(text)
        if said is None:
            self._own(text)
        elif "source" in said:
            self._own(said["message"])
        elif said["message"].startswith(self._tail_mark):
            self._tail(json.loads(said["message"].removeprefix(self._tail_mark)))
        elif said["message"].startswith(self._console_mark):
            location, _, message = said["message"].removeprefix(self._console_mark).partition(" ")
            self._console(location, message)
        elif self._location is not None or not self._ready:
            self._console(self._location, said["message"])
        else:
            self._unplaced.append(said["message"])

    def _tail(self, run: "_Run") -> None:
        location = str(run["location"])
        if self._location is None:
            self._unplaced.clear()
            for message in run["logs"]:
                if not message.startswith(self._console_mark):
                    self._console(location, message)
        for error in run["exceptions"]:
            stack = f"\n{error['stack']}" if error.get("stack") else ""
            log = self._log_repeated if _BROKEN_OFF in error["message"] else self._log
            log(_shown(f"  uncaught {error['name']}: {error['message']} (at {location}){stack}"))
        if run.get("ray"):
            self._ended(location, str(run["ray"]).partition("-")[0])

    def _own(self, message: str) -> None:
        if not self._ready:
            if len(self.problems) < _PROBLEMS_MAX:
                self.problems.append(block(message[:_PROBLEM_CHARACTERS_MAX]))
        elif not any(each in message for each in _TOLD_ELSEWHERE):
            self._log_repeated(block(f"  workerd: {_in_plain_words(message)}"))

    def _console(self, location: str | None, message: str) -> None:
        self._log(_shown(f"  worker{'' if location is None else f' {location}'}: {message}"))


class _Thrown(TypedDict):
    name: str
    message: str
    stack: NotRequired[str]


class _Run(TypedDict):
    """What tail.mjs tells of one invocation."""

    location: str
    logs: list[str]
    exceptions: list[_Thrown]
    ray: NotRequired[str]


def _parse(text: str) -> dict[str, str] | None:
    try:
        said = json.loads(text)
    except ValueError:
        return None
    return said if isinstance(said, dict) and isinstance(said.get("message"), str) else None


def _shown(written: str) -> str:
    return block(_COLOUR.sub("", written))


def _in_plain_words(message: str) -> str:
    """Without the addresses in the runtime's binary that it calls a stack."""
    told = message.partition("\nstack: ")[0]
    return next((words for sign, words in _PLAIN_WORDS.items() if sign.search(told)), told)
