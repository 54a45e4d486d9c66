/** One operation: what was served, and what should have been. */
import { look } from "./api.mjs";
import { h, oneLine, replace } from "./dom.mjs";
import { version } from "./seen.mjs";
import { chosen, real, state } from "./state.mjs";
import { clockTime, span } from "./time.mjs";
import { viewer } from "./viewers.mjs";

export function failure(event) {
  return event.failed ? event.failed.replace(/^KV \w+ failed: /, "") : "";
}

/** What came of it, in few words. */
export function said(event) {
  if (event.failed) return `✕ ${failure(event)}`;
  const what = event.operation === "list" ? `${event.keys} key${event.keys === 1 ? "" : "s"}` : version(event.version);
  const copy = event.cacheStatus === "HIT" ? `, ${span(event.age_ms)} old` : "";
  return event.stale ? `! ${what}${copy}, not v${event.newerVersion}` : what + copy;
}

export class OperationPanel {
  constructor({ closed, show }) {
    this.closedBy = closed;
    this.showEvent = show;
    this.element = h("aside", { class: "panel", hidden: true, "aria-label": "The chosen operation", tabindex: 0 });
    this.element.addEventListener("keydown", (event) => { if (event.key === "Escape") this.close(); });
  }

  close() {
    this.element.hidden = true;
    this.closedBy();
  }

  async show(event) {
    this.element.hidden = false;
    this.event = event;
    const values = h("div", {});
    replace(this.element,
      h("div", { class: "panel-head" }, h("h2", {}, `${event.operation} ${oneLine(event.key) || "(every key)"}`),
        h("button", { class: "plain", onclick: () => this.close(), title: "Close (Esc)", "aria-label": "Close" }, "✕")),
      event.stale ? this.versus(event) : null,
      event.failed ? h("p", { class: "outcome broken" }, event.failed, event.faultRule ? ` by fault rule ${event.faultRule}` : "") : null,
      h("div", { class: "card" }, facts(event)), values);
    if (event.operation !== "list") await this.values(event, values);
  }

  /** Served, and what should have been. */
  versus(event) {
    const writer = state.events.findLast((each) => each.version === event.newerVersion && /^(put|delete)$/.test(each.operation));
    const lists = event.operation === "list";
    return h("div", { class: "versus" },
      h("div", { class: "card see is-stale" }, h("h3", {}, "Was served"),
        h("p", {}, lists ? `a list of ${event.keys} key${event.keys === 1 ? "" : "s"}` : version(event.version),
          event.cacheStatus === "HIT" ? `, a copy ${span(event.age_ms)} old` : ", because the last write had not arrived")),
      h("div", { class: "card see" }, h("h3", {}, "Should have been"),
        h("p", {}, lists ? `the list with version ${event.newerVersion}` : `v${event.newerVersion}`,
          writer ? `, by a ${writer.operation} of ${oneLine(writer.key)} at ${writer.location}, ${span(event.begun_ms - writer.begun_ms)} before` : ""),
        writer ? h("p", {}, h("button", { onclick: () => this.showEvent(writer) }, "Show that write")) : null));
  }

  async values(event, box) {
    if (real()) return;
    try {
      const told = await look("keys/read", { ...chosen(), key: event.key });
      if (this.event !== event) return;
      const known = [["at the centre", told.entry], ...Object.entries(told.locations).map(([place, seen]) => [`at ${place}`, seen.entry])].filter(([, entry]) => entry);
      const of = (number) => known.find(([, entry]) => entry.version === number);
      const served = of(event.version), newer = event.stale ? of(event.newerVersion) : undefined;
      replace(box, h("div", { class: "sees" },
        served ? h("div", { class: "card" }, h("h3", {}, `v${event.version}, still there ${served[0]}`), viewer(served[1])) : null,
        newer ? h("div", { class: "card" }, h("h3", {}, `v${event.newerVersion}, ${newer[0]}`), viewer(newer[1])) : null));
    } catch { /* the key cannot be read: its values are not shown */ }
  }
}

function facts(event) {
  const fact = (name, value) => (value === undefined || value === null || value === "" ? [] : [h("dt", {}, name), h("dd", {}, String(value))]);
  return h("dl", { class: "facts" },
    fact("Location", event.location), fact("Request", event.route), fact("Run", event.invocation), fact("Version of the Worker", event.workerVersion),
    fact("Asked", clockTime(event.asked_ms)), fact("Done", `${clockTime(event.done_ms)}, ${event.done_ms - event.asked_ms} ms later`),
    fact("Result", said(event)), fact("From", event.cacheStatus === "HIT" ? `the location's copy, ${span(event.age_ms)} old` : event.cacheStatus === "MISS" ? "the centre; a copy is kept" : ""),
    fact("Position", event.position));
}
