"""How to ask again what was started for the run, and has ended with it."""

import shlex

from queue_contracts.names import ADMIN_KEY, QUEUE_KEY
from queue_contracts.sending.run import Run

SERVED = "http://127.0.0.1:8787"  # where `queue-emulator serve` answers
_KEYS = {QUEUE_KEY: "dev-queue-key", ADMIN_KEY: "dev-admin-key"}  # by which it is opened if it is given no others


def how_to_ask_again(run: Run) -> list[str]:
    """Lines to paste before the `curl` lines of a run; none for a target that goes on."""
    if not run.local:
        return []
    worker = f" --worker {shlex.quote(str(run.worker))}" if run.worker else ""
    keys = " ".join(f"{name}={key}" for name, key in _KEYS.items())
    checks = f"queue-contracts {run.target}{worker} --only NAME_OF_A_CHECK"
    return [
        f"to repeat a curl line: queue-emulator serve --ephemeral --profile local{worker}, and in a second terminal: "
        f"export {keys}",
        f"to check again, with the data that a check puts in: {checks}",
    ]
