"""Both sides, started once for each process that tests run in."""

from collections.abc import Iterator

import pytest

from tests.differential.comparison import Comparison
from tests.differential.emulated import open_all
from tests.differential.runtime import MissingRuntimeError, Runtime


@pytest.fixture(scope="session")
def comparison(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Comparison]:
    """The vendor's local runtime beside the emulator on both stores; fails where the runtime is not installed."""
    missing = None
    try:
        runtime = Runtime(tmp_path_factory.mktemp("runtime") / "stderr")
    except MissingRuntimeError as error:
        missing = str(error)
    if missing is not None:
        request.session.shouldstop = missing  # once said is enough
        pytest.fail(missing, pytrace=False)
    emulated = open_all(tmp_path_factory.mktemp("state"))
    yield Comparison(runtime, emulated)
    for side in emulated:
        side.close()
    runtime.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was compared, also where the tests ran in other processes."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, text in getattr(report, "user_properties", ()):
                if name == "differential" and report.when == "call":
                    terminalreporter.write_line(f"{report.location[2]}: {text}")
