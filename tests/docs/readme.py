"""README.md, and documents like it, as a reader uses them: their fenced blocks, in order."""

import json
import re
import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.cli.emulator_process import Emulator, closed_environment

REPOSITORY = Path(__file__).parents[2]
TEXT = (REPOSITORY / "README.md").read_text("utf-8")
STAGING = "https://your-worker.workers.dev"
LOCAL = "http://127.0.0.1:8787"

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SERVE = "queue-emulator serve "


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block. A reader pastes it while the last emulator started above it runs."""

    language: str
    content: str
    serve: tuple[str, ...] = ()

    @property
    def uses_curl(self) -> bool:
        return self.language == "sh" and "curl " in self.content


StartedFor = Callable[[Block], Emulator]


def blocks(text: str = TEXT) -> list[Block]:
    """Every block, with the arguments of the `serve` above it."""
    found: list[Block] = []
    serve: tuple[str, ...] = ()
    for language, content in _BLOCK.findall(text):
        if _SERVE in content:
            serve = tuple(shlex.split(content.partition(_SERVE)[2].splitlines()[0], comments=True))
        found.append(Block(language, content, serve))
    return found


def paste(block: Block, emulator: Emulator) -> list[object]:
    """Run a block as it stands, only the host replaced; the JSON documents that it printed."""
    script = block.content.replace(STAGING, emulator.url).replace(LOCAL, emulator.url)
    environment = closed_environment({"ADMIN_API_KEY": "dev-admin-key", "QUEUE_API_KEY": "dev-queue-key"})
    output = subprocess.check_output(["bash", "-euo", "pipefail", "-c", script], env=environment, encoding="utf-8")
    return _documents(output)


def _documents(output: str) -> list[object]:
    decoder, documents = json.JSONDecoder(), []
    output = output.strip()
    while output:
        document, end = decoder.raw_decode(output)
        documents.append(document)
        output = output[end:].lstrip()
    return documents
