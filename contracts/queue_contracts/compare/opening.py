"""Opens the two targets of a comparison: local ones are started, of a deployment the profile and the rate are kept."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from queue_contracts.compare.sides import Side
from queue_contracts.names import ADMIN_KEY, KINDS, KV_ACCOUNT, KV_NAMESPACE, KV_TOKEN, OF_B, QUEUE_KEY
from queue_contracts.options import RATE_OF_A_URL
from queue_contracts.profiles import Profile
from queue_contracts.sending import preflight
from queue_contracts.sending.guard import Guard
from queue_contracts.sending.leftovers import Leftovers, alive
from queue_contracts.sending.limiter import SharedLimiter
from queue_contracts.sending.parts import find_parts
from queue_contracts.sending.recorder import Recorder
from queue_contracts.sending.rules import Rules
from queue_contracts.sending.run import Run, new_run_id, settle_profile
from queue_contracts.sending.wire import below
from queue_contracts.targets.addresses import TargetError, check_address
from queue_contracts.targets.control import Control
from queue_contracts.targets.opening import open_target
from queue_contracts.targets.serving import STARTED
from queue_contracts.targets.storage import Storage, open_storage
from queue_contracts.targets.target import Ability, Target
from queue_contracts.untrusted.deadline import open_client

_WRITE_PAUSE_S = 1.1


@dataclass(frozen=True)
class Wanted:
    """How a target is to be opened.

    disposable  the host that may be emptied
    rate        requests a minute to a URL
    second      it is B: where the environment has keys for B, those are its keys
    with_kv     the KV that the environment names is this target's
    """

    target: str
    profile: str | None = None
    disposable: str | None = None
    rate: int = RATE_OF_A_URL
    worker: Path | None = None
    workerd: Path | None = None
    second: bool = False
    with_kv: bool = True

    @property
    def local(self) -> bool:
        return self.target in KINDS


@contextmanager
def open_side(wanted: Wanted, name: str) -> Iterator[tuple[Side, str]]:
    """The side and what its ids begin with. Raises TargetError or StartError, each before anything is compared."""
    with (
        tempfile.TemporaryDirectory(prefix="queue-contracts-") as folder,
        open_client(guarded=not wanted.local) as http,
    ):
        if not wanted.local:
            check_address(wanted.target)
        host = urlsplit(wanted.target).netloc
        run = Run(
            wanted.target, Profile.OBSERVE, Path(folder), new_run_id(), rate=None if wanted.local else wanted.rate
        )
        run = settle_profile(run, wanted.profile if not wanted.local else None, wanted.disposable, host)
        with open_target(wanted.target, worker=wanted.worker, workerd=wanted.workerd) as target:
            if wanted.local:
                missing = find_parts(target, http, Profile.DISPOSABLE, run.own_prefix).missing
                yield replace(_local(target, name, http), missing=missing), run.own_prefix
                return
            limiter = SharedLimiter(run.folder, run.rate)
            try:
                with _deployed(_of_the_side(target, wanted), name, http, run, limiter) as side:
                    yield side, run.own_prefix
            finally:
                limiter.close()


def side_names(a: str, b: str) -> tuple[str, str]:
    """What the two are called in a report: as they were named, without scheme, and told apart."""
    names = urlsplit(a).netloc or a, urlsplit(b).netloc or b
    return names if names[0] != names[1] else (f"{names[0]} (A)", f"{names[1]} (B)")


def _side(target: Target, name: str, http: httpx.Client) -> Side:
    return Side(name, target.name, target.url, target.queue_key, target.admin_key, http)


def _local(target: Target, name: str, http: httpx.Client) -> Side:
    control = Control(target, http)
    return replace(
        _side(target, name, http),
        seed=control.seed,
        reset=control.reset,
        advance=control.advance,
        worker_time=target.name == "emulator",
    )


def _of_the_side(target: Target, wanted: Wanted) -> Target:
    """The target with what in the environment is only its own."""
    if not wanted.with_kv:
        target = replace(target, rest=None, abilities=target.abilities - {Ability.SEED, Ability.INSPECT})
    if wanted.second:
        queue_key = os.environ.get(QUEUE_KEY + OF_B) or target.queue_key
        target = replace(target, queue_key=queue_key, admin_key=os.environ.get(ADMIN_KEY + OF_B) or target.admin_key)
    return target


@contextmanager
def _deployed(target: Target, name: str, http: httpx.Client, run: Run, limiter: SharedLimiter) -> Iterator[Side]:
    """Everything goes through the guard, which keeps the profile and the rate; what was written is taken away again."""
    rules = Rules(target, run.profile, run.own_prefix, lambda origin: origin in STARTED)
    guard = Guard(rules, limiter, Recorder(run.folder, target), run.folder)
    with below(guard):
        missing = _missing(target, http, run)
    storage = _storage(target, http, run)
    side = replace(
        _side(target, name, http),
        seed=storage.seed if storage else None,
        reset=storage.reset if storage and not run.profile.terms.shared else None,
        write_pause_s=_WRITE_PAUSE_S,
        rate=run.rate,
        profile=run.profile,
        objection=rules.objection,
        guarded=lambda: below(guard),
        token=target.rest.token if target.rest else "",
        missing=missing,
    )
    if storage is None:
        yield side
        return
    leftovers = Leftovers(storage, run)
    with alive(run.run_id):
        with below(guard):
            leftovers.sweep_once()
        try:
            yield side
        finally:
            with below(guard):
                leftovers.remove_own()


def _missing(target: Target, http: httpx.Client, run: Run) -> frozenset[str]:
    """The parts that it has not; raises TargetError for one that cannot be checked at all."""
    answered: dict[str, int] = {}
    objection = preflight.objection(target, http, answered=answered)
    if objection is not None:
        raise TargetError(objection)
    return find_parts(target, http, run.profile, run.own_prefix, answered).missing


def _storage(target: Target, http: httpx.Client, run: Run) -> Storage | None:
    """Its KV, where the run may write there; raises TargetError where it has to."""
    storage = open_storage(target, http) if run.profile.terms.writes else None
    if storage is None and run.profile.tidies:
        names = f"{KV_ACCOUNT}, {KV_NAMESPACE} and {KV_TOKEN}"
        raise TargetError(f"the profile isolated deletes its data directly in KV: set {names}")
    return storage
