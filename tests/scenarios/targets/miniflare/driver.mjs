// Runs a Worker on miniflare with its own KV, told by one JSON object a line and answering with one.
//   {"start": {"WORKER_VERSION": "new", ...}}     the variables; KV is empty  -> {"url": "http://127.0.0.1:..."}
//   {"seed": [{"key": ..., "value": ...}, ...]}   as for a bulk put           -> {}
// Usage: node driver.mjs WORKER MINIFLARE_DIR. Ends when its input does.
import { createRequire } from "node:module";
import path from "node:path";
import readline from "node:readline";

const [scriptPath, folder] = process.argv.slice(2);
const { Log, LogLevel, Miniflare } = createRequire(path.join(folder, "/"))("miniflare");
const DELETED_MAX = 50; // deleting more takes longer than deploying again
const AT_ONCE = 50;

let miniflare = null;
let deployed = "";
let namespaces = 0;

const actions = {
  async start(bindings) {
    if (deployed !== JSON.stringify(bindings) || !(await clear())) await deploy(bindings);
    return { url: (await miniflare.ready).origin };
  },

  async seed(entries) {
    const cache = await miniflare.getKVNamespace("CACHE");
    const put = ({ key, value, base64, expiration_ttl: expirationTtl, metadata }) =>
      cache.put(key, base64 ? Buffer.from(value, "base64") : value, { expirationTtl, metadata });
    for (let from = 0; from < entries.length; from += AT_ONCE) {
      await Promise.all(entries.slice(from, from + AT_ONCE).map(put));
    }
    return {};
  },
};

async function clear() {
  const cache = await miniflare.getKVNamespace("CACHE");
  const { keys } = await cache.list();
  if (keys.length > DELETED_MAX) return false;
  await Promise.all(keys.map(({ name }) => cache.delete(name)));
  return true;
}

async function deploy(bindings) {
  namespaces += 1;
  const options = {
    modules: true,
    scriptPath,
    modulesRoot: path.dirname(scriptPath),
    compatibilityDate: "2026-01-01", // as in its wrangler.jsonc
    kvNamespaces: { CACHE: `namespace-${namespaces}` },
    bindings,
    host: "127.0.0.1",
    port: 0,
    log: new Log(LogLevel.NONE),
  };
  if (miniflare) await miniflare.setOptions(options);
  else miniflare = new Miniflare(options);
  deployed = JSON.stringify(bindings);
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const [[action, argument]] = Object.entries(JSON.parse(line));
  const answer = await actions[action](argument).catch((error) => ({ error: String(error?.stack ?? error) }));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await miniflare?.dispose();
