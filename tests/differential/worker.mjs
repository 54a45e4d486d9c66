// Inside workerd: does operations on a KV binding, one after another, and tells what came of each.
//
// In:  {namespace, at_ms, cursor, operations: [{method, arguments}], last}; after the last ones the namespace is emptied
// Out: {cursor, answers: [{at_ms, value} | {at_ms, error: [name, message]}]}
// Arguments and values are JSON; what JSON lacks is {"$": kind, ...}: see `given` and `described`.

const LONG_UNITS = 16384; // a longer text or buffer is told by its length and digest

export default {
  async fetch(request, env) {
    const task = await request.json();
    const kv = env[task.namespace];
    const told = await carryOut(kv, task);
    if (task.last) await empty(kv);
    return Response.json(told);
  },
};

async function carryOut(kv, { at_ms, cursor, operations }) {
  const answers = [];
  for (const operation of operations) {
    const answer = await withinOneSecond(kv, operation, at_ms, cursor);
    cursor = answer.cursor ?? cursor;
    answers.push(answer);
  }
  return { cursor, answers };
}

// On the real clock a put with options is repeated until no second has begun meanwhile: its answer depends on the second.
async function withinOneSecond(kv, operation, atMs, cursor) {
  const depends = atMs === null && operation.method === "put" && operation.arguments.length > 2;
  for (;;) {
    const startedMs = atMs ?? Date.now();
    const answer = await answered(kv, operation, startedMs, cursor);
    if (!depends || second(Date.now()) === second(startedMs)) return { at_ms: startedMs, ...answer };
  }
}

async function answered(kv, operation, nowMs, cursor) {
  const values = operation.arguments.map((argument) => given(argument, nowMs, cursor));
  try {
    const value = await kv[operation.method](...values);
    return { value: await result(operation.method, value), cursor: operation.method === "list" ? value.cursor : undefined };
  } catch (error) {
    return { error: [error.name, error.message] };
  }
}

async function empty(kv) {
  for (;;) {
    const { keys } = await kv.list();
    if (keys.length === 0) return;
    for (const { name } of keys) await kv.delete(name);
  }
}

function given(argument, nowMs, cursor) {
  if (argument === null || typeof argument !== "object") return argument;
  if (Array.isArray(argument)) return argument.map((item) => given(item, nowMs, cursor));
  switch (argument.$) {
    case "undefined":
      return undefined;
    case "number":
      return Number(argument.text);
    case "object":
      return members(argument.members.map(([name, value]) => [name, given(value, nowMs, cursor)]));
    case "seconds":
      return second(nowMs) + argument.after_now;
    case "last cursor":
      return cursor ?? undefined;
    case "repeat":
      return argument.text.repeat(argument.times);
    case "ArrayBuffer":
      return bytes(argument).buffer;
    case "Uint8Array":
      return bytes(argument);
    case "DataView":
      return new DataView(bytes(argument).buffer);
    case "ReadableStream":
      return stream(bytes(argument));
  }
  throw new Error(`unknown argument ${JSON.stringify(argument)}`);
}

// As object literals and JSON.parse make them: "__proto__" is a member like any other.
function members(entries) {
  const made = {};
  for (const [name, value] of entries) {
    Object.defineProperty(made, name, { value, enumerable: true, writable: true, configurable: true });
  }
  return made;
}

function stream(content) {
  const { readable, writable } = new FixedLengthStream(content.length);
  const writer = writable.getWriter();
  writer.write(content).catch(() => {});
  writer.close().catch(() => {});
  return readable;
}

async function result(method, value) {
  if (method === "list") return { $: "list", text: JSON.stringify(value) };
  const withMetadata = method === "getWithMetadata";
  if (!(value instanceof Map)) return withMetadata ? record(value) : described(value);
  const entries = [];
  for (const [name, found] of value) {
    entries.push([name, withMetadata && found !== null ? await record(found) : await described(found)]);
  }
  return { $: "map", entries };
}

async function record(value) {
  const described_ = [];
  for (const [name, member] of Object.entries(value)) described_.push([name, await described(member)]);
  return { $: "record", members: described_ };
}

async function described(value) {
  if (value === undefined) return { $: "undefined" };
  if (value === null) return null;
  if (typeof value === "string") {
    return value.length > LONG_UNITS ? long("text", value.length, new TextEncoder().encode(value)) : value;
  }
  if (value instanceof ArrayBuffer) return buffer("bytes", value);
  if (value instanceof ReadableStream) return buffer("stream", await new Response(value).arrayBuffer());
  try {
    return { $: "json", text: json(value) };
  } catch (error) {
    if (error instanceof RangeError) return { $: "deep json" }; // read, and too deep to be written
    throw error;
  }
}

// JSON, and Infinity in it as it is: JSON.parse gives it for 1e400.
function json(value) {
  const marked = JSON.stringify(value, (_, member) => (infinite(member) ? `\0${member}\0` : member));
  return marked.replaceAll(/"\\u0000(-?Infinity)\\u0000"/g, "$1");
}

function infinite(value) {
  return typeof value === "number" && !Number.isFinite(value);
}

async function buffer(kind, content) {
  if (content.byteLength > LONG_UNITS) return long(kind, content.byteLength, content);
  return { $: kind, base64: btoa(String.fromCharCode(...new Uint8Array(content))) };
}

async function long(kind, units, content) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return { $: `long ${kind}`, units, sha256: [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("") };
}

function bytes({ base64 }) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

function second(atMs) {
  return Math.floor(atMs / 1000);
}
