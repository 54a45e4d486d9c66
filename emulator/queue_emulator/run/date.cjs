// A Worker's Date shows the emulator's clock: code in front of the first line of its main module, as the tool has built
// it, and a socket of its own by which the Worker is told the time. The user's files stay as they are.
"use strict";

const fs = require("node:fs");
const path = require("node:path");

const { namespaces } = require("./kv.cjs");

const ENTRYPOINT = "queueEmulatorClock";
const SOCKET = { host: "127.0.0.1", port: 0, entrypoint: ENTRYPOINT };
const OLDEST = 4; // older ones have no socket for an entrypoint

// The options with the code in their Workers, and the names of those Workers. Only the sender knows `sign`.
function withDate(options, version, sign) {
  const told = [];
  if (Number.parseInt(version, 10) < OLDEST) return { options, told };
  const workers = (options.workers ?? [options]).map((worker) => {
    const changed = namespaces(worker).size > 0 ? (worker.config ? inFive : inFour)(worker, prefix(sign)) : undefined;
    if (changed) told.push(worker.config?.name ?? worker.name);
    return changed ?? worker;
  });
  return { options: options.workers ? { ...options, workers } : workers[0], told };
}

// miniflare 5: modules by name, and which of them is the main one.
function inFive(worker, code) {
  const { manifest } = worker.config;
  const main = manifest?.modules?.[manifest.mainModule];
  const contents = main?.type === "esm" ? text(main.contents) : undefined;
  if (contents === undefined) return undefined;
  const modules = { ...manifest.modules, [manifest.mainModule]: { ...main, contents: code + contents } };
  const sockets = [...(worker.dev?.unsafeDirectSockets ?? []), SOCKET];
  const config = { ...worker.config, manifest: { ...manifest, modules } };
  return { ...worker, config, dev: { ...worker.dev, unsafeDirectSockets: sockets } };
}

// miniflare 4: a list of modules, the main one first.
function inFour(worker, code) {
  const [main, ...others] = Array.isArray(worker.modules) ? worker.modules : [];
  const contents = main?.type === "ESModule" ? text(main.contents) : undefined;
  if (contents === undefined) return undefined;
  const sockets = [...(worker.unsafeDirectSockets ?? []), SOCKET];
  return { ...worker, modules: [{ ...main, contents: code + contents }, ...others], unsafeDirectSockets: sockets };
}

const text = (contents) => (contents instanceof Uint8Array ? Buffer.from(contents).toString() : contents);

// In one line, so that all others keep their numbers.
function prefix(sign) {
  const lines = fs.readFileSync(path.join(__dirname, "..", "workerd", "date.js"), "utf8").split("\n");
  const date = lines.map((line) => line.trim()).filter((line) => !line.startsWith("//"));
  return (
    `export const ${ENTRYPOINT} = ((setDate, sign) => ({ fetch({ headers }) { ` +
    `const told = headers.get("X-Emulator-Clock") ?? ""; if (!told.startsWith(sign)) return new Response(null, { status: 403 }); ` +
    `setDate(told.slice(sign.length)); return new Response(null, { status: 204 }); } }))(${date.join(" ")}, ${JSON.stringify(sign)}); `
  );
}

module.exports = { ENTRYPOINT, withDate };
