"""The command `serve`: its options, and what they cannot say together."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from queue_emulator import settings
from queue_emulator.cli.data_time import add_as_of, as_of
from queue_emulator.cli.kv_options import add_kv, add_ready_file, profile_of, state_of
from queue_emulator.cli.parsing import Commands, locations, machines, port, positive
from queue_emulator.core.errors import SettingsError
from queue_emulator.core.wire_names import MACHINE_HEADER
from queue_emulator.kv.cloudflare_access import Access
from queue_emulator.worker.rollout import (
    DEFAULT_VERSION,
    VERSION_KEY_HEADER,
    VERSION_OVERRIDES_HEADER,
    Rollout,
    rollout,
    version_paths,
)
from queue_emulator.workerd.binary import WHERE
from queue_emulator.workerd.bindings import WorkerFlags


def add_serve(commands: Commands) -> None:
    """`serve`."""
    parser = commands.add_parser("serve", help="start the emulator; it listens on http://127.0.0.1:8787")
    add = parser.add_argument
    add("--host", default=settings.DEFAULT_HOST, help="address to listen on (default: %(default)s)")
    add(
        "--port",
        type=port,
        default=settings.DEFAULT_PORT,
        help="port; 0 selects a free one (default: %(default)s)",
    )
    add_kv(parser)
    add_ready_file(parser)
    add(
        "--seed", type=Path, metavar="FILE", action="append", default=[],
        help="`wrangler kv bulk put` file to load at each start; repeatable",
    )  # fmt: skip
    add_as_of(parser)
    add(
        "--machines", type=machines, default=1, metavar="N",
        help="machines at each location, with copies of their own; a request names one, 1 to N, in "
        f"{MACHINE_HEADER}, or gets a random one (default: %(default)s)",
    )  # fmt: skip
    add("--quiet", action="store_true", help="do not log requests")
    add("--log", choices=("text", "json"), default="text", help="form of the log (default: %(default)s)")
    _add_real_kv(parser.add_argument_group("a real namespace"))
    _add_versions(parser.add_argument_group("several versions of the Worker at once"))
    _add_python(parser.add_argument_group("the Python Worker"))
    _add_worker(parser.add_argument_group("run your own Worker, on the real runtime (workerd)"))
    parser.set_defaults(run=_serve)


def _add_real_kv(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add(
        "--kv",
        choices=("emulated", "cloudflare"),
        default="emulated",
        help="the emulated KV, or a real namespace at Cloudflare (default: %(default)s)",
    )
    add("--namespace-id", metavar="ID", help="with --kv cloudflare: the id of the real namespace")


def _add_versions(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add(
        "--worker-version", metavar="[LOCATION=]VERSION", action="append", default=[],
        help="version of the Worker, and so its key format: old, dual or new; of all locations, or of one, for example "
        "SJC=old; repeatable (default: new). With --worker one that --version names",
    )  # fmt: skip
    add(
        "--split", metavar="VERSION=SHARE,VERSION=SHARE",
        help="two versions of the Worker at once, for example old=90,new=10, of 100 requests; requests with one "
        f"{VERSION_KEY_HEADER} go to one version, and {VERSION_OVERRIDES_HEADER} names one",
    )  # fmt: skip


def _add_python(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--rate-limit", type=positive, metavar="N", help="answer 429 to more than N requests a minute with one key")
    add("--strict", action="store_true", help="answer 400 to ids and bodies that openapi.yaml does not allow")


def _add_worker(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--worker", type=Path, metavar="PATH", help="its main module, its wrangler config, or the folder of the config")
    add(
        "--version", metavar="NAME=PATH", action="append", default=[],
        help="another version of it, with PATH as for --worker, for --worker-version and --split; repeatable. --worker "
        f"itself is the version {DEFAULT_VERSION}",
    )  # fmt: skip
    add(
        "--workerd",
        type=Path,
        metavar="PATH",
        help=WHERE,
    )
    add(
        "--binding", metavar="NAME[=NAMESPACE]", action="append", default=[],
        help="a KV namespace binding; repeatable (default: from the wrangler config, else CACHE)",
    )  # fmt: skip
    add("--var", metavar="NAME=VALUE", action="append", default=[], help="a text variable; repeatable")
    add(
        "--compatibility-date",
        metavar="DATE",
        help="as in wrangler (default: from the wrangler config, else the date of workerd)",
    )
    add("--real-date", action="store_true", help="the Worker's Date is the machine's, not the emulator's clock")
    add("--compatibility-flag", metavar="FLAG", action="append", default=[], help="as in wrangler; repeatable")


def _serve(parsed: argparse.Namespace) -> int:
    from queue_emulator.compose.serve import serve

    cloudflare = _cloudflare(parsed)
    worker, keys = _worker(parsed)
    builds, shares = _versions(parsed, keys)
    serve(
        settings.Settings(
            keys=keys,
            worker=worker,
            builds=builds,
            cloudflare=cloudflare,
            host=parsed.host,
            port=parsed.port,
            state=state_of(parsed),
            seeds=tuple(parsed.seed),
            as_of=as_of(parsed),
            ready_file=parsed.ready_file,
            profile=profile_of(parsed),
            locations=locations(parsed.location),
            rollout=shares,
            machines=parsed.machines,
            rate_limit_per_minute=parsed.rate_limit,
            strict=parsed.strict,
            log_requests=not parsed.quiet,
            log_as_json=parsed.log == "json",
            colours=settings.wants_colours(),
            random_seed=parsed.random_seed,
        )
    )
    return 0


def _cloudflare(parsed: argparse.Namespace) -> Access | None:
    """The real namespace that is to stand behind the Worker; None for an emulated one. Nothing of it is emulated."""
    if parsed.kv == "emulated":
        if parsed.namespace_id is not None:
            raise SettingsError("--namespace-id is the id of a real namespace: add --kv cloudflare")
        return None
    emulated = next((name for name, default in _EMULATED_ONLY if getattr(parsed, name) != default), None)
    if emulated is not None:
        raise SettingsError(
            f"--{emulated.replace('_', '-')} configures the emulated KV: leave it out with --kv cloudflare"
        )
    if parsed.worker is not None:
        raise SettingsError(
            "--kv cloudflare runs only the Python Worker: leave --worker out, or run your own Worker by `wrangler "
            "dev` with "
            "`remote` bindings"
        )
    if parsed.namespace_id is None:
        raise SettingsError("--kv cloudflare needs --namespace-id; `wrangler kv namespace list` shows the ids")
    access = settings.read_cloudflare(parsed.namespace_id)
    if parsed.seed and not access.on_loopback:
        raise SettingsError(
            f"--seed would write at each start, and {access.host} has real data: run `queue-emulator seed` once instead"
        )
    return access


_EMULATED_ONLY: tuple[tuple[str, object], ...] = (
    ("state", None),
    ("ephemeral", False),
    ("profile", "cloudflare"),
    ("location", []),
    ("plan", None),
    ("without", []),
    ("replication_lag", (0, 0)),
    ("tombstone_life", None),
    ("api_reads", "central"),
    ("machines", 1),
)


def _worker(parsed: argparse.Namespace) -> tuple[settings.WorkerSettings | None, settings.KeySource]:
    if parsed.worker is None:
        stray = next((each for each in _WORKERS_OWN if getattr(parsed, each)), None)
        if stray is not None:
            raise SettingsError(f"--{stray.replace('_', '-')} is only for your own Worker: add --worker PATH")
        return None, settings.read_keys(parsed.host)
    if parsed.rate_limit or parsed.strict:
        raise SettingsError("--rate-limit and --strict are only for the Python Worker: leave them out with --worker")
    return settings.read_worker(_flags(parsed, parsed.worker), workerd=parsed.workerd, host=parsed.host)


def _flags(parsed: argparse.Namespace, worker: Path) -> WorkerFlags:
    return WorkerFlags(
        worker,
        parsed.binding,
        parsed.var,
        parsed.compatibility_date,
        parsed.compatibility_flag,
        parsed.real_date,
    )


def _versions(
    parsed: argparse.Namespace, keys: settings.KeySource
) -> tuple[Mapping[str, settings.WorkerSettings], Rollout]:
    """The versions of your own Worker beside the one of --worker, which has these keys; and which answers what."""
    places = locations(parsed.location)
    if parsed.worker is None:
        return {}, rollout(parsed.worker_version, parsed.split, places)
    paths = version_paths(parsed.version)
    shares = rollout(parsed.worker_version, parsed.split, places, (DEFAULT_VERSION, *paths))
    unused = next((name for name in paths if name not in shares.deployed), None)
    if unused is not None:
        raise SettingsError(
            f"--version {unused}: no request would go to it; add --worker-version {places[0]}={unused} or "
            f"--split {DEFAULT_VERSION}=90,{unused}=10"
        )
    return {
        name: settings.read_worker(_flags(parsed, path), workerd=parsed.workerd, host=parsed.host, beside=keys)[0]
        for name, path in paths.items()
    }, shares


_WORKERS_OWN = ("version", "workerd", "binding", "var", "compatibility_date", "compatibility_flag", "real_date")
