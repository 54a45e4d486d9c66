"""A start loads what the first answer needs: the rest would take a third of the time again."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

LATER = ("aiohttp", "queue_emulator.web.control_app", "queue_emulator.web.rest", "httpx", "starlette.routing", "tqdm")


def test_a_start_does_not_load_what_only_some_runs_and_requests_need() -> None:
    code = "import sys, queue_emulator.cli, queue_emulator.compose.serve; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", code], encoding="utf-8").split()
    assert "hypercorn.asyncio" in loaded
    assert [name for name in LATER if name in loaded] == []
