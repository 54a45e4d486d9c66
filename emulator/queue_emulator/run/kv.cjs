// miniflare's KV plugin, changed in place: where it would bind its own local KV, it binds a service that is the
// emulator. The plugin's two functions are the same in every miniflare from 3 to 5.
"use strict";

const DONE = Symbol.for("queue-emulator.kv");
const SITES = /^__STATIC_CONTENT/; // Workers Sites: files of the project, not a namespace
const TAG = /^queue-emulator@([^:]*):([^]*)$/;

// A binding's namespace id, marked with the location of a Worker's copy.
const tagged = (location, id) => `queue-emulator@${location}:${id}`;

// Binding name -> namespace id of one Worker: miniflare 5 has `config.env`, 3 and 4 have `kvNamespaces`.
function namespaces(worker) {
  const found = new Map();
  for (const [name, each] of Object.entries(worker?.config?.env ?? {})) {
    if (each?.type === "kv") found.set(name, each.id ?? name);
  }
  const listed = worker?.kvNamespaces ?? [];
  for (const [name, each] of Array.isArray(listed) ? listed.map((one) => [one, one]) : Object.entries(listed)) {
    found.set(name, typeof each === "string" ? each : (each.id ?? name));
  }
  return found;
}

// Changes the plugin. `told.bound` hears of each Worker's bindings, `told.refused` of a plugin that is not as it is
// known, and throws.
function patch(plugin, config, told) {
  if (typeof plugin?.getBindings !== "function" || typeof plugin.getServices !== "function") {
    told.refused("it has no KV plugin of a known kind");
  }
  if (plugin[DONE]) return;
  plugin[DONE] = true;
  const { getBindings, getServices } = plugin;
  plugin.getBindings = async function (options, ...rest) {
    const places = placesOf(options, config);
    const bindings = (await getBindings.call(this, options, ...rest)) ?? [];
    const different = differently(bindings, places);
    if (different !== undefined) told.refused(`it binds the KV namespace ${different} in a way that is not known here`);
    told.bound([...places.values()]);
    return bindings.map((each) => {
      const place = places.get(each.name);
      return place ? { name: each.name, kvNamespace: { name: serviceName(place) } } : each;
    });
  };
  plugin.getServices = async function (given, ...rest) {
    const answer = await getServices.call(this, given, ...rest);
    const ours = [...placesOf(given.options, config).values()].map((place) => service(place, config));
    if (ours.length === 0) return answer;
    if (answer && !Array.isArray(answer)) return { ...answer, services: [...answer.services, ...ours] };
    return [...(answer ?? []), ...ours];
  };
}

// Binding name -> where it reads and writes: `--at` first, then the location of the Worker's copy.
function placesOf(options, config) {
  const places = new Map();
  for (const [binding, id] of namespaces(options)) {
    const [, copy, own] = TAG.exec(id) ?? [undefined, undefined, id];
    places.set(binding, { binding, namespace: own, location: config.at[binding] ?? copy ?? config.locations[0] });
  }
  return places;
}

// The name of a binding that only the plugin or only we take for a KV namespace.
function differently(bindings, places) {
  const local = bindings.filter((each) => each.kvNamespace && !SITES.test(each.name)).map((each) => each.name);
  return [...places.keys()].find((name) => !local.includes(name)) ?? local.find((name) => !places.has(name));
}

const serviceName = ({ namespace, location }) => `queue-emulator:kv:${location}:${namespace}`;

function service(place, config) {
  // What the headers say is fixed here: a Worker cannot set them.
  const headers = {
    "X-Emulator-Location": place.location,
    "X-Emulator-Namespace": encodeURIComponent(place.namespace),
    "X-Emulator-Process": config.process,
  };
  const injectRequestHeaders = Object.entries(headers).map(([name, value]) => ({ name, value }));
  return { name: serviceName(place), external: { address: config.kv, http: { injectRequestHeaders } } };
}

module.exports = { namespaces, patch, tagged };
