"""The command `serve`: its options, and what they cannot say together."""

import argparse
from pathlib import Path

from queue_emulator import settings
from queue_emulator.cli.data_time import add_as_of, as_of
from queue_emulator.cli.kv_options import add_kv, profile_of, state_of
from queue_emulator.cli.parsing import locations, port, positive
from queue_emulator.core.errors import SettingsError
from queue_emulator.kv.cloudflare_access import Access
from queue_emulator.worker.fetch import WorkerVersion
from queue_emulator.workerd.bindings import WorkerFlags


def add_serve(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`serve`."""
    parser = commands.add_parser("serve", help="start the emulator")
    add = parser.add_argument
    add("--host", default=settings.DEFAULT_HOST, help="address to listen on (default: %(default)s)")
    add("--port", type=port, default=settings.DEFAULT_PORT, help="0 takes a free one (default: %(default)s)")
    add_kv(parser)
    add(
        "--seed", type=Path, metavar="FILE", action="append", default=[],
        help="bulk-put file to load at each start; repeatable",
    )  # fmt: skip
    add_as_of(parser)
    add(
        "--worker-version", choices=[each.value for each in WorkerVersion], default="new",
        help="which format the Worker uses (default: %(default)s)",
    )  # fmt: skip
    add("--rate-limit", type=positive, metavar="N", help="answer 429 past N requests a minute a key")
    add("--strict", action="store_true", help="answer 400 to what is outside of openapi.yaml")
    add("--quiet", action="store_true", help="no log line a request")
    add("--log", choices=("text", "json"), default="text", help="the form of the log (default: %(default)s)")
    add("--kv", choices=("emulated", "cloudflare"), default="emulated", help="whose KV it is (default: %(default)s)")
    add("--namespace-id", metavar="ID", help="the real namespace of --kv cloudflare")
    _add_worker(parser.add_argument_group("a Worker of your own, on the real runtime"))
    parser.set_defaults(run=_serve)


def _add_worker(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--worker", type=Path, metavar="PATH", help="its main module, or its wrangler config or the folder of that")
    add("--workerd", type=Path, metavar="PATH", help="the binary (default: of a node_modules near, or on the PATH)")
    add(
        "--binding", metavar="NAME[=NAMESPACE]", action="append", default=[],
        help="a KV namespace that it is bound to; repeatable (default: CACHE)",
    )  # fmt: skip
    add("--var", metavar="NAME=VALUE", action="append", default=[], help="a text that it is bound to; repeatable")
    add("--compatibility-date", metavar="DATE", help="as wrangler's (default: the date of workerd)")
    add("--compatibility-flag", metavar="FLAG", action="append", default=[], help="as wrangler's; repeatable")


def _serve(parsed: argparse.Namespace) -> int:
    from queue_emulator.compose import serve

    cloudflare = _cloudflare(parsed)
    worker, keys = _worker(parsed)
    serve(
        settings.Settings(
            keys=keys,
            worker=worker,
            cloudflare=cloudflare,
            host=parsed.host,
            port=parsed.port,
            state=state_of(parsed),
            seeds=tuple(parsed.seed),
            as_of=as_of(parsed),
            profile=profile_of(parsed),
            locations=locations(parsed.location),
            worker_version=WorkerVersion(parsed.worker_version),
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
            raise SettingsError("--namespace-id names a real namespace: it takes --kv cloudflare")
        return None
    emulated = next((name for name, default in _EMULATED_ONLY if getattr(parsed, name) != default), None)
    if emulated is not None:
        raise SettingsError(f"--{emulated.replace('_', '-')} is of emulated KV: a real namespace does not take it")
    if parsed.worker is not None:
        raise SettingsError(
            "--kv cloudflare runs the Python Worker; for your own, `wrangler dev` has bindings with `remote` set"
        )
    if parsed.namespace_id is None:
        raise SettingsError("--kv cloudflare needs --namespace-id, as `wrangler kv namespace list` shows it")
    access = settings.read_cloudflare(parsed.namespace_id)
    if parsed.seed and not access.on_loopback:
        raise SettingsError(
            f"--seed writes at each start, and {access.host} has real data: use `queue-emulator seed` once instead"
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
)


def _worker(parsed: argparse.Namespace) -> tuple[settings.WorkerSettings | None, settings.KeySource]:
    if parsed.worker is None:
        stray = next((each for each in _WORKERS_OWN if getattr(parsed, each)), None)
        if stray is not None:
            raise SettingsError(f"--{stray.replace('_', '-')} says how to run a Worker: name it with --worker")
        return None, settings.read_keys(parsed.host)
    if parsed.rate_limit or parsed.strict or parsed.worker_version != "new":
        raise SettingsError(
            "--rate-limit, --strict and --worker-version are the Python Worker's, not those of --worker"
        )
    flags = WorkerFlags(parsed.worker, parsed.binding, parsed.var, parsed.compatibility_date, parsed.compatibility_flag)
    return settings.read_worker(flags, workerd=parsed.workerd, host=parsed.host)


_WORKERS_OWN = ("workerd", "binding", "var", "compatibility_date", "compatibility_flag")
