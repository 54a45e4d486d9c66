"""A real Chromium: one that PAGE_TOOLS has from npm, or one that is named by CHROMIUM, or on the PATH."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ELSEWHERE = "emulator.example"  # a name by which this machine is found, and which is none of loopback
_UNPACKED = "import('@sparticuz/chromium').then((chromium) => chromium.default.executablePath()).then(console.log)"
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
    return subprocess.check_output(["node", "-e", _UNPACKED], cwd=tools(), encoding="utf-8").strip()


@contextmanager
def browser() -> Iterator[Browser]:
    """Started, and ended at the end."""
    options = ["--no-sandbox", "--no-zygote", "--disable-gpu", f"--host-resolver-rules=MAP {ELSEWHERE} 127.0.0.1"]
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable(), args=options)
        yield running
        running.close()
