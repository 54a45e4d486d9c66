"""A real Chromium: one that PAGE_TOOLS has from npm, or one that is named by CHROMIUM, or on the PATH."""

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ELSEWHERE = "emulator.example"  # a name by which this machine is found, and which is none of loopback
_UNPACK = "import('@sparticuz/chromium').then((chromium) => chromium.default.executablePath())"
_ON_PATH = ("chromium", "chromium-browser", "google-chrome")


def tools() -> Path:
    """The folder into which the packages of tests/page/package.json are installed."""
    folder = os.environ.get("PAGE_TOOLS")
    if folder is None:
        raise AssertionError(
            "set PAGE_TOOLS to a folder with the packages of tests/page/package.json, as tox -e page does"
        )
    return Path(folder)


def executable() -> str:
    """The browser's binary."""
    named = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _ON_PATH)), None)
    if named is not None:
        return named
    return str(_unpacked())


def _unpacked() -> Path:
    """The browser of PAGE_TOOLS. The first process unpacks it, for all others and for later runs."""
    package = json.loads((tools() / "node_modules" / "@sparticuz" / "chromium" / "package.json").read_text("utf-8"))
    folder = tools() / f"chromium-{package['version']}"
    with (tools() / "unpacking").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=tools()) as beside:
                made = Path(beside) / folder.name
                made.mkdir()
                environment = {**os.environ, "TMPDIR": str(made)}  # into which it unpacks
                subprocess.run(["node", "-e", _UNPACK], cwd=tools(), env=environment, check=True)
                made.rename(folder)  # there as a whole, or not at all
    return folder / "chromium"


@contextmanager
def browser() -> Iterator[Browser]:
    """Started, and ended at the end."""
    options = ["--no-sandbox", "--no-zygote", "--disable-gpu", f"--host-resolver-rules=MAP {ELSEWHERE} 127.0.0.1"]
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable(), args=options)
        yield running
        running.close()
