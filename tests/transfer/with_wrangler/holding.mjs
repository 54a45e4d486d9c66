// Holds namespaces of wrangler's local state open, as `wrangler dev` does, until its input ends.
// Each line of input is [binding, method, ...arguments]; a line of output is the answer, as JSON.
// Usage: node holding.mjs WRANGLER_MODULES CONFIG STATE

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [, , modules, configPath, persistTo] = process.argv;
const { getPlatformProxy } = createRequire(`${modules}/`)("wrangler");

const { env, dispose } = await getPlatformProxy({
  configPath,
  persist: { path: `${persistTo}/v3` },
  remoteBindings: false,
});
console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  const [binding, method, ...given] = JSON.parse(line);
  console.log(JSON.stringify((await env[binding][method](...given)) ?? null));
}
await dispose();
