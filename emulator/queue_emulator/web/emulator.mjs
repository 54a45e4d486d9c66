// The emulator's controls for tests in JavaScript: in Node, in a Worker, in a browser of this machine. Types: emulator.d.mts
const PREFIX = "/cdn-cgi/emulator";

const given = globalThis.process?.env?.QUEUE_EMULATOR_URL ?? import.meta.env?.QUEUE_EMULATOR_URL;
let base = given ?? "http://127.0.0.1:8787";
let secret = globalThis.process?.env?.EMULATOR_CONTROL_TOKEN;

export function use(url, { token = secret } = {}) {
  base = String(url).replace(/\/+$/, "");
  secret = token;
}

export function at(location, { at = {}, id = {} } = {}) {
  const url = new URL(`${base}${PREFIX}/kv/${encodeURIComponent(location)}`);
  for (const [binding, elsewhere] of Object.entries(at)) url.searchParams.set(`at.${binding}`, elsewhere);
  for (const [binding, namespace] of Object.entries(id)) url.searchParams.set(`id.${binding}`, namespace);
  return url;
}

export const clock = (change) => (change === undefined ? ask("GET", "clock") : ask("POST", "clock", change));
export const advance = (seconds) => clock({ advance_s: seconds });
export const reset = () => ask("POST", "reset");
export const status = () => ask("GET", "status");

export const faults = {
  add: (rule) => ask("POST", "faults", rule),
  list: async () => (await ask("GET", "faults")).rules,
  remove: (id) => ask("DELETE", `faults/${id}`),
  clear: () => ask("DELETE", "faults"),
};

export async function journal({ after = 0 } = {}) {
  const lines = (await send("GET", `journal?after=${after}`)).split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line));
}

const METHODS = ["get", "getWithMetadata", "put", "delete", "list"];
const followed = new WeakSet();

// All namespaces of a Worker are of one class: its methods are wrapped, so that the Worker's own calls follow too.
export function follow(namespace, vi) {
  const methods = Object.getPrototypeOf(namespace);
  if (followed.has(methods)) return;
  followed.add(methods);
  let last;
  const keepUp = async () => {
    const now = vi.isFakeTimers() ? Date.now() : undefined;
    if (now === last) return;
    last = now;
    await clock(now === undefined ? { set: vi.getRealSystemTime(), freeze: false } : { set: now, freeze: true });
  };
  for (const name of METHODS) {
    const method = methods[name];
    methods[name] = async function (...args) {
      await keepUp();
      return method.apply(this, args);
    };
  }
}

async function ask(method, control, body) {
  return JSON.parse(await send(method, control, body));
}

async function send(method, control, body) {
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const headers = secret ? { Authorization: `Bearer ${secret}` } : {};
  const answer = await fetch(`${base}${PREFIX}/${control}`, { method, headers, ...sent });
  const text = new TextDecoder().decode(await answer.arrayBuffer()); // NDJSON is no text to a Worker's runtime
  if (!answer.ok) throw new Error(`queue-emulator: ${said(text) ?? `${answer.status} ${answer.statusText}`}`);
  return text;
}

function said(text) {
  try {
    return JSON.parse(text).error;
  } catch {
    return undefined;
  }
}
