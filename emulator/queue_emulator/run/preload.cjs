// Loaded into every Node process below `queue-emulator run` (NODE_OPTIONS --require). Where a process loads miniflare,
// the KV bindings of its Workers lead to the emulator. Without miniflare, nothing here is done.
"use strict";

const MINIFLARE = /[\\/]miniflare[\\/]dist[\\/]src[\\/]index\.js$/;

const WORKERD = /(^|[\\/])workerd(\.exe)?$/;

const folder = process.env.QUEUE_EMULATOR_RUN;
if (folder) {
  let found = false;

  // Both `require` and `import` come this way: miniflare is CommonJS. https://nodejs.org/api/modules.html
  // Hooks of `module.registerHooks` would see more, but beside loaders of `module.register`, such as tsx, Node 22 fails.
  const Module = require("node:module");
  const load = Module._extensions[".js"];
  Module._extensions[".js"] = function (module, filename) {
    load.apply(this, arguments);
    if (MINIFLARE.test(filename)) {
      found = true;
      module.exports = require("./miniflare.cjs").over(module.exports, filename, folder);
    }
  };

  // A runtime that starts without it: its KV is not the emulator's, and somebody must be told.
  const processes = require("node:child_process");
  const { spawn } = processes;
  processes.spawn = function (command, words) {
    if (!found && WORKERD.test(command) && Array.isArray(words) && words[0] === "serve") {
      found = true;
      require("./miniflare.cjs").missed(folder);
    }
    return spawn.apply(this, arguments);
  };
  Module.syncBuiltinESMExports();
}
