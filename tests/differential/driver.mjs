// Runs miniflare with worker.mjs and speaks JSON lines: a script in, its answers out. Ends when its input does.
//
// In:  {moves: false, steps: [{method, arguments}, ...]}            on the real clock, with the real limits
//      {moves: true, steps: [{at_ms}, {method, arguments}, ...]}    {at_ms} sets the clock
// Out: {answers} as worker.mjs gives them, for the operations alone; first of all one line {version}.
//
// The clock is moved by the means that miniflare has for its own tests (its `Timers.enableFakeTimers`). A namespace that
// was touched that way takes values, and bulk answers, of no more than 1,024 bytes: hence one namespace of each kind.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import readline from "node:readline";
import { fileURLToPath } from "node:url";

const require = createRequire(path.join(path.resolve(process.argv[2]), "package.json"));
// Version 5 has other options, and a function that makes them of those of version 4.
const { Miniflare, _enableControlEndpoints, convertV4MiniflareOptions = (options) => options } = require("miniflare");
const here = path.dirname(fileURLToPath(import.meta.url));

_enableControlEndpoints();
const options = {
  modules: true,
  script: readFileSync(path.join(here, "worker.mjs"), "utf8"),
  compatibilityDate: "2026-07-30",
  kvNamespaces: ["REAL", "MOVED"],
};
const miniflare = new Miniflare(convertV4MiniflareOptions(options));
const url = await miniflare.ready;
const objects = await miniflare._getInternalDurableObjectNamespace("kv", "kv:ns", "KVNamespaceObject");
const moved = objects.get(objects.idFromName("MOVED"));

tell({ version: require("miniflare/package.json").version });
for await (const line of readline.createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  tell({ answers: await answers(JSON.parse(line)) });
}
await miniflare.dispose();

async function answers({ moves, steps }) {
  const namespace = moves ? "MOVED" : "REAL";
  const all = [];
  let cursor = null;
  const parts = segments(steps);
  for (const { at_ms, operations } of parts) {
    if (at_ms !== null) await control("enableFakeTimers", at_ms);
    const last = operations === parts.at(-1).operations;
    const part = await ask({ namespace, at_ms, cursor, operations, last });
    all.push(...part.answers);
    cursor = part.cursor;
  }
  return all;
}

// Operations between two moves of the clock go to the Worker together.
function segments(steps) {
  const parts = [{ at_ms: null, operations: [] }];
  for (const step of steps) {
    if ("at_ms" in step) parts.push({ at_ms: step.at_ms, operations: [] });
    else parts.at(-1).operations.push(step);
  }
  return parts.filter(({ operations }) => operations.length > 0);
}

async function ask(task) {
  const response = await fetch(url, { method: "POST", body: JSON.stringify(task) });
  if (!response.ok) throw new Error(await response.text());
  return response.json();
}

async function control(name, ...args) {
  const response = await moved.fetch("http://miniflare/", { cf: { miniflare: { controlOp: { name, args } } } });
  if (!response.ok) throw new Error(await response.text());
}

function tell(message) {
  process.stdout.write(JSON.stringify(message) + "\n");
}
