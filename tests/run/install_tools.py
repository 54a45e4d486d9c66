"""Installs the tools that these tests run: `python tests/run/install_tools.py FOLDER`, two at a time."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TOOLS = Path(__file__).with_name("tools")


def install(named: Path, into: Path) -> None:
    """The packages that a package.json pins, in a folder of its name."""
    folder = into / named.name
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(named / "package.json", folder)
    options = ["--no-audit", "--no-fund", "--prefer-offline", "--loglevel", "error"]
    subprocess.run(["npm", "install", *options, "--prefix", folder], check=True)


if __name__ == "__main__":
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(lambda named: install(named, Path(sys.argv[1])), sorted(TOOLS.iterdir())))
