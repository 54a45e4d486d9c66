"""What was acknowledged is there after the end of the process, however it ended."""

import signal
import threading
from pathlib import Path

import httpx
import pytest

from tests.cli.emulator_process import ADMIN, BASIC, QUEUE, Emulator, StartEmulator, files_of
from tests.cli.in_process import run_here

pytestmark = pytest.mark.slow

WRITERS = 4
ACKNOWLEDGED_BEFORE_THE_KILL = 200


def test_a_restart_keeps_the_state(start_emulator: StartEmulator) -> None:
    first = start_emulator("--state", "state.sqlite", "--seed", BASIC)
    assert first.ask("POST", "/api/migrate/run", headers=ADMIN).json()["totalMigrated"] == 7
    claim = first.ask("POST", "/api/queue/claim", headers=QUEUE, json={"workerId": "w"}).json()
    keys = first.keys()
    assert first.stop() == 0

    second = start_emulator("--state", "state.sqlite")
    assert second.keys() == keys
    assert second.ask("GET", "/api/queue", headers=QUEUE).json()["count"] == 5
    renewed = second.ask("POST", f"/api/queue/{claim['taskId']}/renew", headers=QUEUE, json={"workerId": "w"})
    assert renewed.json()["lease"]["claimedAt"] == claim["lease"]["claimedAt"]


def test_without_a_name_the_state_is_kept_in_the_working_directory(start_emulator: StartEmulator, folder: Path) -> None:
    assert start_emulator("--seed", BASIC).stop() == 0
    assert list(files_of(folder)) == [".queue-emulator/state.sqlite"]
    assert start_emulator().keys() == 8


def test_data_in_memory_is_gone_at_the_end(start_emulator: StartEmulator) -> None:
    assert start_emulator("--ephemeral", "--seed", BASIC).stop() == 0
    assert start_emulator("--ephemeral").keys() == 0


def test_a_seed_file_is_loaded_at_each_start(start_emulator: StartEmulator) -> None:
    first = start_emulator("--state", "state.sqlite", "--seed", BASIC)
    first.ask("POST", "/api/migrate/run", headers=ADMIN)
    assert first.stop() == 0
    second = start_emulator("--state", "state.sqlite", "--seed", BASIC)
    assert second.ask("GET", "/api/migrate/status", headers=ADMIN).json()["needsMigration"] is True


def test_a_kill_loses_no_acknowledged_write(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--state", "state.sqlite")
    writers = [_Writer(emulator, number) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        assert writer.well_under_way.wait(60)
    emulator.process.send_signal(signal.SIGKILL)
    assert emulator.ended() == -signal.SIGKILL
    for writer in writers:
        writer.join()

    again = start_emulator("--state", "state.sqlite")
    with again.client() as client:
        for writer in writers:
            assert len(writer.acknowledged) >= ACKNOWLEDGED_BEFORE_THE_KILL // WRITERS
            for name in writer.acknowledged:
                assert client.get(f"/api/result/{name}", headers=QUEUE).json() == {"success": True, "output": name}


def test_a_killed_emulators_file_takes_a_seed_at_once(start_emulator: StartEmulator, folder: Path) -> None:
    emulator = start_emulator("--state", "state.sqlite")
    emulator.ask("POST", "/api/result/r", headers=QUEUE, json={"success": True})
    emulator.process.kill()
    emulator.ended()
    assert "state.sqlite-wal" in files_of(folder)
    assert run_here("seed", BASIC, "--state", "state.sqlite", folder=folder).returncode == 0
    assert list(files_of(folder)) == ["state.sqlite"]
    assert start_emulator("--state", "state.sqlite").keys() == 9


class _Writer(threading.Thread):
    """Stores results one after the other until the emulator is gone."""

    def __init__(self, emulator: Emulator, number: int) -> None:
        super().__init__(daemon=True)
        self._emulator = emulator
        self._number = number
        self.acknowledged: list[str] = []
        self.well_under_way = threading.Event()

    def run(self) -> None:
        with self._emulator.client() as client:
            while True:
                name = f"writer-{self._number}-result-{len(self.acknowledged)}"
                try:
                    answer = client.post(f"/api/result/{name}", headers=QUEUE, json={"success": True, "output": name})
                except httpx.TransportError:
                    return
                if answer.status_code == 200:
                    self.acknowledged.append(name)
                if len(self.acknowledged) >= ACKNOWLEDGED_BEFORE_THE_KILL // WRITERS:
                    self.well_under_way.set()
