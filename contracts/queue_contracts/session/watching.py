"""A plugin of pytest: the guard knows which check runs, and what a check says leaves its process without a key."""

from collections.abc import Generator

import pytest

from queue_contracts.described.answers import Answer
from queue_contracts.described.operations import packaged_description
from queue_contracts.report import outcomes
from queue_contracts.sending.claims import ForeignTask
from queue_contracts.sending.guard import UNTESTABLE, PartMissing, Stopped
from queue_contracts.sending.recorder import Exchange
from queue_contracts.sending.run import Run
from queue_contracts.sending.wire import installed
from queue_contracts.session import selection
from queue_contracts.session.again import SERVED
from queue_contracts.session.looking import OfAnotherFormat
from queue_contracts.session.not_testable import say_excused
from queue_contracts.targets.storage import StorageError
from queue_contracts.untrusted.bounded import Unreadable
from queue_contracts.untrusted.environment import printable
from queue_contracts.untrusted.visible import one_line

# A request that was not sent, or a KV that cannot be read, is no broken contract, and no check that holds either.
_NOT_CHECKED = (ForeignTask, Stopped, StorageError, PartMissing, OfAnotherFormat)


class Watching:
    """Of every process that runs checks."""

    def __init__(self, run: Run) -> None:
        self.run = run

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        _now_runs(item, selection.budget_of(item) if self.run.rate is not None else None)

    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        _now_runs(item, None)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        made = yield
        made.user_properties.append(("contract-check", selection.name_of(item)))
        marker = item.get_closest_marker("purpose")
        if marker is not None:
            made.user_properties.append(("contract-purpose", list(marker.args)))
        if call.excinfo is not None and made.failed:
            # What was started for the run is gone when its lines are read.
            origin = SERVED if self.run.local else ""
            made.user_properties.append((outcomes.FAILURE, _failure(item, call.excinfo.value, origin)))
            made.longrepr = showable(made.longreprtext)
            if isinstance(call.excinfo.value, _NOT_CHECKED):
                self._not_checked(made, call.excinfo.value)
        made.sections = [(title, showable(text)) for title, text in made.sections]
        return made

    def _not_checked(self, made: pytest.TestReport, why: BaseException) -> None:
        said = showable(f"not checked: {why}")
        made.outcome, made.longrepr = "skipped", (made.location[0], made.location[1] or 0, said)
        if isinstance(why, PartMissing | OfAnotherFormat):
            made.user_properties.append((outcomes.MISSING, str(why) if isinstance(why, PartMissing) else "format"))
        if isinstance(why, ForeignTask):
            say_excused(self.run.folder, "claimTask", str(why))
        if isinstance(why, StorageError):
            (self.run.folder / UNTESTABLE).write_text(one_line(showable(str(why)), 1000), encoding="utf-8")


def _now_runs(item: pytest.Item, left: int | None) -> None:
    if (guard := installed()) is not None:
        guard.test, guard.left = selection.name_of(item), left


def _failure(item: pytest.Item, error: BaseException, origin: str) -> dict[str, str]:
    guard = installed()
    last = guard.recorder.last.get(selection.name_of(item)) if guard else None
    doc = getattr(getattr(item, "obj", None), "__doc__", None)
    return {
        "promise": outcomes.promise_of(item.name, doc),
        "seen": showable(outcomes.seen_of(error)),
        "curl": last.curl(origin) if last else "",
        **(_answered(last.exchange) if last else {}),
    }


def _answered(asked: Exchange) -> dict[str, str]:
    """The operation that was asked last, and how the answer to it leaves the description."""
    description = packaged_description()
    operation = description.find(asked.method, asked.path)
    if operation is None:
        return {}
    headers = tuple((name.lower(), value) for name, value in asked.headers.items())
    wrong = (
        []
        if asked.shortened
        else description.violations(operation.id, Answer(asked.status, headers, asked.body.encode()))
    )
    broken = "; ".join(f"{each.field}: {each.why}" for each in wrong[:3])
    return {"asked": operation.label, "broken": f"{operation.label} is answered with {broken}" if broken else ""}


def showable(text: str) -> str:
    """Without a key, be it of the target or of the environment, and without what a terminal would obey."""
    guard = installed()
    try:
        return printable(guard.recorder.mask(text) if guard else text)
    except Unreadable as why:
        return f"(not shown: {why})"
