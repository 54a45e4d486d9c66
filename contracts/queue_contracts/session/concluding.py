"""A plugin of pytest, in the process that leads: what came of each check, what the run comes to, and the reports."""

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from queue_contracts.codes import Code
from queue_contracts.names import HAR, JUNIT, PAGE
from queue_contracts.report import har, outcomes, page, summary
from queue_contracts.report.outcomes import Outcome
from queue_contracts.report.parts import Expected, left_out
from queue_contracts.report.verdict import Evidence, Verdict, judge
from queue_contracts.sending.pace import learned_rate
from queue_contracts.sending.parts import Parts
from queue_contracts.sending.recorder import Exchange, read_exchanges
from queue_contracts.sending.run import Run
from queue_contracts.session import request_counts, selection
from queue_contracts.session.again import how_to_ask_again
from queue_contracts.session.looking import parts_of
from queue_contracts.session.not_testable import excused
from queue_contracts.targets.target import Target
from queue_contracts.untrusted.environment import mask_environment
from queue_contracts.untrusted.files import write_whole
from queue_contracts.untrusted.visible import one_line, visible


class Told(msgspec.Struct):
    """What the process that ran a check tells of it, beside its report."""

    check: str = msgspec.field(name="contract-check", default="")
    purpose: set[int] = msgspec.field(name="contract-purpose", default_factory=set)
    failure: dict[str, str] = msgspec.field(name=outcomes.FAILURE, default_factory=dict)
    missing: str | None = msgspec.field(name=outcomes.MISSING, default=None)
    generated: request_counts.Account | None = msgspec.field(name=request_counts.PROPERTY, default=None)


class Concluding:
    """`lines` is what the run says at its end."""

    def __init__(self, config: pytest.Config, run: Run, target: Target | None, address: str) -> None:
        self.config, self.run, self.target, self.address = config, run, target, address
        self.outcomes: dict[str, Outcome] = {}
        self.purposes: dict[str, set[int]] = {}
        self.accounts: list[request_counts.Account] = []
        self.missed: Counter[str] = Counter()
        self.lines: list[str] = []
        self.told_to_end = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        told = msgspec.convert(dict(report.user_properties), Told)
        name = told.check or report.nodeid
        self.purposes[name] = told.purpose
        if told.missing is not None:
            self.missed[told.missing] += 1
        before = self.outcomes.get(name)
        if report.when == "call" or report.failed or (report.skipped and before is None):
            settled = tuple(str(value) for key, value in report.user_properties if key == "settled")
            result = "failed" if report.failed else report.outcome
            self.outcomes[name] = Outcome(name, result, report.duration, settled=settled, **told.failure)
        if told.generated is not None and report.when == "teardown":
            self.accounts.append(told.generated)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        self.told_to_end = not isinstance(excinfo.value, pytest.exit.Exception)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if (int(exitstatus) not in (0, 1, 5) and not self.told_to_end) or self.config.option.collectonly:
            return
        exchanges = list(read_exchanges(self.run.folder))
        verdict = self._conclude(exchanges, complete=self._is_complete(session))
        if self.told_to_end:
            chosen = selection.chosen(self.run.folder)
            self.lines.append(f"INTERRUPTED: this is what {len(self.outcomes)} of {chosen} checks came to")
        else:
            session.exitstatus = int(verdict.code(int(exitstatus) == 1))
        if int(exitstatus) == pytest.ExitCode.NO_TESTS_COLLECTED:
            session.exitstatus = Code.NOTHING_PROVED
        if self.run.report_dir is not None:
            self._write_reports(self.run.report_dir, exchanges)

    def _conclude(self, exchanges: list[Exchange], *, complete: bool) -> Verdict:
        """The verdict on what there is, which is said at the end."""
        parts = parts_of(self.run) or Parts()
        missed = left_out(parts, Expected(frozenset(self.run.without), self.run.format), self.missed)
        verdict = self._verdict(exchanges, parts, complete=complete)
        verdict.missing.extend(missed.findings)
        if self.told_to_end:
            verdict.vacuous.clear()  # what was not asked yet is no sign of anything
        excuses = [f"{what}: {why}" for what, why in excused(self.run.folder)]
        every = list(self.outcomes.values())
        unchecked = [*selection.unchecked(self.run.folder), *missed.notes, *excuses]
        self.lines = list(summary.summary(every, verdict, unchecked, len(exchanges)))
        self.lines += learned_rate(self.run.folder)
        if any(each.curl for each in every if each.result == "failed"):
            self.lines += how_to_ask_again(self.run)
        return verdict

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.accounts:
            terminalreporter.section("generated requests")
            for line in request_counts.summary(self.accounts):
                terminalreporter.write_line(visible(line))
        if self.lines:
            terminalreporter.section(one_line(f"the contract of {self.address}"))
            for line in self.lines:
                terminalreporter.write_line(visible(line))

    def _is_complete(self, session: pytest.Session) -> bool:
        """Whether nothing was left out by hand."""
        option = self.config.option
        by_name = any("::" in each or each.endswith(".py") for each in session.config.args)
        return not (option.keyword or option.markexpr or by_name)

    def _verdict(self, exchanges: list[Exchange], parts: Parts, *, complete: bool) -> Verdict:
        admin = self.target is None or bool(self.target.admin_key)
        unseen = frozenset(operation for operation, _ in excused(self.run.folder))
        evidence = Evidence(
            self.run.folder, exchanges, self.run.profile, self.purposes, admin, complete, unseen, parts.missing
        )
        verdict = judge(evidence)
        there = [each for each in self.accounts if each[0] not in self.missed]
        verdict.vacuous.extend(filter(None, map(request_counts.without_substance, there)))
        return verdict

    def _write_reports(self, folder: Path, exchanges: list[Exchange]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        har.write_har(folder / HAR, exchanges)
        page.write_page(folder / PAGE, self.run, self.address, list(self.outcomes.values()), self.lines)
        junit = folder / JUNIT
        if junit.is_file():
            # pytest wrote it, and with it whatever a plugin or an option of the caller's has put there.
            text = junit.read_text(encoding="utf-8", errors="replace")
            write_whole(junit, mask_environment(text))
