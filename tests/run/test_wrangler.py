"""The newest wrangler under `run`: its own KV commands, seeds, and that nothing of it is left, whoever is killed."""

import json
from pathlib import Path

import pytest

from tests.run.probe_tools import TOOLS, Started, command_of, free_port, installed, project
from tests.run.tool import Running, StartRun, gone, kill, node
from tests.workerd.serving import below

(NEWEST,) = (each for each in TOOLS if each.name == "wrangler 4.164")
NAMESPACE = "f1a90000000000000000000000000000"


def dev(start_run: StartRun, folder: Path, *options: str | Path, kept: bool = False) -> Started:
    """`wrangler dev`, once its Worker answers."""
    port = free_port()
    running = start_run(command_of(NEWEST, port), *options, folder=folder, kept=kept)
    running.line(f"Ready on.*:{port}")
    return Started(NEWEST, running, folder, f"http://127.0.0.1:{port}")


def kv(start_run: StartRun, folder: Path, *words: str) -> Running:
    """`wrangler kv … --local`, to its end."""
    wrangler = installed(NEWEST.installed) / "wrangler" / "bin" / "wrangler.js"
    running = start_run([node(), wrangler, "kv", *words, "--local"], folder=folder, kept=True)
    assert running.ended() == 0, running.lines
    return running


def test_its_local_kv_commands_and_its_worker_have_one_kv_in_one_run_after_another(
    start_run: StartRun, tmp_path: Path
) -> None:
    folder = project(tmp_path, NEWEST)
    kv(start_run, folder, "key", "put", "from-the-command", "written", "--binding", "FLAGS")
    started = dev(start_run, folder, kept=True)
    assert started.kv("FLAGS", "get", "from-the-command") == {"value": "written"}
    assert started.kv("FLAGS", "put", "from-the-worker", "written too") == {"value": None}
    started.running.stop()
    listed = kv(start_run, folder, "key", "list", "--namespace-id", NAMESPACE)
    assert "from-the-worker" in "\n".join(listed.lines)
    assert not (folder / ".wrangler" / "state" / "v3" / "kv" / NAMESPACE).exists()


def test_a_seed_is_there_before_the_worker_reads_and_a_binding_that_no_worker_has_is_named(
    start_run: StartRun, tmp_path: Path
) -> None:
    folder = project(tmp_path, NEWEST)
    (folder / "flags.json").write_text(json.dumps([{"key": "dark-mode", "value": "on", "metadata": {"by": "ops"}}]))
    started = dev(start_run, folder, "--seed", "FLAGS=flags.json", "--at", "CACHE=NRT")
    found = started.kv("TOKYO", "getWithMetadata", "dark-mode")["value"]
    assert (found["value"], found["metadata"]) == ("on", {"by": "ops"})
    assert started.running.line("no Worker has")
    assert "queue-emulator: --at CACHE=NRT: no Worker has a KV binding with this name yet; known: FLAGS, TOKYO" in (
        started.running.ours()
    )


def test_a_seed_of_which_it_is_not_clear_whose_it_is_ends_the_run(start_run: StartRun, tmp_path: Path) -> None:
    folder = project(tmp_path, NEWEST)
    (folder / "flags.json").write_text('[{"key": "dark-mode", "value": "on"}]')
    running = start_run(command_of(NEWEST, free_port()), "--seed", "flags.json", folder=folder)
    assert running.ended() == 2
    assert running.ours() == [
        "queue-emulator: --seed flags.json: name a binding, as in --seed FLAGS=flags.json; known: FLAGS, TOKYO"
    ]


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are looked up in /proc")
@pytest.mark.parametrize("killed", ["emulator", "wrangler", "both"])
def test_no_runtime_is_left_when_one_is_killed(start_run: StartRun, tmp_path: Path, killed: str) -> None:
    started = dev(start_run, project(tmp_path, NEWEST))
    everything = below(started.running.process.pid)
    names = {pid: (Path("/proc") / str(pid) / "cmdline").read_bytes() for pid in everything}
    assert any(b"workerd" in name for name in names.values())
    wranglers = [pid for pid, name in names.items() if b"wrangler-dist" in name or b"wrangler.js" in name]
    victims = {"emulator": [everything[0]], "wrangler": wranglers, "both": [everything[0], *wranglers]}[killed]
    for pid in victims:
        kill(pid)
    started.running.ended()
    assert gone(everything)
