"""A real Worker over our KV is answered as one over the vendor's own KV was, call by call."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from queue_emulator.core.profiles import LOCAL
from tests.workerd.conftest import Deploy
from tests.workerd.deployed import Deployed

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

RECORDED = json.loads(Path(__file__).parents[1].joinpath("kv", "recorded_answers.json").read_text())["answers"]

WORKER = """
const METHODS = { get_bulk: "get", get_with_metadata: "getWithMetadata", get_bulk_with_metadata: "getWithMetadata" };
const OPTIONS = { cache_ttl: "cacheTtl", expiration_ttl: "expirationTtl" };
const bytesOf = (text) => Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
const base64 = (buffer) => btoa(Array.from(new Uint8Array(buffer), (each) => String.fromCharCode(each)).join(""));

function decoded(value, now) {
  if (Array.isArray(value)) return value.map((each) => decoded(each, now));
  if (value === null || typeof value !== "object") return value;
  switch (value.$) {
    case "undefined": return undefined;
    case "nan": return NaN;
    case "inf": return Infinity;
    case "-inf": return -Infinity;
    case "bytes": return bytesOf(value.base64);
    case "stream": return new Response(bytesOf(value.base64)).body;
    case "repeat": return value.text.repeat(value.times);
    case "now": return now + value.plus_s;
  }
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, decoded(each, now)]));
}

async function encoded(value) {
  if (value instanceof Map) {
    const entries = [];
    for (const [name, each] of value) entries.push([name, await encoded(each)]);
    return { $: "map", entries };
  }
  if (value instanceof ArrayBuffer) return { $: "bytes", base64: base64(value) };
  if (value instanceof ReadableStream) return { $: "stream", base64: base64(await new Response(value).arrayBuffer()) };
  if (Array.isArray(value)) return Promise.all(value.map(encoded));
  if (value === null || typeof value !== "object") return value ?? null;
  const members = {};
  for (const [name, each] of Object.entries(value)) {
    members[name === "cacheStatus" ? "cache_status" : name] = await encoded(each);
  }
  return members;
}

async function call(kv, [method, positional, chosen], now) {
  const options = Object.fromEntries(
    Object.entries(decoded(chosen, now)).map(([name, each]) => [OPTIONS[name] ?? name, each]));
  let [...given] = decoded(positional, now);
  const named = Object.keys(options).length > 0;
  if (named && method.startsWith("get") && given.length > 1) options.type = given.pop();
  return kv[METHODS[method] ?? method](...given, ...(named ? [options] : []));
}

export default {
  async fetch(request, env) {
    const { calls, now } = await request.json();
    try {
      let answer;
      for (const each of calls) answer = await encoded(await call(env.CACHE, each, now));
      return Response.json({ answer });
    } catch (error) {
      return Response.json({ error: [error.name, error.message] });
    }
  },
};
"""


async def test_every_recorded_call_is_answered_as_recorded(deploy: Deploy) -> None:
    deployed = await deploy(WORKER, profile=LOCAL)
    now_s = deployed.deployment.clock.now_ms() // 1000
    differing = []
    for row in RECORDED:
        await deployed.deployment.emulated().reset()
        answered = await answer(deployed, row["calls"], now_s)
        expected = settled({name: row[name] for name in ("answer", "error") if name in row}, now_s)
        if answered != expected:
            differing.append((row["calls"], expected, answered))
    assert not differing
    assert len(RECORDED) > 300


async def answer(deployed: Deployed, calls: Any, now_s: int) -> Any:
    """What the Worker answers."""
    return (await deployed.client.post("/", content=json.dumps({"calls": calls, "now": now_s}))).json()


def settled(value: Any, now_s: int) -> Any:
    """The recorded answer with times and repetitions written out."""
    if isinstance(value, list):
        return [settled(item, now_s) for item in value]
    if isinstance(value, str):
        return re.sub(r"\{now([+-]\d+)\}", lambda match: str(now_s + int(match[1])), value)
    if not isinstance(value, dict):
        return value
    match value:
        case {"$": "repeat", "text": text, "times": times}:
            return text * times
        case {"$": "now", "plus_s": plus_s}:
            return now_s + plus_s
    return {name: settled(item, now_s) for name, item in value.items()}
