"""What one run was told: target, profile, rate, seed. Read from pytest's options, the same in every process of it."""

import json
import re
import secrets
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from queue_contracts.names import KINDS
from queue_contracts.options import SEED
from queue_contracts.profiles import Profile
from queue_contracts.targets.addresses import TargetError

OWN = "ct-"
OF_A_RUN = re.compile(rf"{OWN}([0-9a-f]{{8}})[0-9a-f]{{4}}-")
FIRST_RUN_S, DAY_S = 0x68000000, 86_400  # April 2025


@dataclass(frozen=True)
class Run:
    """`rate` is requests a minute over all processes, None without a limit; `folder` is where its processes meet.

    without   operations that the Worker is said not to have
    format    the keys in which it is said to keep its queue; None where nothing is said
    complete  whatever is missing is a fault of each check that asks for it
    """

    target: str
    profile: Profile
    folder: Path
    run_id: str
    seed: int = SEED
    rate: int | None = None
    control: bool = False
    worker: Path | None = None
    workerd: Path | None = None
    report_dir: Path | None = None
    without: tuple[str, ...] = ()
    format: str | None = None
    complete: bool = False

    @property
    def local(self) -> bool:
        return self.target in KINDS

    @property
    def own_prefix(self) -> str:
        """What every id begins with that this run writes."""
        return f"{OWN}{self.run_id}-"

    def save(self) -> None:
        told = {name: str(each) if isinstance(each, Path) else each for name, each in asdict(self).items()}
        path = self.folder / "run.json"
        path.write_text(json.dumps({**told, "profile": self.profile.value}), encoding="utf-8")


def load_run(folder: Path) -> Run:
    """What `save` wrote there."""
    told = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    paths = {name: Path(told[name]) if told[name] else None for name in ("worker", "workerd", "report_dir")}
    told |= {**paths, "folder": folder, "profile": Profile(told["profile"]), "without": tuple(told["without"])}
    return Run(**told)


def new_run_id(now_s: float | None = None) -> str:
    """Eight hexadecimal digits of the second it began in, by which a sweeper knows its age, and four of chance."""
    return f"{int(time.time() if now_s is None else now_s):08x}{secrets.token_hex(2)}"


def began_s(task_id: str) -> int | None:
    """When the run began that an id belongs to; None for an id of nobody's run."""
    match = OF_A_RUN.match(task_id)
    second = int(match[1], 16) if match else 0
    # Digits alone, such as those of a date, make a second long before there were such runs.
    return second if FIRST_RUN_S <= second <= time.time() + DAY_S else None


def settle_profile(run: Run, profile: str | None, disposable: str | None, host: str) -> Run:
    """The profile that was asked for, if it may be: a URL is thrown away only by its exact name. Raises TargetError."""
    if run.local:
        if disposable is not None:
            raise TargetError(f"--disposable is only for a URL: leave it out with {run.target}")
        return replace(run, profile=Profile(profile or "disposable"))
    if disposable is not None and profile not in (None, "disposable"):
        raise TargetError(f"--disposable {disposable} and --profile {profile} cannot be used together")
    if disposable is None and profile == "disposable":
        raise TargetError(f"this would delete everything in the queue at {host}: to allow it, add --disposable {host}")
    if disposable is not None and disposable != host:
        raise TargetError(f"--disposable is {disposable!r}, but the target is {host!r}")
    return replace(run, profile=Profile("disposable" if disposable else profile or "observe"))
