// Runs the Worker on miniflare with a KV of its own that is kept in a folder; `side` adds a second Worker over the
// same KV, on a port of its own. Prints one line, {"url": ..., "side": ...}, and ends when its input does.
// Usage: node driver.mjs MINIFLARE_DIR '{"worker": ..., "side": null, "bindings": {...}, "folder": ...}'
import { createRequire } from "node:module";
import path from "node:path";

const { Log, LogLevel, Miniflare } = createRequire(path.join(process.argv[2], "/"))("miniflare");
const { worker, side, bindings, folder } = JSON.parse(process.argv[3]);

const deployed = (name, scriptPath, more) => ({
  name,
  modules: true,
  scriptPath,
  modulesRoot: path.dirname(scriptPath),
  compatibilityDate: "2026-01-01", // as in the Worker's wrangler.jsonc
  kvNamespaces: { CACHE: "bench" },
  bindings,
  ...more,
});

const miniflare = new Miniflare({
  workers: [
    deployed("queue", worker),
    ...(side ? [deployed("side", side, { unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }] })] : []),
  ],
  kvPersist: folder,
  host: "127.0.0.1",
  port: 0,
  log: new Log(LogLevel.NONE),
});

const url = (await miniflare.ready).origin;
const sideUrl = side ? (await miniflare.unsafeGetDirectURL("side")).origin : null;
process.stdout.write(`${JSON.stringify({ url, side: sideUrl })}\n`);
for await (const _ of process.stdin);
await miniflare.dispose();
