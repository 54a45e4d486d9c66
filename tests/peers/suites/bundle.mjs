// Puts in_worker.mjs and what it imports into one module: `bundle.mjs FOLDER_WITH_ESBUILD INTO`. The packages are where
// this folder was copied to.
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const { buildSync } = createRequire(path.join(path.resolve(process.argv[2]), "package.json"))("esbuild");
buildSync({
  entryPoints: [fileURLToPath(new URL("in_worker.mjs", import.meta.url))],
  bundle: true,
  format: "esm",
  platform: "neutral",
  mainFields: ["module", "main"],
  conditions: ["workerd", "worker", "import"],
  alias: { buffer: "node:buffer" }, // as wrangler has it
  external: ["node:*"],
  outfile: process.argv[3],
  logLevel: "warning",
});
