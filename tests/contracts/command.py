"""`queue-contracts` as a process, with nothing of the caller's environment but the path."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.contracts.deployment import ACCOUNT, ADMIN_KEY, NAMESPACE, QUEUE_KEY, TOKEN, Deployment

SECONDS_MAX = 240
SHARED_CACHE = Path(tempfile.gettempdir()) / f"queue-contracts-tests-{os.getuid()}"
Ended = subprocess.CompletedProcess[str]


def environment(deployment: Deployment | None = None, *, kv: bool = False, **changed: str) -> dict[str, str]:
    """The keys of the deployment and, with `kv`, the way into its KV."""
    given = {
        "PATH": os.environ.get("PATH", os.defpath),
        "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(SHARED_CACHE)),
        "CONTRACT_QUEUE_KEY": QUEUE_KEY,
        "CONTRACT_ADMIN_KEY": ADMIN_KEY,
    }
    if kv and deployment is not None:
        given |= {
            "CONTRACT_KV_ACCOUNT": ACCOUNT,
            "CONTRACT_KV_NAMESPACE": NAMESPACE,
            "CONTRACT_KV_TOKEN": TOKEN,
            "CONTRACT_KV_API": f"{deployment.url}/client/v4",
        }
    return given | changed


def start(*arguments: str, env: dict[str, str], folder: Path) -> subprocess.Popen[str]:
    """In a group of its own, so that it can be killed with all that it started."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "queue_contracts.cli", *arguments],
        env=env | {"TMPDIR": str(folder)}, cwd=folder, text=True, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def run(*arguments: str, env: dict[str, str], folder: Path) -> Ended:
    process = start(*arguments, env=env, folder=folder)
    try:
        output, _ = process.communicate(timeout=SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, output, "")
