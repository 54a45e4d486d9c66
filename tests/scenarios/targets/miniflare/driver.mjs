// Runs a Worker on miniflare with its own KV, told by one JSON object a line and answering with one.
//   {"workers": [{"WORKER_VERSION": "new", ...}, ...]}   first of all: every deployment by its variables   -> {}
//   {"start": {"WORKER_VERSION": "new", ...}}            one of them; KV is empty  -> {"url": "http://127.0.0.1:..."}
//   {"seed": [{"key": ..., "value": ...}, ...]}          as for a bulk put                                 -> {}
// Usage: node driver.mjs WORKER MINIFLARE_DIR. Ends when its input does.
import { createRequire } from "node:module";
import path from "node:path";
import readline from "node:readline";

const [scriptPath, folder] = process.argv.slice(2);
const { Log, LogLevel, Miniflare } = createRequire(path.join(folder, "/"))("miniflare");
// Fills and empties the KV from inside the runtime: miniflare's way from Node takes several times as long.
const STORE = `
  const AT_ONCE = 6; // as many as one invocation may have under way
  const each = async (items, go) => {
    const left = [...items].reverse();
    await Promise.all(Array.from({ length: AT_ONCE }, async () => { while (left.length) await go(left.pop()); }));
  };
  const bytes = (text) => Uint8Array.from(atob(text), (unit) => unit.charCodeAt(0));
  export default {
    async fetch(request, { CACHE }) {
      if (request.method === "PUT") {
        await each(await request.json(), ({ key, value, base64, expiration_ttl: expirationTtl, metadata }) =>
          CACHE.put(key, base64 ? bytes(value) : value, { expirationTtl, metadata }));
        return new Response();
      }
      for (;;) {
        const { keys, list_complete } = await CACHE.list();
        await each(keys, ({ name }) => CACHE.delete(name));
        if (list_complete) return new Response();
      }
    },
  };`;

let miniflare = null;
let names = {};

const actions = {
  async workers(every) {
    names = Object.fromEntries(every.map((bindings, number) => [JSON.stringify(bindings), `worker-${number}`]));
    const compatibilityDate = "2026-01-01"; // as in its wrangler.jsonc
    const shared = { modules: true, compatibilityDate, kvNamespaces: { CACHE: "cache" } };
    const sockets = [{ host: "127.0.0.1", port: 0 }]; // each Worker has an address of its own
    const own = { ...shared, scriptPath, modulesRoot: path.dirname(scriptPath), unsafeDirectSockets: sockets };
    miniflare = new Miniflare({
      host: "127.0.0.1",
      port: 0,
      log: new Log(LogLevel.NONE),
      workers: [
        { ...shared, name: "store", script: STORE },
        ...every.map((bindings) => ({ ...own, name: names[JSON.stringify(bindings)], bindings })),
      ],
    });
    await miniflare.ready;
    return {};
  },

  async start(bindings) {
    await store("DELETE");
    return { url: (await miniflare.unsafeGetDirectURL(names[JSON.stringify(bindings)])).origin };
  },

  async seed(entries) {
    await store("PUT", JSON.stringify(entries));
    return {};
  },
};

async function store(method, body) {
  const worker = await miniflare.getWorker("store");
  const answer = await worker.fetch("http://store", { method, body });
  if (!answer.ok) throw new Error(await answer.text());
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const [[action, argument]] = Object.entries(JSON.parse(line));
  const answer = await actions[action](argument).catch((error) => ({ error: String(error?.stack ?? error) }));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await miniflare?.dispose();
