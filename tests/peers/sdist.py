"""`python tests/peers/sdist.py FOLDER`: unpacks the tests of the installed SDK's source distribution there, once."""

import re
import subprocess
import sys
import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path

# Of thousands of files the tests for KV, and what they need.
_ITS_TESTS = re.compile(r"^[^/]+/(pyproject\.toml|tests/([^/]+\.py|api_resources/(__init__\.py|kv/.+)))$")


def unpacked(folder: Path) -> Path:
    """The folder of the installed version's sources."""
    name = f"cloudflare-{version('cloudflare')}"
    return folder / name


def download(folder: Path) -> None:
    """By the package's name and version, from where pip has packages."""
    if unpacked(folder).is_dir():
        return
    asked = ["--no-deps", "--no-binary", "cloudflare", f"cloudflare=={version('cloudflare')}"]
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", *asked, "--dest", folder], check=True)
    name = unpacked(folder).name
    with tempfile.TemporaryDirectory(dir=folder) as beside, tarfile.open(folder / f"{name}.tar.gz") as archive:
        archive.extractall(beside, [each for each in archive if _ITS_TESTS.search(each.name)], filter="data")
        (Path(beside) / name).rename(unpacked(folder))  # there as a whole, or not at all


if __name__ == "__main__":
    download(Path(sys.argv[1]))
