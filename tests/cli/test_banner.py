"""What the emulator says of itself before the first request."""

import shlex
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.cli.emulator_process import BASIC, BASIC_KEYS, FIXTURES, StartEmulator, closed_environment

pytestmark = [pytest.mark.slow, pytest.mark.real_start]


def test_the_banner_says_where_everything_is(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--seed", BASIC, "--location", "FRA", "--location", "NRT")
    assert emulator.banner[0] == f"queue-emulator {version('queue-emulator')}"
    assert f"  listening   {emulator.url}" in emulator.banner
    assert "  state       .queue-emulator/state.sqlite (kept)" in emulator.banner
    assert "  profile     cloudflare, FRA, NRT, Worker version new" in emulator.banner
    assert f"  seeded      {BASIC}: {BASIC_KEYS} keys" in emulator.banner
    assert emulator.banner[-1] == "Press Ctrl-C to stop."


def test_it_listens_on_loopback_alone_and_data_in_memory_is_not_kept(
    start_emulator: StartEmulator, folder: Path
) -> None:
    emulator = start_emulator("--ephemeral")
    assert "  state       in memory; the data is lost at the end" in emulator.banner
    assert not list(folder.iterdir())
    assert emulator.url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("keys", [{}, {"QUEUE_API_KEY": "my queue key", "ADMIN_API_KEY": "my admin key"}])
def test_the_commands_to_try_work_when_pasted(
    start_emulator: StartEmulator, folder: Path, keys: dict[str, str]
) -> None:
    emulator = start_emulator("--ephemeral", "--seed", BASIC, environment=keys)
    commands = [line.strip() for line in emulator.banner if line.startswith("  curl ")]
    answers = [
        subprocess.check_output(
            ["bash", "-euo", "pipefail", "-c", f"{command} --silent --show-error --fail"],
            env=closed_environment(keys),
            cwd=folder,
            encoding="utf-8",
        )
        for command in commands
    ]
    assert len(answers) == 3
    assert '"needsMigration":true' in answers[0]
    assert '"totalMigrated":7' in answers[1]
    assert '"count":5' in answers[2]
    assert all(emulator.url in shlex.split(command)[-1] for command in commands)


def test_several_seed_files_are_loaded_in_their_order(start_emulator: StartEmulator, folder: Path) -> None:
    leased = FIXTURES / "old-format" / "leased.json"
    later = folder / "later.json"
    later.write_text('[{"key": "orchestrator:pending", "value": "[\\"only-this\\"]"}]')
    emulator = start_emulator(
        "--ephemeral", "--seed", leased, "--seed", later, "--worker-version", "old", "--profile", "local"
    )
    seeded = [line for line in emulator.banner if line.startswith("  seeded ")]
    assert [line.rpartition(": ")[0].split()[-1] for line in seeded] == [str(leased), str(later)]
    answer = emulator.ask("GET", "/api/queue", headers={"X-API-Key": "dev-queue-key"})
    assert answer.json() == {"pending": ["only-this"], "count": 1}
