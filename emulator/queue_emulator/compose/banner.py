"""What an emulator says of itself before the first request: where it is, what opens it, what to try."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from queue_emulator import __version__
from queue_emulator.compose.seeds import Seeds
from queue_emulator.core.accounts import ACCOUNT_ID
from queue_emulator.core.clock import iso_8601
from queue_emulator.core.wire_names import API_PREFIX, CONTROL_PREFIX
from queue_emulator.kv.namespaces import Namespaces
from queue_emulator.kv.service import KVService
from queue_emulator.settings import API_TOKEN_NAME, DEV_VARS, KEY_NAMES, Settings
from queue_emulator.workerd.bindings import RUN_INSTEAD, WorkerPlan

if TYPE_CHECKING:
    from queue_emulator.kv.remote import RemoteService


def banner(
    settings: Settings,
    service: "KVService | RemoteService",
    namespaces: Namespaces | None,
    seeds: Seeds,
    base_url: str,
) -> list[str]:
    """The lines."""
    return [
        f"queue-emulator {__version__}",
        f"  listening   {base_url}",
        f"  inspector   {base_url}{CONTROL_PREFIX}/  (keys, KV operations, clock, faults)",
        *_data_lines(settings, service),
        *_key_lines(settings),
        f"  profile     {', '.join((service.profile.name, *_places(settings), _worker(settings)))}",
        *_plan_lines(settings),
        *(_api_lines(settings, namespaces, base_url) if namespaces else []),
        *_seed_lines(settings, seeds),
        "",
        "Try:",
        *(f"  {line}" for line in _examples(settings, base_url)),
        "",
        "Press Ctrl-C to stop.",
    ]


def _seed_lines(settings: Settings, seeds: Seeds) -> list[str]:
    loaded = zip(settings.seeds, seeds.data, strict=True)
    lines = [f"  seeded      {path}: {len(data.requests)} keys" for path, data in loaded]
    if seeds.data_ms is not None:
        lines.append(f"  clock       {iso_8601(seeds.data_ms)} at the start")
    return lines


def _data_lines(settings: Settings, service: "KVService | RemoteService") -> list[str]:
    if isinstance(service, KVService):
        state = "in memory; the data is lost at the end" if settings.state is None else f"{settings.state} (kept)"
        return [f"  state       {state}"]
    return [
        f"  KV          {service.where}",
        "              real data: the Worker writes and deletes in this namespace at Cloudflare",
    ]


def _places(settings: Settings) -> tuple[str, ...]:
    return settings.locations if settings.cloudflare is None else ()


def _worker(settings: Settings) -> str:
    if settings.worker is None:
        return str(settings.rollout)
    return f"a Worker on workerd, {settings.rollout}" if settings.builds else "a Worker on workerd"


def _plan_lines(settings: Settings) -> list[str]:
    if settings.worker is None:
        return []
    plan = settings.worker.plan
    names = ", ".join(name if name == namespace else f"{name} = {namespace}" for name, namespace in plan.kv.items())
    return [
        f"  worker      {plan.main}",
        *(f"  version     {name}: {build.plan.main}" for name, build in settings.builds.items()),
        *([f"  config      {plan.config}"] if plan.config else []),
        f"  KV          {names}{_ASSUMED if plan.assumed else ''}",
        *_left_out_lines(plan, settings.worker.variables),
        f"  workerd     {settings.worker.binary}",
    ]


_ASSUMED = " (assumed: no config names a namespace; --binding NAME sets another name)"


def _left_out_lines(plan: WorkerPlan, variables: Collection[str]) -> list[str]:
    """What the config has and the Worker will miss; a variable of a binding's name stands in for it."""
    unserved = [f"env.{name} ({section})" for name, section in plan.unserved.items() if name not in variables]
    lines = [f"  left out    {', '.join(unserved)}: not supported here, undefined in the Worker"] if unserved else []
    if plan.sections:
        lines.append(f"  left out    {', '.join(plan.sections)} of the config: not supported here")
    if plan.environments:
        lines.append(
            f"  left out    environments {', '.join(plan.environments)} of the config: only its top level is used"
        )
    return [*lines, f"              With all of it: {RUN_INSTEAD}"] if lines else []


def _key_lines(settings: Settings) -> list[str]:
    """None of a Worker's that has nothing to do with the queue."""
    source = settings.keys
    if settings.worker is not None and not set(KEY_NAMES) & set(settings.worker.variables):
        return []
    if source.development:
        return [
            f"  keys        QUEUE_API_KEY={source.keys.queue_api_key} ADMIN_API_KEY={source.keys.admin_api_key}",
            "              (development keys, on loopback only; set your own in the environment or .dev.vars)",
        ]
    return [
        f"  keys        {name} from {source.sources[name]}"
        if name in source.sources
        else f"  keys        {name} is not set"
        for name in KEY_NAMES
    ]


def _api_lines(settings: Settings, namespaces: Namespaces, base_url: str) -> list[str]:
    """What points wrangler and the official SDKs here; a token of the user's own is named, not shown."""
    made, source = settings.keys.api_token.token, settings.keys.api_token.source
    if made is None:
        how = f"set {API_TOKEN_NAME} in the environment or {DEV_VARS} to serve it"
        return [f"  REST API    Cloudflare's KV REST API is off; {how}"]
    api_url = f"{base_url}{API_PREFIX}"
    shown = made if source is None else f'"${API_TOKEN_NAME}"  # from {source}'
    return [
        f"  REST API    Cloudflare's KV REST API is at {api_url}",
        *(f"              namespace {each.title} has the id {each.id}" for each in namespaces.bound()),
        f"              for wrangler: export CLOUDFLARE_API_BASE_URL={api_url}",
        f"              for the SDKs: export CLOUDFLARE_BASE_URL={api_url}",
        f"              for both: export CLOUDFLARE_ACCOUNT_ID={ACCOUNT_ID} CLOUDFLARE_API_TOKEN={shown}",
    ]


def _examples(settings: Settings, base_url: str) -> list[str]:
    if settings.worker is not None:
        return [f"curl {base_url}/", f"curl {base_url}/cdn-cgi/emulator/status"]
    source = settings.keys
    admin = source.keys.admin_api_key if source.development else "$ADMIN_API_KEY"
    queue = source.keys.queue_api_key if source.development else "$QUEUE_API_KEY"
    if not source.development and "QUEUE_API_KEY" not in source.sources:
        queue = "$ASSISTANT_API_KEY"
    return [
        f'curl -H "X-API-Key: {admin}" {base_url}/api/migrate/status',
        f'curl -X POST -H "X-API-Key: {admin}" {base_url}/api/migrate/run',
        f'curl -H "X-API-Key: {queue}" {base_url}/api/queue',
    ]
