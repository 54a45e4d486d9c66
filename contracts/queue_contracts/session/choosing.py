"""A plugin of pytest: which checks are run, and what is said of them before the first request."""

from pathlib import Path

import pytest

from queue_contracts.sending.run import Run
from queue_contracts.session import selection
from queue_contracts.session.runs import abilities_of
from queue_contracts.targets.target import Target
from queue_contracts.untrusted.visible import visible


class Choosing:
    """`address` is what the target is called; the process that leads says it."""

    def __init__(self, config: pytest.Config, run: Run, target: Target | None, address: str, *, leads: bool) -> None:
        self.config, self.run, self.target, self.address, self.leads = config, run, target, address, leads
        self.announced = False

    def pytest_configure_node(self, node: object) -> None:
        vars(node)["workerinput"]["contract_folder"] = str(self.run.folder)

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        profiles = selection.GENERATING.get(collection_path.name)
        return True if profiles and self.run.profile.value not in profiles else None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        admin = self.target is None or bool(self.target.admin_key)
        before = list(items)
        items[:] = selection.select(self.run, abilities_of(self.run, self.target), admin, before)
        kept = set(items)
        config.hook.pytest_deselected(items=[item for item in before if item not in kept])

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if self.leads:
            self._announce()

    def pytest_xdist_node_collection_finished(self, node: object, ids: list[str]) -> None:
        self._announce()

    def _announce(self) -> None:
        terminal = self.config.pluginmanager.get_plugin("terminalreporter")
        if not self.announced and terminal is not None and (self.run.folder / selection.ANNOUNCED).is_file():
            self.announced = True
            terminal.write_line(visible(selection.announcement(self.run, self.address)))
