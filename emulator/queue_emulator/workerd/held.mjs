// Timers that ask us before they ring, and chance that is the same in each run. Import this before a Worker's modules.
// A timer is a request for TIMER that is answered when it is time: so nothing rings that was not let go.
const TIMER = "http://timer.emulator.invalid/";
const ask = globalThis.fetch;
const soon = globalThis.setTimeout;
const waiting = new Set();
let timers = 0;
let state = 0;
let drawn = false;

/** Returns when what can happen now has. */
export function idle() {
  return new Promise((resolve) => soon(resolve, 0));
}

/** A request begins: what it draws follows from this number. */
export function draw(seed) {
  state = seed >>> 0;
  drawn = false;
}

/** Whether anything was drawn since this was asked before. */
export function drew() {
  const since = drawn;
  drawn = false;
  return since;
}

function later(call, ms, ...given) {
  const id = ++timers;
  waiting.add(id);
  ring(id, ms, () => {
    waiting.delete(id);
    call(...given);
  });
  return id;
}

function again(call, ms, ...given) {
  const id = ++timers;
  waiting.add(id);
  const once = () => {
    call(...given);
    if (waiting.has(id)) ring(id, ms, once);
  };
  ring(id, ms, once);
  return id;
}

function ring(id, ms, call) {
  ask(TIMER + Math.max(0, Math.ceil(Number(ms) || 0))).then(() => waiting.has(id) && call());
}

const stop = (id) => void waiting.delete(id);
const wait = (ms, { signal } = {}) =>
  new Promise((resolve, reject) => {
    later(resolve, ms);
    signal?.addEventListener("abort", () => reject(signal.reason));
  });

// Mulberry32, public domain: https://gist.github.com/tommyettinger/46a874533244883189143505d203312c
function random() {
  drawn = true;
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
}

function fill(array) {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  for (let at = 0; at < bytes.length; at++) bytes[at] = random() * 256;
  return array;
}

function uuid() {
  const bytes = fill(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function expires(ms) {
  const controller = new AbortController();
  later(() => controller.abort(new DOMException("The operation was aborted due to timeout", "TimeoutError")), ms);
  return controller.signal;
}

for (const [owner, replaced] of [
  [globalThis, { setTimeout: later, setInterval: again, clearTimeout: stop, clearInterval: stop }],
  [globalThis.scheduler, { wait }],
  [globalThis.AbortSignal, { timeout: expires }],
  [globalThis.Math, { random }],
  [globalThis.crypto, { getRandomValues: fill, randomUUID: uuid }],
])
  for (const [name, value] of Object.entries(replaced))
    Object.defineProperty(owner, name, { value, writable: true, configurable: true });
