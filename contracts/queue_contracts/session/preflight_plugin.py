"""A plugin of pytest: a few requests before the first check, and the end of the run if they are not answered well."""

import pytest

from queue_contracts.sending.guard import Breach, KeyShown, LimitedOtherwise, Stopped
from queue_contracts.sending.preflight import objection
from queue_contracts.sending.run import Run
from queue_contracts.session.looking import look_at
from queue_contracts.session.opening import know_parts, opened
from queue_contracts.session.runs import usage
from queue_contracts.targets.addresses import TargetError
from queue_contracts.targets.serving import StartError
from queue_contracts.targets.storage import StorageError
from queue_contracts.untrusted.deadline import open_client


class FirstLook:
    """Of the process that leads the run."""

    def __init__(self, config: pytest.Config, run: Run) -> None:
        self.config, self.run = config, run
        self.told = False

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        alone = not self.config.option.__dict__.get("numprocesses")
        # One that is started shows whether it can be when the first check needs it; with -n, here, before any does.
        if self.config.option.collectonly or (self.run.local and alone):
            return
        said = self._objection()
        if said is not None:
            self.told = True
            usage(said)

    def _objection(self) -> str | None:
        try:
            # A guard stands below what goes to a URL from the start.
            with opened(self.run) as target, open_client(guarded=not self.run.local) as http:
                answered: dict[str, int] = {}
                objected = objection(target, http, started=self.run.local, answered=answered)
                if objected is None:
                    know_parts(look_at(self.run, target, http, answered))
                return objected
        except (StartError, TargetError, StorageError, LimitedOtherwise, KeyShown, Stopped, Breach) as error:
            return str(error)

    @pytest.hookimpl(trylast=True)
    def pytest_keyboard_interrupt(self, excinfo: object) -> None:
        """What ends a run before its first check is printed once by pytest, and at the end of its output once more."""
        terminal = self.config.pluginmanager.get_plugin("terminalreporter")
        if self.told and terminal is not None:
            setattr(terminal, "_keyboardinterrupt_memo", None)  # noqa: B010 - private, and not in its type
