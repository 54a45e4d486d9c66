"""The emulator's control surface: put data in, take it away, move the clock."""

from collections.abc import Mapping, Sequence

import httpx

from contracts.target import Ability, Target

PREFIX = "/cdn-cgi/emulator"
Entry = Mapping[str, object]


class Control:
    """Only for targets with `Ability.CONTROL`; every call must succeed."""

    def __init__(self, target: Target, http: httpx.Client) -> None:
        assert Ability.CONTROL in target.abilities
        self._url = target.url + PREFIX
        self._http = http

    def reset(self) -> None:
        """Forget everything."""
        self._post("reset", {})

    def seed(self, entries: Sequence[Entry]) -> None:
        """Put entries as `wrangler kv bulk put` would."""
        self._post("seed", list(entries))

    def start_with(self, entries: Sequence[Entry]) -> None:
        """Forget everything, then put these entries."""
        self.reset()
        self.seed(entries)

    def enqueue(self, task: Mapping[str, object], *, old_format: bool = False) -> None:
        """Queue a task the way the Worker's webhooks do."""
        self._post("enqueue", {"format": "old" if old_format else "new", "task": dict(task)})

    def advance(self, seconds: int) -> None:
        """Move the clock on; everything that expires by it expires."""
        self._post("clock", {"advance_s": seconds})

    def _post(self, name: str, body: object) -> None:
        response = self._http.post(f"{self._url}/{name}", json=body)
        assert response.status_code == 200, f"{name}: {response.status_code} {response.text}"
