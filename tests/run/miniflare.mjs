// A Miniflare of version 4, configured in code: `node miniflare.mjs CONNECTION_STRING` prints what its Worker saw.
import { Miniflare } from "miniflare";

const script = `export default {
  async fetch(request, env) {
    const seen = {};
    const note = async (name, operate) => {
      try { seen[name] = (await operate()) ?? null; } catch (error) { seen[name] = error.message; }
    };
    await note("absent in Tokyo", () => env.TOKYO.get("key é/?"));
    await note("put", () => env.CACHE.put("key é/?", "value", { metadata: { who: "né" } }));
    await note("found", async () => (await env.CACHE.getWithMetadata("key é/?")).metadata.who);
    await note("late in Tokyo", () => env.TOKYO.get("key é/?"));
    await note("too often", () => env.CACHE.put("key é/?", "value"));
    await note("too short", () => env.CACHE.put("other", "value", { expirationTtl: 5 }));
    await note("many", async () => Object.fromEntries(await env.CACHE.get(["key é/?", "none"])));
    await note("listed", async () => (await env.CACHE.list()).keys.map(({ name }) => name));
    return Response.json(seen);
  },
};`;
const remoteProxyConnectionString = new URL(process.argv[2]);
const kvNamespaces = Object.fromEntries(["CACHE", "TOKYO"].map((id) => [id, { id, remoteProxyConnectionString }]));
const workers = [{ name: "worker", modules: true, script, compatibilityDate: "2025-06-01", kvNamespaces }];
const miniflare = new Miniflare({ workers });
console.log(await (await miniflare.dispatchFetch("http://worker/")).text());
await miniflare.dispose();
