"""Bulk-put files made of entries."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from queue_emulator.transfer.bulk_files import BulkFile

MakeFile = Callable[..., BulkFile]


@pytest.fixture
def make_file(folder: Path) -> MakeFile:
    """`make_file(entries, name="data.json")`."""

    def maker(entries: list[Any], name: str = "data.json") -> BulkFile:
        path = folder / name
        path.write_text(json.dumps(entries), "utf-8")
        return BulkFile(name, path)

    return maker
