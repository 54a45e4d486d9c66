"""How fast 100,000 keys come into a running emulator, and into wrangler's local state by wrangler, in the same run.

Each is timed as a user sees it: the whole command, from its start to its end. `wrangler kv bulk put --local` writes key
after key, which takes a quarter of an hour and more for so many, so that it is given a tenth of them. Needs
WRANGLER_DIR, a folder whose node_modules has wrangler.

Run: tox -e bench, or python -m tests.bench.seeding [KEYS [KEYS_FOR_WRANGLER]]
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.clients.wrangler import installed_wrangler

COMMAND = str(Path(sys.executable).with_name("queue-emulator"))
NAMESPACE = "benchmark"


def main(keys: int, keys_for_wrangler: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours, theirs = generated(keys, folder), generated(keys_for_wrangler, folder)
        print(f"{'':<44}{'keys':>9}{'seconds':>9}{'keys/s':>9}", flush=True)
        rate = shown("queue-emulator seed --to an emulator", keys, seed_emulator(ours, folder))
        shown("queue-emulator seed --to wrangler's state", keys, seed_wrangler_state(ours, folder))
        wranglers = shown("wrangler kv bulk put --local", keys_for_wrangler, wrangler_bulk_put(theirs, folder))
        print(f"the first against the last: {rate / wranglers:.1f} times the keys a second")


def generated(keys: int, folder: Path) -> Path:
    file = folder / f"{keys}.json"
    with file.open("wb") as into:
        generate = [COMMAND, "generate", "old-format", "--tasks", str(keys - 1), "--leased", "0"]
        subprocess.run(generate, stdout=into, check=True)
    return file


def shown(what: str, keys: int, took_s: float) -> float:
    """Print a line; returns keys a second."""
    print(f"{what:<44}{keys:>9,}{took_s:>9.1f}{keys / took_s:>9,.0f}", flush=True)
    return keys / took_s


def seed_emulator(file: Path, folder: Path) -> float:
    """Into an emulator that keeps its data in a file, as `serve` does by default."""
    serve = [COMMAND, "serve", "--port", "0", "--quiet", "--state", str(folder / "state.sqlite")]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, encoding="utf-8", cwd=folder) as emulator:
        assert emulator.stdout is not None
        url = next(line.split()[1] for line in emulator.stdout if line.startswith("  listening"))
        try:
            return timed_s([COMMAND, "seed", str(file), "--to", url], folder)
        finally:
            emulator.terminate()


def seed_wrangler_state(file: Path, folder: Path) -> float:
    return timed_s([COMMAND, "seed", str(file), "--to", f"wrangler:{folder / 'ours'}#{NAMESPACE}"], folder)


def wrangler_bulk_put(file: Path, folder: Path) -> float:
    arguments = ["kv", "bulk", "put", str(file), "--local", "--namespace-id", NAMESPACE]
    return timed_s([*installed_wrangler(os.environ), *arguments, "--persist-to", str(folder / "theirs")], folder)


def timed_s(command: list[str], folder: Path) -> float:
    environment = {**os.environ, "WRANGLER_SEND_METRICS": "false", "HOME": str(folder), "CI": "1"}
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    given = [int(number) for number in sys.argv[1:]] or [100_000]
    main(given[0], given[1] if len(given) > 1 else max(2, given[0] // 10))
