// A miniflare that has just been loaded, over the emulator's KV: its exports with another `Miniflare`, which adds the
// further locations and tells the emulator where each is reached.
"use strict";

const { randomUUID } = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");

const { copyName, obstacle, withCopies } = require("./copies.cjs");
const { ENTRYPOINT, withDate } = require("./date.cjs");
const { namespaces, patch } = require("./kv.cjs");
const { connect, packageOf } = require("./reporting.cjs");

function over(exports, filename, folder) {
  const process = randomUUID(); // of several in one process each has a connection of its own
  const config = { ...read(folder), process };
  const say = connect(config.reports, process);
  const version = packageOf(filename)?.version ?? "of an unknown version";
  say({ event: "loaded", miniflare: version });
  const told = { bound: (places) => say({ event: "bound", places }), refused };
  // Never on with local KV, as if nothing were wrong. In a file as well: this process may end before it is heard.
  function refused(why) {
    const report = say({ event: "refused", miniflare: version, why });
    fs.writeFileSync(config.refused, report);
    throw new Error(`queue-emulator: miniflare ${version} is not supported: ${why}`);
  }
  if (typeof exports.Miniflare !== "function") refused("it has no class Miniflare");
  patch(exports.KV_PLUGIN ?? exports.PLUGINS?.kv, config, told);
  return withOurs(exports, ours(exports.Miniflare, config, version, say));
}

// This process starts the runtime by a miniflare that was not seen.
function missed(folder) {
  connect(read(folder).reports, randomUUID())({ event: "missed" });
}

function read(folder) {
  try {
    return JSON.parse(fs.readFileSync(path.join(folder, "preload.json"), "utf8"));
  } catch {
    throw new Error("queue-emulator: the emulator that started this process has ended; its KV is gone with it");
  }
}

function ours(Miniflare, config, version, say) {
  const several = config.locations.length > 1;
  const alone = (options) => (several ? obstacle(options, version) : undefined);
  const withUs = (options) => workersOf(options).some((each) => namespaces(each).size > 0);
  const copied = (options) => (several && !alone(options) ? withCopies(options, config.locations) : options);
  const dated = (options) => !config.realDate && obstacle(options, "4") === undefined;
  // The options that the runtime gets, and the names of the Workers that are told the time.
  function extended(options) {
    if (!withUs(options)) return { options, told: [] };
    const all = copied(options);
    return dated(options) ? withDate(all, version, config.sign) : { options: all, told: [] };
  }

  let made = 0;
  class Ours extends Miniflare {
    #instance = ++made;
    #disposed = false;

    constructor(options) {
      const given = extended(options);
      super(given.options);
      this.#tell(options, given.told);
    }

    async setOptions(options) {
      const given = extended(options);
      await super.setOptions(given.options);
      this.#tell(options, given.told);
    }

    async dispose() {
      this.#disposed = true;
      say({ event: "disposed", instance: this.#instance });
      await super.dispose();
    }

    // Wrangler's own proxies are Workers too: they have no KV, and nobody is told of them.
    async #tell(options, told) {
      if (!withUs(options)) return;
      try {
        const first = workersOf(options)[0];
        const urls = { [config.locations[0]]: String(await this.ready) };
        for (const location of alone(options) ? [] : config.locations.slice(1)) {
          urls[location] = String(await this.unsafeGetDirectURL(copyName(first, location)));
        }
        const clocks = [];
        for (const name of told) clocks.push(String(await this.unsafeGetDirectURL(name, ENTRYPOINT)));
        const cf = (await this.getCf?.()) ?? {};
        if (this.#disposed) return;
        const ready = { event: "ready", instance: this.#instance, miniflare: version, urls, cf, clocks };
        say({ ...ready, alone: alone(options) ?? null });
      } catch {} // it does not start, which the tool itself tells
    }
  }
  Object.defineProperty(Ours, "name", { value: Miniflare.name });
  return Ours;
}

const workersOf = (options) => options?.workers ?? [options];

// Exports are getters: a copy of them, with one in the place of another.
function withOurs(exports, Miniflare) {
  const all = Object.getOwnPropertyDescriptors(exports);
  all.Miniflare = { value: Miniflare, enumerable: true };
  return Object.create(Object.getPrototypeOf(exports), all);
}

module.exports = { missed, over };
