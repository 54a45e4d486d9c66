"""Every run is a function of its script and its seed: the journal is the same to the byte in another process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def journal_of(seed: int, hash_seed: str) -> bytes:
    """What the scripted run prints in a process of its own."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.laboratory.scripted_run", str(seed)],
        cwd=ROOT,
        env={"PATH": os.environ.get("PATH", os.defpath), "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        timeout=60,
        check=True,
    )
    return ran.stdout


@pytest.mark.slow
def test_a_seed_gives_its_own_journal_the_same_in_processes_that_hash_differently() -> None:
    journal = journal_of(1, "1")
    assert journal_of(1, "2") == journal
    assert journal_of(2, "1") != journal
    events = [json.loads(line) for line in journal.splitlines()]
    assert len(events) > 200
    assert any(event.get("stale") for event in events)
    assert any("failed" in event for event in events)
    assert {event["operation"] for event in events} == {"get", "put", "delete", "list"}
