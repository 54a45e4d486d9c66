/** The page: the bar, one view at a time, and the keyboard. */
import { ClockView } from "./clock.mjs";
import { CostView } from "./cost.mjs";
import { h, open, replace } from "./dom.mjs";
import { ExploreView } from "./explore.mjs";
import { KeysView } from "./keys.mjs";
import { choose, follow, now, on, real, refresh, state } from "./state.mjs";
import { TimelineView } from "./timeline.mjs";
import { clockTime, span } from "./time.mjs";

const VIEWS = { keys: KeysView, timeline: TimelineView, clock: ClockView, cost: CostView, explore: ExploreView };
const REFRESH_MS = 2_000;
const element = (id) => document.getElementById(id);
let view = null;

function show() {
  const named = location.hash.slice(1), name = Object.hasOwn(VIEWS, named) ? named : "keys";
  for (const tab of document.querySelectorAll(".tabs a")) {
    if (tab.hash === `#${name}`) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  view?.end();
  view = new VIEWS[name]();
  replace(element("main"), view.element);
  view.scroller?.redraw();
}

function bar() {
  const { clock, namespaces, kv } = state.overview;
  element("real").hidden = !real();
  replace(element("real"), real() ? `Real data: ${kv}. What is written or deleted here is written or deleted at Cloudflare.` : "");
  const field = element("namespace-field"), chooser = element("namespace");
  field.hidden = namespaces.length < 2;
  replace(chooser, namespaces.map((each) => h("option", { value: each.id }, each.title)));
  chooser.value = state.namespace?.id ?? "";
  const moved = Math.abs(clock.offset_ms) < 500 ? "" : `${clock.offset_ms > 0 ? "+" : "−"}${span(Math.abs(clock.offset_ms))}`;
  if (clock.frozen || moved) element("now").dataset.moved = [moved, clock.frozen ? "frozen" : ""].filter(Boolean).join(", ");
  else delete element("now").dataset.moved;
}

function live() {
  const said = { live: "live", gone: "no answer", connecting: "connecting" }[state.live];
  element("live").dataset.state = state.live;
  replace(element("live"), said);
}

function help() {
  const rows = [["1 … 5", "keys, timeline, clock and faults, cost, explore"], ["/", "to the filter"], ["↑ ↓ Page Home End", "in the list of keys"], ["Enter", "open the key"], ["Delete", "delete the key, after a question"], ["Esc", "close what is open"], ["?", "this"]];
  open("Keyboard", (close) => h("div", {}, h("dl", { class: "facts" }, rows.map(([keys, what]) => [h("dt", {}, h("kbd", {}, keys)), h("dd", {}, what)])),
    h("p", { class: "actions end" }, h("button", { class: "main", onclick: close }, "Close"))), { class: "small-one" });
}

function key(event) {
  const typing = event.target.closest("input, textarea, select, dialog");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const name = Object.keys(VIEWS)[Number(event.key) - 1];
  if (name) location.hash = name;
  else if (event.key === "/") view?.focus();
  else if (event.key === "?") help();
  else return;
  event.preventDefault();
}

async function watch() {
  if (!document.hidden && state.live === "live") {
    try { await refresh(); } catch { /* the stream tells that it is gone */ }
  }
  setTimeout(watch, REFRESH_MS);
}

on("overview", bar);
on("live", live);
addEventListener("hashchange", show);
addEventListener("keydown", key);
element("help-button").addEventListener("click", help);
element("namespace").addEventListener("change", (event) => choose(event.target.value));
setInterval(() => { if (state.overview && !document.hidden) replace(element("now"), clockTime(now()).slice(0, 8)); }, 200);

const first = refresh();
first.then(() => { bar(); show(); }, (error) => replace(element("main"), h("div", { class: "empty" }, h("h2", {}, "The emulator does not answer"), h("p", {}, error.message))));
first.catch(() => {}).then(() => { if (!view) on("overview", () => { if (!view) show(); }); follow(); setTimeout(watch, REFRESH_MS); });
