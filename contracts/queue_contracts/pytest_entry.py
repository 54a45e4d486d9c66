"""`pytest --pyargs queue_contracts --target …`: pytest reads a package's conftest.py too late to know its options.

Nothing is loaded, and no option added, for anybody who does not ask for the package by this name.
"""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import pytest

PACKAGE = "queue_contracts"


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: Sequence[str]) -> None:
    asked = any(each == PACKAGE or each.startswith((PACKAGE + ".", PACKAGE + "::")) for each in args)
    if "--pyargs" in args and asked:
        conftest = import_module(f"{PACKAGE}.checks.conftest")
        assert conftest.__file__ is not None
        # Under the name by which pytest knows the file, so that it is not loaded again.
        early_config.pluginmanager.register(conftest, str(Path(conftest.__file__)))
