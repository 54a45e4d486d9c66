"""The runtimes that tools have started under one `run`, and which of them the emulator's own port leads to."""

from queue_emulator.run.reports import Ready


class Runtimes:
    """What each has reported last. A process of a tool may have several, one after the other or at once."""

    def __init__(self) -> None:
        self._by_process: dict[str, dict[int, Ready]] = {}

    def take(self, report: Ready) -> None:
        """One has been started, or started again with other options."""
        runtimes = self._by_process.setdefault(report.process, {})
        runtimes.pop(report.instance, None)
        runtimes[report.instance] = report

    def ended(self, process: str, instance: int | None = None) -> None:
        """One has been ended by its tool, or all of a process that is gone."""
        runtimes = self._by_process.get(process, {})
        if instance is None:
            runtimes.clear()
        else:
            runtimes.pop(instance, None)
        if not runtimes:
            self._by_process.pop(process, None)

    @property
    def leading(self) -> Ready | None:
        """Of the process that was ready first, the runtime that was ready last."""
        first = next(iter(self._by_process.values()), None)
        return None if first is None else next(reversed(first.values()))

    @property
    def clocks(self) -> tuple[str, ...]:
        """Where Workers are told the time: all of them, whichever tool they are in."""
        every = (report for runtimes in self._by_process.values() for report in runtimes.values())
        return tuple(dict.fromkeys(url for report in every for url in report.clocks))
