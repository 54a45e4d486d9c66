"""`python tests/peers/sdist.py FOLDER`: the source distribution of the installed SDK, unpacked there, if it is not."""

import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path


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
    with tarfile.open(folder / f"{unpacked(folder).name}.tar.gz") as archive:
        archive.extractall(folder, filter="data")


if __name__ == "__main__":
    download(Path(sys.argv[1]))
