// Runs the suites that take a binding, in a Worker. GET /?suite=S names its cases; GET /?suite=S&case=N runs one.
import cloudflareKVBinding from "unstorage/drivers/cloudflare-kv-binding";
import { assets } from "./assets.mjs";
import { failure } from "./collected.mjs";
import { keyv } from "./keyv.mjs";
import { unstorage } from "./unstorage.mjs";

export default {
  async fetch(request, env, ctx) {
    const suites = {
      "keyv-binding": keyv(env.PEERS),
      "unstorage-binding": unstorage((options) => cloudflareKVBinding({ binding: env.PEERS, ...options }), remaining(env.PEERS)),
      "asset-handler": assets(env.PEERS, ctx),
    };
    const asked = new URL(request.url).searchParams;
    const cases = suites[asked.get("suite")];
    if (!asked.has("case")) return Response.json([...cases.keys()]);
    return Response.json({ why: await failure(cases.get(asked.get("case"))) });
  },
};

function remaining(kv) {
  return async (key) => (await kv.list({ prefix: key })).keys[0].expiration - Date.now() / 1000;
}
