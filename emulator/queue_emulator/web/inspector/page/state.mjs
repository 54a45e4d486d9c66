/** What the page knows: the whole, the clock, and the last operations; whoever is interested is told, not too often. */
import { lines, look, send } from "./api.mjs";

const EVENTS_MAX = 20_000;
const AT_FIRST = 2_000;
const TELL_MS = 250;

export const state = {
  overview: null,
  namespace: null, // of state.overview.namespaces; null where there is none to choose
  events: [],
  missed: 0,
  live: "connecting",
};

const listeners = new Map();
let shownAt = 0;
let position = null;
let run = null;
let due = new Set();
let timer = null;

/** `what`: overview, events, reset or live. Returns what ends it. */
export function on(what, call) {
  if (!listeners.has(what)) listeners.set(what, new Set());
  listeners.get(what).add(call);
  return () => listeners.get(what).delete(call);
}

/** Tell soon, all together. */
function tell(what) {
  due.add(what);
  timer ??= setTimeout(() => {
    const told = due;
    due = new Set();
    timer = null;
    for (const each of told) for (const call of listeners.get(each) ?? []) call();
  }, TELL_MS);
}

/** What the emulator's clock shows, as far as this page knows. */
export function now() {
  const clock = state.overview?.clock;
  if (!clock) return Date.now();
  return clock.frozen ? clock.now_ms : clock.now_ms + Math.round(performance.now() - shownAt);
}

export const real = () => state.overview !== null && state.overview.kv !== "emulated";
export const locations = () => (real() ? [] : state.overview?.locations ?? []);
/** Where copies are: each machine of each location. */
export const places = () => (real() ? [] : state.overview?.places ?? []);
/** Of the Worker, if several answer: each with its name, and its share or its locations. */
export const workerVersions = () => state.overview?.workerVersions ?? [];
/** How events name the chosen namespace. */
export const ofNamespace = (event) => event.namespace === undefined || state.namespace === null || event.namespace === state.namespace.name;
export const chosen = () => (state.namespace === null ? {} : { namespace: state.namespace.id });

export async function refresh() {
  const overview = await look("overview");
  const before = state.overview;
  state.overview = overview;
  shownAt = performance.now();
  const known = overview.namespaces;
  const shown = state.namespace?.id;
  state.namespace = known.find((each) => each.id === shown) ?? known.find((each) => each.bound) ?? known[0] ?? null;
  if (before && (before.run !== overview.run || before.epoch !== overview.epoch)) forget();
  else if (before && state.namespace?.id !== shown) tell("reset"); // the first Worker was bound, or it was deleted
  if (!before || JSON.stringify(before) !== JSON.stringify(overview)) tell("overview");
  return overview;
}

function forget() {
  state.events = [];
  state.missed = 0;
  tell("events");
  tell("reset");
}

export function choose(id) {
  state.namespace = state.overview.namespaces.find((each) => each.id === id) ?? state.namespace;
  tell("overview");
  tell("reset");
}

/** Follow the journal for as long as the page is open; after a restart of the emulator from its beginning. */
export async function follow() {
  for (let wait = 300; ; wait = Math.min(wait * 1.6, 3000)) {
    try {
      const overview = await refresh();
      if (run !== overview.run) {
        position = Math.max(overview.journal.first - 1, overview.journal.last - AT_FIRST, 0);
        run = overview.run;
      }
      const response = await send("GET", `journal/stream?after=${position}`, undefined, true);
      if (response.headers.get("x-emulator-run") === run) {
        live("live");
        wait = 300;
        await lines(response, take);
      }
    } catch { /* gone: asked again in a moment */ }
    live("gone");
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

function take(events) {
  const first = events[0].position;
  if (position !== null && first > position + 1) state.missed += first - position - 1;
  position = events.at(-1).position;
  state.events.push(...events);
  if (state.events.length > EVENTS_MAX) state.events.splice(0, state.events.length - EVENTS_MAX);
  tell("events");
}

function live(now) {
  state.live = now;
  tell("live");
}
