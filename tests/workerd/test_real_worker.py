"""A real Worker on workerd meets production's KV: late, limited, failing, at several locations, on our clock."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from queue_emulator.core.profiles import LOCAL
from tests.workerd.conftest import Deploy

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

READS_AND_WRITES = """
export default { async fetch(request, env) {
  const { pathname, searchParams } = new URL(request.url);
  const key = searchParams.get("key") ?? "k";
  switch (pathname) {
    case "/get": return Response.json(await env.CACHE.getWithMetadata(key));
    case "/put": await env.CACHE.put(key, searchParams.get("value")); return new Response("done");
    case "/list": return Response.json(await env.CACHE.list());
    case "/gets": for (let i = 0; i < searchParams.get("times"); i++) await env.CACHE.get(`${key}${i}`);
      return new Response("done");
  }
}};
"""

CATCHES = """
export default { async fetch(request, env, ctx) {
  const caught = [];
  const attempt = async (work) => {
    try { caught.push((await work()) ?? null) } catch (error) { caught.push(`${error}`) }
  };
  await (async () => { BODY })();
  return Response.json(caught);
}};
"""


def attempting(body: str) -> str:
    """A Worker that runs this and answers what each `attempt` gave or threw."""
    return CATCHES.replace("BODY", body)


async def test_another_location_reads_late_for_60_seconds(deploy: Deploy) -> None:
    worker = await deploy(READS_AND_WRITES, locations=("SJC", "NRT"))
    clock = worker.deployment.clock
    await worker.get("/put?value=old", "SJC")
    assert (await worker.json("/get", "NRT")) == {"value": "old", "metadata": None, "cacheStatus": "MISS"}
    clock.advance(1000)
    await worker.get("/put?value=new", "SJC")
    assert (await worker.json("/get", "SJC"))["value"] == "new"
    clock.advance(58_000)
    assert (await worker.json("/get", "NRT")) == {"value": "old", "metadata": None, "cacheStatus": "HIT"}
    clock.advance(1000)
    assert (await worker.json("/get", "NRT"))["value"] == "new"
    assert [event.stale for event in worker.deployment.service.journal.after(0) if event.location == "NRT"] == [
        False, True, False,
    ]  # fmt: skip


async def test_a_miss_is_remembered_elsewhere_too(deploy: Deploy) -> None:
    worker = await deploy(READS_AND_WRITES, locations=("SJC", "NRT"))
    assert (await worker.json("/get", "NRT"))["value"] is None
    await worker.get("/put?value=new", "SJC")
    assert (await worker.json("/get", "NRT"))["value"] is None
    worker.deployment.clock.advance(60_000)
    assert (await worker.json("/get", "NRT"))["value"] == "new"


async def test_an_unknown_location_is_refused_before_the_worker(deploy: Deploy) -> None:
    worker = await deploy(READS_AND_WRITES)
    answer = await worker.get("/get", "ZZZ")
    assert (answer.status_code, answer.json()["error"]) == (
        400,
        "Unknown location in X-Emulator-Location; this emulator has SJC",
    )


async def test_the_second_write_of_a_key_within_a_second_throws(deploy: Deploy) -> None:
    worker = await deploy(attempting("for (const value of ['1', '2']) await attempt(() => env.CACHE.put('k', value));"))
    assert await worker.json() == [None, "Error: KV PUT failed: 429 Too Many Requests"]
    worker.deployment.clock.advance(1000)
    assert (await worker.json())[0] is None


async def test_faults_strike_a_real_worker(deploy: Deploy) -> None:
    worker = await deploy(
        attempting(
            "await attempt(() => env.CACHE.put('k', 'v')); await attempt(() => env.CACHE.get('k'));"
            "await attempt(() => env.CACHE.get(['k'])); await attempt(() => env.CACHE.list());"
        )
    )
    await worker.control("faults", {"verdict": "fail_after", "status": 503, "operation": "put"})
    await worker.control("faults", {"verdict": "fail_before", "status": 500, "operation": "list"})
    await worker.control("faults", {"verdict": "fail_before", "status": 502, "operation": "get_bulk"})
    await worker.control("faults", {"verdict": "delay", "for_s": 5, "operation": "get"})
    before_ms = worker.deployment.clock.now_ms()
    assert await worker.json() == [
        "Error: KV PUT failed: 503 Service Unavailable",
        "v",
        "Error: KV GET_BULK failed: 502 Bad Gateway",
        "Error: KV GET failed: 500 Internal Server Error",
    ]
    assert worker.deployment.clock.now_ms() - before_ms == 5000


async def test_time_moves_expiry(deploy: Deploy) -> None:
    worker = await deploy(
        attempting(
            "if (request.url.endsWith('/put')) await attempt(() => env.CACHE.put('k', 'v', { expirationTtl: 60 }));"
            "else await attempt(() => env.CACHE.get('k'));"
        )
    )
    await worker.get("/put")
    assert await worker.json() == ["v"]
    await worker.control("clock", {"advance_s": 60})
    assert await worker.json() == [None]


async def test_metadata_keeps_every_character(deploy: Deploy) -> None:
    metadata = {"é😀": ["\u2028", "\\", '"', "\n", 1.5, None]}
    worker = await deploy(
        attempting(
            f"const metadata = {json.dumps(metadata)};"
            "await attempt(() => env.CACHE.put('k', '', { metadata }));"
            "await attempt(() => env.CACHE.getWithMetadata('k').then((found) => found.metadata));"
            "await attempt(() => env.CACHE.list().then((page) => page.keys[0].metadata));"
            "await attempt(() => env.CACHE.getWithMetadata(['k']).then((found) => found.get('k').metadata));"
        )
    )
    assert await worker.json() == [None, metadata, metadata, metadata]


async def test_values_of_25_mib_pass_whole_and_larger_ones_throw(deploy: Deploy) -> None:
    worker = await deploy(
        attempting(
            "const value = new Uint8Array(26214401); for (let i = 0; i < value.length; i += 4096) value[i] = i >> 12;"
            "await attempt(() => env.CACHE.put('k', value));"
            "await attempt(() => env.CACHE.put('k', value.subarray(1)));"
            "await attempt(async () => { const got = await env.CACHE.get('k', 'arrayBuffer');"
            "  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', got));"
            "  return [got.byteLength, Array.from(digest, (each) => each.toString(16).padStart(2, '0')).join('')]; });"
        )
    )
    value = bytearray(26_214_401)
    value[::4096] = bytes(number & 255 for number in range(len(value[::4096])))
    assert await worker.json() == [
        "Error: KV PUT failed: 413 Value length of 26214401 exceeds limit of 26214400.",
        None,
        [26_214_400, hashlib.sha256(value[1:]).hexdigest()],
    ]


async def test_streams_of_unknown_length_are_stored(deploy: Deploy) -> None:
    worker = await deploy(
        "export default { async fetch(request, env) {"
        "  await env.CACHE.put('k', request.body.pipeThrough(new TransformStream()));"
        "  return new Response(await env.CACHE.get('k', 'stream')); } };"
    )

    async def parts() -> AsyncIterator[bytes]:
        for number in range(100):
            yield b"%d," % number

    answer = await worker.client.post("/", content=parts())
    assert answer.text == "".join(f"{number}," for number in range(100))


async def test_bindings_to_several_namespaces_do_not_mix(deploy: Deploy) -> None:
    source = attempting(
        "for (const name of ['CACHE', 'AGAIN', 'OTHER']) await attempt(() => env[name].get('k'));"
        "await env.AGAIN.put('k', 'again'); await env.OTHER.put('k', 'other');"
    )
    worker = await deploy(source, kv={"CACHE": "CACHE", "AGAIN": "CACHE", "OTHER": "OTHER"}, profile=LOCAL)
    assert await worker.json() == [None, None, None]
    assert await worker.json() == ["again", "again", "other"]
    await worker.control("reset", {})
    assert await worker.json() == [None, None, None]


async def test_variables_are_text_or_json(deploy: Deploy) -> None:
    variables = {"TEXT": 'é"\\\n', "DATA": {"a": [1, None, "é"]}, "KEY": "secret"}
    worker = await deploy(
        "export default { fetch: (request, { TEXT, DATA, KEY }) => Response.json({ TEXT, DATA, KEY }) };",
        variables=variables,
    )
    assert await worker.json() == variables


@pytest.mark.parametrize(("operations", "status"), [(1000, 200), (1001, 500)])
async def test_a_run_past_its_budget_of_operations_fails(deploy: Deploy, operations: int, status: int) -> None:
    worker = await deploy(READS_AND_WRITES)
    assert (await worker.get(f"/gets?times={operations}")).status_code == status
    assert any("1000 KV operations" in line for line in worker.logged)


async def test_the_journal_names_the_run_and_its_route(deploy: Deploy) -> None:
    worker = await deploy(READS_AND_WRITES)
    ray = (await worker.get("/get")).headers["cf-ray"]
    (event,) = worker.deployment.service.journal.after(0)
    assert (f"{event.invocation}-SJC", event.route) == (ray, "GET /get")
    cost = (await worker.client.get("/cdn-cgi/emulator/cost?over_s=60")).json()
    assert cost["routes"] == {"GET /get": {"requests": 1, "reads": 1}}


async def test_the_log_says_what_the_worker_said_and_where(deploy: Deploy) -> None:
    source = (
        "export default { async fetch(request, env, ctx) { console.log('two\\nlines', { a: 1 });"
        "  ctx.waitUntil((async () => { await env.CACHE.get('k'); throw new RangeError('late'); })());"
        "  if (request.url.endsWith('/throw')) throw new TypeError('boom'); return new Response('ok'); } };"
    )
    worker = await deploy(source, locations=("SJC", "NRT"))
    assert (await worker.get("/throw", "NRT")).status_code == 500
    await until(lambda: any("boom" in line for line in worker.logged))
    assert (await worker.get("/", "SJC")).status_code == 200
    await until(lambda: any("late" in line and "SJC" in line for line in worker.logged))
    told = "\n".join(worker.logged)
    assert "  worker NRT: two\n    lines {" in told
    assert "  uncaught TypeError: boom (at NRT)\n    at " in told
    assert "  uncaught RangeError: late (at SJC)" in told
    assert "remote.jsg" not in told


async def test_with_one_location_the_console_is_heard_while_the_worker_runs(deploy: Deploy) -> None:
    worker = await deploy(
        "export default { async fetch(request, env) { console.error('before'); await env.CACHE.get('k');"
        "  return new Response('ok'); } };"
    )
    await worker.get("/")
    await until(lambda: "  worker SJC: before" in worker.logged)


async def test_a_worker_cannot_write_in_the_tail_s_name(deploy: Deploy) -> None:
    report = '{"location": "SJC", "logs": [], "exceptions": [{"name": "Forged", "message": "m"}]}'
    forged = f"emulator-tail {report}"
    worker = await deploy(
        f"export default {{ fetch() {{ console.log({forged!r}); return new Response(); }} }};",
    )
    await worker.get("/")
    await until(lambda: bool(worker.logged))
    assert worker.logged[0] == f"  worker SJC: {forged}"


async def test_a_default_export_without_fetch_is_explained_at_the_first_request(deploy: Deploy) -> None:
    worker = await deploy("export default class { fetch() { return new Response('never'); } };")
    assert (await worker.get("/")).status_code == 500
    await until(lambda: bool(worker.logged))
    assert "its default export has no fetch handler, so workerd sends each request on" in worker.logged[0]


async def test_the_worker_sees_where_it_runs_and_whom_it_serves_and_none_of_our_headers(deploy: Deploy) -> None:
    worker = await deploy(
        "export default { fetch: (request) => Response.json([request.cf, [...request.headers], request.url]) };",
        locations=("SJC", "NRT"),
    )
    sent = {
        "X-Emulator-Location": "NRT",
        "X-Emulator-Cf": '{"colo":"ZZZ"}',
        "CF-Connecting-IP": "6.6.6.6",
        "CF-Ray": "x",
    }
    answer = await worker.client.get("/a%2Fb//c?q=%20", headers=sent)
    cf, headers, url = answer.json()
    assert cf == {"colo": "NRT"}
    seen = dict(headers)
    assert (seen["cf-ray"], seen["cf-connecting-ip"]) == (answer.headers["cf-ray"], "127.0.0.1")
    assert not [name for name in seen if name.startswith("x-emulator")]
    assert url == "http://127.0.0.1:8787/a%2Fb//c?q=%20"


@pytest.mark.parametrize("date", ["2024-09-23", "2026-07-01", None], ids=str)
async def test_a_module_may_import_others_of_every_kind(deploy: Deploy, tmp_path: Path, date: str | None) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "greet.js").write_text(
        "import words from '../words.json'; export const greet = () => words.hi;"
    )
    (tmp_path / "words.json").write_text('{"hi": "hé"}')
    (tmp_path / "page.html").write_text("<p>é</p>")
    (tmp_path / "raw.bin").write_bytes(b"\x00\xff")
    (tmp_path / "old.cjs").write_text("exports.answer = 42;")
    (tmp_path / "empty.wasm").write_bytes(b"\0asm\1\0\0\0")
    worker = await deploy(
        "import { greet } from './lib/greet.js'; import page from './page.html'; import raw from './raw.bin';"
        "import old from './old.cjs'; import wasm from './empty.wasm';"
        "export default { fetch: () => Response.json([greet(), page, [...new Uint8Array(raw)], old.answer,"
        "  wasm instanceof WebAssembly.Module]) };",
        compatibility_date=date,
    )
    assert await worker.json() == ["hé", "<p>é</p>", [0, 255], 42, True]


async def test_compatibility_flags_reach_the_runtime(deploy: Deploy) -> None:
    worker = await deploy(
        "import { Buffer } from 'node:buffer';"
        "export default { fetch: () => new Response(Buffer.from('aGk=', 'base64').toString()) };",
        compatibility_flags=("nodejs_compat",),
    )
    assert (await worker.get()).text == "hi"


async def until(holds: Callable[[], bool]) -> None:
    """What the runtime says after its answer comes in its own time."""
    for _ in range(10_000):
        if holds():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it did not come")
