"""The marker `queue_emulator`: how the emulator of a test is to behave."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from queue_emulator.core.profiles import Profile, compose
from queue_emulator.core.shapes import shaped

_Seconds: TypeAlias = Annotated[float, Meta(ge=0, description="a number of seconds")]
_Range: TypeAlias = Annotated[tuple[_Seconds, _Seconds], Meta(description="two numbers of seconds, as (0, 5)")]
_Codes: TypeAlias = Annotated[list[str], Meta(min_length=1, description="a list of airport codes, as ['SJC', 'NRT']")]


class Marker(msgspec.Struct, forbid_unknown_fields=True):
    """Its members, which `pytest_plugin.MEMBERS` names too."""

    worker: Annotated[str | None, Meta(description="a path, as 'src/worker.mjs'")] = None
    profile: Annotated[str, Meta(description="a name, as 'local'")] = "cloudflare"
    locations: _Codes | None = None
    worker_version: Literal["old", "dual", "new"] = "new"
    rate_limit: Annotated[int, Meta(gt=0)] | None = None
    strict: Annotated[bool, Meta(description="True or False")] = False
    seed: int = 0
    without: Annotated[list[str], Meta(description="a list of switches, as ['write-rate']")] = []
    plan: Annotated[str | None, Meta(description="a name, as 'free'")] = None
    replication_lag_s: _Range = (0, 0)
    tombstone_life_s: _Seconds | None = None
    api_reads: Literal["central", "cached"] = "central"

    def kv(self) -> Profile:
        """What it says of KV; raises SettingsError for what cannot be."""
        least_s, most_s = self.replication_lag_s
        life_s = self.tombstone_life_s
        return compose(
            self.profile,
            without=self.without,
            plan=self.plan,
            lag_ms=(round(least_s * 1000), round(most_s * 1000)),
            tombstone_life_ms=None if life_s is None else round(life_s * 1000),
            api_reads=self.api_reads,
        )

    def of_the_queue(self) -> str | None:
        """A member that is for the task queue alone, if one is given."""
        given = {"worker_version": self.worker_version != "new", "rate_limit": self.rate_limit, "strict": self.strict}
        return next((name for name, each in given.items() if each), None)


def read_marker(given: Mapping[str, object]) -> Marker:
    """Raises ShapeError for what it cannot say."""
    plain = {name: str(each) if isinstance(each, Path) else each for name, each in given.items()}
    return shaped(plain, Marker, shown=lambda value: f"{value!r:.80}")  # it is written in Python
