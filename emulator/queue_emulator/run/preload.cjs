// Loaded into every Node process below `queue-emulator run` (NODE_OPTIONS --require). Where a process loads miniflare,
// the KV bindings of its Workers lead to the emulator. Without miniflare, nothing here is done.
"use strict";

const MINIFLARE = /[\\/]miniflare[\\/]dist[\\/]src[\\/]index\.js$/;

const folder = process.env.QUEUE_EMULATOR_RUN;
if (folder) {
  // Both `require` and `import` come this way: miniflare is CommonJS. https://nodejs.org/api/modules.html
  const Module = require("node:module");
  const load = Module._extensions[".js"];
  Module._extensions[".js"] = function (module, filename) {
    load.apply(this, arguments);
    if (MINIFLARE.test(filename)) {
      module.exports = require("./miniflare.cjs").over(module.exports, filename, folder);
    }
  };
}
