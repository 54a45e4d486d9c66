"""The emulator's control surface: put data in, take it away, move the clock."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from queue_contracts.targets.storage import CONTROL_PREFIX, ControlStorage, Entry
from queue_contracts.targets.target import Ability, Target


class Control:
    """Only for targets that have it; every call must succeed."""

    def __init__(self, target: Target, http: httpx.Client) -> None:
        assert target.can(Ability.RESET, Ability.MOVE_TIME), f"{target.name} has no emulator controls"
        self.storage = ControlStorage(target.url, http)
        self._url = target.url + CONTROL_PREFIX
        self._http = http

    def reset(self) -> None:
        """Forget everything."""
        self.storage.reset()

    def seed(self, entries: Sequence[Entry]) -> None:
        """Put entries as `wrangler kv bulk put` would."""
        self.storage.seed(entries)

    def start_with(self, entries: Sequence[Entry]) -> None:
        """Forget everything, then put these entries."""
        self.reset()
        self.seed(entries)

    def dump(self, prefix: str = "") -> list[dict[str, Any]]:
        """What is there, in key order."""
        return self.storage.dump(prefix)

    def enqueue(self, task: Mapping[str, object], *, old_format: bool = False) -> None:
        """Queue a task the way the Worker's webhooks do."""
        self._post("enqueue", {"format": "old" if old_format else "new", "task": dict(task)})

    def advance(self, seconds: float) -> None:
        """Move the clock on; everything that expires by it expires."""
        self._post("clock", {"advance_s": seconds})

    def set_clock(self, now_ms: int) -> None:
        """Set the clock to milliseconds since 1970; it goes on from there."""
        self._post("clock", {"set": now_ms})

    def _post(self, name: str, body: object) -> None:
        response = self._http.post(f"{self._url}/{name}", json=body)
        assert response.status_code == 200, f"{name}: {response.status_code} {response.text}"
