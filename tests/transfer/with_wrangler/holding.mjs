// A miniflare that holds a namespace of wrangler's local state, as `wrangler dev` does, until its input ends.
// Each line of input is a key and a value that its Worker puts.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [, , modules, persistTo, namespace] = process.argv;
const { Miniflare } = createRequire(`${modules}/`)("miniflare");

const script = `export default {
  async fetch(request, env) {
    const [key, value] = await request.json();
    await env.CACHE.put(key, value);
    return new Response("put");
  },
};`;
const miniflare = new Miniflare({
  modules: true,
  script,
  kvNamespaces: { CACHE: namespace },
  kvPersist: `${persistTo}/v3/kv`,
});
await miniflare.ready;
console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  const response = await miniflare.dispatchFetch("http://worker/", { method: "POST", body: line });
  console.log(await response.text());
}
await miniflare.dispose();
