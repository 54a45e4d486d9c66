"""fixtures/vitest, the project that a user can copy: its tests hold, by a connection string and under `run`."""

import json
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from queue_emulator.web.control_app import MODULES
from tests.cli.emulator_process import FIXTURES, Emulator, StartEmulator
from tests.run.probe_tools import TOOLS_PINNED, installed
from tests.run.tool import StartRun, environment_of, node

SLOW = "no miniflare was found in the command so far"  # on a busy machine Vitest takes longer than it is waited for
PLUGINS = {"vitest-plugin": "@cloudflare/vitest-plugin", "vitest-pool-workers": "@cloudflare/vitest-pool-workers"}


def project(folder: Path, tool: str, url: str | None = None) -> Path:
    """A copy of the fixture with a tool's packages; from a running emulator the module, as its README has it."""
    made = folder / "vitest"
    shutil.copytree(FIXTURES / "vitest", made)
    (made / "node_modules").symlink_to(installed(tool))
    config = made / "vitest.config.ts"
    config.write_text(config.read_text().replace(PLUGINS["vitest-plugin"], PLUGINS[tool]))
    for name in MODULES:
        if url is None:
            shutil.copy(FIXTURES.parent / "emulator" / "queue_emulator" / "web" / name, made)
        else:
            answer = httpx.get(f"{url}/cdn-cgi/emulator/{name}", trust_env=False)
            assert answer.headers["content-type"].startswith("text/javascript")
            (made / name).write_bytes(answer.content)
    return made


def vitest(folder: Path) -> list[str | Path]:
    return [node(), folder / "node_modules" / "vitest" / "vitest.mjs", "run"]


@pytest.fixture
def emulator(start_emulator: StartEmulator) -> Emulator:
    """As the fixture's README starts it."""
    return start_emulator("--ephemeral", "--location", "SJC", "--location", "NRT")


@pytest.mark.parametrize("tool", PLUGINS)
def test_its_tests_hold_by_a_connection_string(tool: str, emulator: Emulator, tmp_path: Path) -> None:
    folder = project(tmp_path, tool, emulator.url)
    ended = subprocess.run(
        vitest(folder),
        cwd=folder,
        env=environment_of(tmp_path, {"QUEUE_EMULATOR_URL": emulator.url}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "4 passed" in ended.stdout


@pytest.mark.parametrize("tool", PLUGINS)
def test_its_tests_hold_under_run_without_any_connection_string(tool: str, start_run: StartRun, tmp_path: Path) -> None:
    folder = project(tmp_path, tool)
    config = folder / "vitest.config.ts"
    own = config.read_text().replace(", remoteProxyConnectionString: kv", "").replace('"flags-in-tokyo"', '"flags"')
    config.write_text(own)
    assert "remote" not in own
    running = start_run(vitest(folder), "--at", "FLAGS_IN_TOKYO=NRT", folder=folder)
    assert running.ended() == 0, "\n".join(running.lines)
    assert running.line("4 passed")
    (line,) = (each for each in running.ours() if SLOW not in each)
    assert "uses this KV: FLAGS = flags, FLAGS_IN_TOKYO = flags at NRT; location SJC; " in line


def test_its_packages_are_those_that_are_tried_here() -> None:
    wanted = json.loads((FIXTURES / "vitest" / "package.json").read_text())["devDependencies"]
    assert wanted == json.loads((TOOLS_PINNED / "vitest-plugin" / "package.json").read_text())["dependencies"]
