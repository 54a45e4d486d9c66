"""A fork is what a start is: it has what it was given and nothing of the process that it is a fork of."""

import signal
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli.emulator_process import Emulator, StartEmulator, starting, wait_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc"),
]


def seen(emulator: Emulator) -> tuple[object, ...]:
    """What kind of thing each of its descriptors is, and which signals it holds back, ignores and catches."""
    process = Path(f"/proc/{emulator.process.pid}")
    with suppress(FileNotFoundError):  # one that it has closed since
        descriptors = {each.name: str(each.readlink()).partition("[")[0][:9] for each in (process / "fd").iterdir()}
        signals = [
            line for line in (process / "status").read_text().splitlines() if line.startswith(("SigB", "SigI", "SigC"))
        ]
        return descriptors, signals
    return ()


def test_a_fork_has_the_descriptors_and_signals_of_a_start(
    start_emulator: StartEmulator, folder: Path, tmp_path: Path
) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    with starting(folder, logs, forked=False) as really_start:
        real = really_start("--ephemeral")
        forks = [start_emulator("--ephemeral") for _ in range(2)]
        for fork in forks:
            assert fork.keys() == real.keys() == 0
            wait_for(lambda fork=fork: seen(fork) == seen(real) != ())  # type: ignore[misc]
            assert len(fork.banner) == len(real.banner)
        tokens = {line for each in (real, *forks) for line in each.banner if "API_TOKEN" in line}
        assert len(tokens) == 3, "what is drawn is drawn after the fork"


def test_a_fork_has_its_own_folder_and_environment_and_says_how_it_ended(
    start_emulator: StartEmulator, folder: Path
) -> None:
    one = start_emulator("--state", "a.sqlite", environment={"QUEUE_API_KEY": "own"})
    other = start_emulator("--state", "b.sqlite")
    assert (folder / "a.sqlite").exists()
    assert one.ask("GET", "/api/queue", headers={"X-API-Key": "own"}).status_code == 200
    assert other.ask("GET", "/api/queue", headers={"X-API-Key": "own"}).status_code == 401
    assert one.process.poll() is None
    assert one.stop(signal.SIGKILL) == -signal.SIGKILL
    assert other.stop() == 0
    assert not (folder / "b.sqlite-wal").exists()


def test_a_fork_that_is_refused_says_so_as_a_start_does(start_emulator: StartEmulator) -> None:
    with pytest.raises(AssertionError, match=r"^it ended with code 2 before it listened: queue-emulator serve: .*--no"):
        start_emulator("--no-such-option")
