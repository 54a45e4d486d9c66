"""The tools that `run` is tried with, in versions old and new: how each is started over the probe's project."""

import os
import shutil
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.cli.emulator_process import WAIT_S_MAX
from tests.run.tool import Running, node

PROBE = Path(__file__).with_name("probe")
TOOLS_PINNED = Path(__file__).with_name("tools")
RELOADED = 'export const VERSION = "two";'


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool of an installed folder.

    command    its arguments for Node, from that folder and a port
    bulk_get   its runtime has `get([…])`
    copies     Workers of it can be at several locations
    reloads    it brings in a file that changes
    """

    name: str
    installed: str
    command: Callable[[Path, int], Sequence[str | Path]]
    said: str
    bulk_get: bool = True
    copies: bool = True
    reloads: bool = True


def _wrangler(*words: str) -> Callable[[Path, int], Sequence[str | Path]]:
    def command(modules: Path, port: int) -> Sequence[str | Path]:
        own = ("--port", str(port), "--ip", "127.0.0.1", "--inspector-port", str(free_port()))
        return (modules / "wrangler" / "bin" / "wrangler.js", *words, *own)

    return command


TOOLS = (
    Tool("wrangler 3.44", "wrangler-3.44", _wrangler("dev"), r"wrangler 3\.44\.0 \(miniflare 3\.", False, False),
    Tool("wrangler 4.56", "wrangler-4.56", _wrangler("dev"), r"wrangler 4\.56\.0 \(miniflare 4\."),
    Tool("wrangler 4.164", "wrangler-4.164", _wrangler("dev"), r"wrangler 4\.164\.0 \(miniflare 5\."),
    Tool(
        "wrangler pages", "wrangler-4.164", _wrangler("pages", "dev", "public"), r"wrangler 4\.164\.0 \(miniflare 5\."
    ),
    Tool(
        "getPlatformProxy",
        "wrangler-4.164",
        lambda modules, port: ("platform.mjs", str(port)),
        r"platform\.mjs \(miniflare 5\.",
        copies=False,
        reloads=False,
    ),
    Tool(
        "Vite",
        "vite",
        lambda modules, port: (modules / "vite" / "bin" / "vite.js", "dev", "--port", str(port)),
        r"vite 8\.4\.0 \(miniflare 5\.",
        copies=False,
    ),
)


def installed(name: str) -> Path:
    """The node_modules of one of the folders in tests/run/tools, as `tox -e run` installs them."""
    folder = Path(os.environ.get("RUN_TOOLS", "")) / name / "node_modules"
    assert folder.is_dir(), f"RUN_TOOLS must name a folder with {name}/node_modules: see tests/README.md"
    return folder


def project(folder: Path, tool: Tool) -> Path:
    """A copy of the probe's project beside the tool's packages."""
    made = folder / "project"
    shutil.copytree(PROBE, made)
    (made / "node_modules").symlink_to(installed(tool.installed))
    config = made / "wrangler.toml"
    text = config.read_text()
    if tool.installed != "wrangler-3.44":  # which knows no later date
        text = text.replace("2024-03-20", "2024-09-23")
    if "pages" in tool.name:
        text = text.replace('main = "src/worker.ts"', 'pages_build_output_dir = "public"')
    config.write_text(text)
    return made


def free_port() -> int:
    """One that nobody listened at a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


@dataclass(frozen=True, slots=True)
class Started:
    """A tool at work. `own` is the tool's own address."""

    tool: Tool
    running: Running
    folder: Path
    own: str

    def kv(self, binding: str, method: str, *args: Any, location: str | None = None) -> Any:
        """One operation of the Worker's, at the tool's own port or at a location; what it answered."""
        body = {"binding": binding, "method": method, "args": args}
        if location is None:
            return self.get("POST", "/kv", json=body).json()
        return self.running.ask("POST", "/kv", json=body, headers={"X-Emulator-Location": location}).json()

    def get(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request to the tool's own port."""
        with httpx.Client(base_url=self.own, timeout=WAIT_S_MAX, verify=False, trust_env=False) as client:
            return client.request(method, path, **options)


def command_of(tool: Tool, port: int) -> list[str | Path]:
    """The command line of a tool that is to listen at a port."""
    return [node(), *tool.command(installed(tool.installed), port)]
