"""A plugin of pytest: requests are generated only for checks that are asked for.

Schemathesis makes the requests of every operation when it collects, which takes longer than most runs that are to run
something else. Whether an expression of -k or -m matches any of these checks is known from their names.
"""

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

if TYPE_CHECKING:
    from schemathesis.pytest.plugin import SchemathesisCase


class Generating:
    """Of every process that runs checks."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    @pytest.hookimpl(tryfirst=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> pytest.CollectReport | None:
        """The report of a collector that generates, if nothing of it is asked for."""
        from schemathesis.pytest.plugin import SchemathesisCase

        option = self.config.option
        if not isinstance(collector, SchemathesisCase) or not (option.keyword or option.markexpr):
            return None
        checks = named(collector)
        if self._asked_for(checks):
            return None
        self.config.hook.pytest_deselected(items=checks)
        return pytest.CollectReport(collector.nodeid, "passed", None, [])

    def _asked_for(self, checks: list[pytest.Function]) -> list[pytest.Item]:
        asked: list[pytest.Item] = [*checks]
        # pytest decides, as it does for all others later, when it will count what is not asked for.
        uncounted = SimpleNamespace(pytest_deselected=lambda items: None)
        marks = self.config.pluginmanager.get_plugin("mark")
        assert marks is not None
        told = cast(pytest.Config, SimpleNamespace(option=self.config.option, hook=uncounted))
        marks.pytest_collection_modifyitems(items=asked, config=told)
        return asked


def named(collector: "SchemathesisCase") -> list[pytest.Function]:
    """The checks of a collector by the names that they will have; to make them generates nothing."""
    from schemathesis.core.result import Ok

    operations = [each.ok() for each in collector.schema.get_all_operations() if isinstance(each, Ok)]
    names = [f"{collector.name}[{each.label}]" for each in operations]
    return [pytest.Function.from_parent(collector, name=name, callobj=collector.obj) for name in names]
