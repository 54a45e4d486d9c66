"""What the user of `run` is told: one line when the tool's Workers are over this KV, a warning when they are not."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from queue_emulator.run.reports import Bound, BoundNamespace, Loaded, Missed, Ready, Refused, Report

_KNOWN = "this queue-emulator supports miniflare 3.20240329 to 5, which wrangler 3.44 to 4 contains"
_NOTHING_TO_EMULATE = "no Worker with a KV namespace was started, so nothing was emulated"
_MISSED = (
    "started a Workers runtime with a miniflare that was not found, so its KV is not this emulator's. Perhaps "
    "miniflare is bundled into the tool, or loaded by a loader such as tsx instead of by Node.js itself"
)
_WHO_HAS_ONE = (
    "wrangler, Vite, Vitest and getPlatformProxy load miniflare; a tool that has miniflare bundled in does not work "
    "with `run`"
)
_NO_MINIFLARE = (
    f"no miniflare was found in the command, so its KV, if it has one, is not this emulator's. {_WHO_HAS_ONE}"
)
_NOT_YET = f"no miniflare was found in the command so far: until one is, its KV is not this emulator's. {_WHO_HAS_ONE}"


@dataclass(slots=True)
class Announcements:
    """Takes reports in their order. `at` are the bindings that were put at a location of their own."""

    controls: str
    locations: Sequence[str]
    at: Mapping[str, str]
    say: Callable[[str], None]
    _loaded: bool = False
    _missed: bool = False
    _places: dict[str, dict[BoundNamespace, None]] = field(default_factory=dict)  # by the tool
    _said: set[str] = field(default_factory=set)

    def take(self, report: Report) -> None:
        """A report; says what it means to the user, once."""
        match report:
            case Loaded():
                self._loaded = True
            case Bound(places=places):
                self._places.setdefault(report.tool, {}).update(dict.fromkeys(places))
            case Ready():
                self._once(self._ready_line(report))
                self._once(self._stray_line())
            case Missed():
                self._missed = True
                self._once(f"{report.tool} {_MISSED}")
            case Refused():
                self._once(
                    f"{report.tool} has miniflare {report.miniflare}, which is not supported: {report.why}; {_KNOWN}. "
                    "Use one of those, or a newer queue-emulator"
                )

    def warn(self) -> None:
        """Nothing was heard for a while: say so, unless a tool is only slow to start its Worker."""
        if not (self._loaded or self._missed):
            self._once(_NOT_YET)

    def ended(self, code: int) -> None:
        """The command has ended: if no Worker was over this KV, say so."""
        if self._places or self._missed:
            return
        ending = f"the command ended with exit code {code}"
        self._once(f"{ending}: {_NOTHING_TO_EMULATE if self._loaded else _NO_MINIFLARE}")

    def _ready_line(self, report: Ready) -> str:
        places = ", ".join(dict.fromkeys(map(self._place, self._places.get(report.tool, ()))))
        tool = f"{report.tool} (miniflare {report.miniflare})"
        return f"{tool} uses this KV: {places}; {self._where(report)}; page and controls at {self.controls}"

    def _where(self, report: Ready) -> str:
        first, *others = self.locations
        if report.alone:
            return f"{report.alone}, {first}; --at BINDING=LOCATION puts a binding at another location"
        return f"locations {', '.join(self.locations)}" if others else f"location {first}"

    def _place(self, place: BoundNamespace) -> str:
        at = f" at {place.location}" if place.binding in self.at else ""
        return f"{place.binding} = {place.namespace}{at}"

    def _stray_line(self) -> str | None:
        known_places = [each for places in self._places.values() for each in places]
        stray = sorted(set(self.at) - {each.binding for each in known_places})
        if not stray:
            return None
        known = ", ".join(dict.fromkeys(each.binding for each in known_places))
        return f"--at {stray[0]}={self.at[stray[0]]}: no Worker has a KV binding with this name yet; known: {known}"

    def _once(self, line: str | None) -> None:
        if line is not None and line not in self._said:
            self._said.add(line)
            self.say(f"queue-emulator: {line}")
