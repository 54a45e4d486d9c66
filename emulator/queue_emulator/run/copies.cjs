// Further locations: a copy of the Worker for each, in the same workerd, over KV as it is seen there.
// Durable Objects, queues and crons are those of the first location: there is one of each in production too.
"use strict";

const { namespaces, tagged } = require("./kv.cjs");

const VITE = "__VITE_INVOKE_MODULE__"; // bound to a Worker whose code Vite brings in piece by piece
const VITEST = /^vitest-(plugin|pool-workers)-runner-/;
const PROGRAM_CHARACTERS_MAX = 120; // getPlatformProxy's Worker has nothing to do but to have bindings
const SOCKET = { host: "127.0.0.1", port: 0 };

const nameOf = (worker) => worker.config?.name ?? worker.name;
const copyName = (worker, location) => `${nameOf(worker) ?? ""}@${location}`;

// Why this tool's Workers are at one location; undefined if they can be copied.
function obstacle(options, version) {
  if (Number.parseInt(version, 10) < 4) return `miniflare ${version} has one location`;
  const workers = options.workers ?? [options];
  if (workers.some((each) => VITEST.test(nameOf(each) ?? ""))) return "Vitest has one location";
  if (workers.some((each) => VITE in { ...each.config?.env, ...each.serviceBindings })) return "Vite has one location";
  if (codeCharacters(workers[0]) < PROGRAM_CHARACTERS_MAX) return "getPlatformProxy has one location";
  return undefined;
}

// How long a Worker's code is, if it is among the options.
function codeCharacters(worker) {
  const listed = Object.values(worker.config?.manifest?.modules ?? (Array.isArray(worker.modules) ? worker.modules : {}));
  const texts = listed.length > 0 ? listed.map((each) => each.contents) : [worker.script];
  return texts.every((each) => typeof each === "string") ? texts.join("").length : Infinity;
}

// The options with the copies added to their Workers. Options without `workers` are one Worker's and the whole's at once.
function withCopies(options, locations) {
  const given = options.workers ?? [options];
  const copied = given.filter((worker, index) => index === 0 || namespaces(worker).size > 0);
  const copies = locations.slice(1).flatMap((location) => copied.map((worker) => copy(worker, location, copied)));
  return { ...options, workers: [...given, ...copies] };
}

function copy(worker, location, copied) {
  const names = new Set(copied.map(nameOf));
  const here = (name) => (names.has(name) ? `${name}@${location}` : name);
  return worker.config ? copyOfFive(worker, location, here) : copyOfFour(worker, location, here);
}

// miniflare 5: one `config`, whose bindings have types.
function copyOfFive(worker, location, here) {
  const change = {
    kv: (each, name) => ({ ...each, id: tagged(location, each.id ?? name) }),
    worker: (each) => ({ ...each, worker: here(each.worker) }),
  };
  const env = mapped(worker.config.env, (each, name) => change[each?.type]?.(each, name) ?? each);
  const config = { ...worker.config, name: copyName(worker, location), env, exports: {}, triggers: [] };
  const dev = { ...worker.dev, unsafeRegisterWorker: false, unsafeDirectSockets: [SOCKET] };
  return { ...worker, config, dev };
}

// miniflare 4: an option for each kind of binding.
function copyOfFour(worker, location, here) {
  const objects = mapped(worker.durableObjects, (each) => ({
    ...(typeof each === "string" ? { className: each } : each),
    scriptName: each.scriptName ?? worker.name,
  }));
  const services = mapped(worker.serviceBindings, (each) => {
    if (typeof each === "string") return here(each);
    return typeof each?.name === "string" ? { ...each, name: here(each.name) } : each;
  });
  return {
    ...worker,
    name: copyName(worker, location),
    kvNamespaces: Object.fromEntries([...namespaces(worker)].map(([name, id]) => [name, tagged(location, id)])),
    durableObjects: objects,
    serviceBindings: services,
    additionalUnboundDurableObjects: undefined,
    queueConsumers: undefined,
    routes: undefined,
    unsafeDirectSockets: [SOCKET],
  };
}

const mapped = (members, change) =>
  members && Object.fromEntries(Object.entries(members).map(([name, each]) => [name, change(each, name)]));

module.exports = { copyName, obstacle, withCopies };
