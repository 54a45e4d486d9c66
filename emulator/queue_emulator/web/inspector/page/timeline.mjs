/** The journal: a lane for each location, time runs down, runs of a Worker together; stale and failed ones are red. */
import { look } from "./api.mjs";
import { h, oneLine, open, picture, replace, save, select, toast } from "./dom.mjs";
import { takeWantedKey } from "./key.mjs";
import { OperationPanel, said } from "./operation.mjs";
import { Scroller } from "./scroller.mjs";
import { locations, ofNamespace, on, state, workerVersions } from "./state.mjs";
import { clockTime, number, span } from "./time.mjs";

const GAP_MS = 1_000;

/** Whether an operation is about a key: its own, or a list that it is on. */
export const concerns = (event, key) => (event.operation === "list" ? key.startsWith(event.key) : event.key === key);

export class TimelineView {
  constructor() {
    this.rows = [];
    this.chosenEvent = null;
    this.filter = h("input", { type: "search", class: "grow mono", placeholder: "Key: its whole life", "aria-label": "Only this key", spellcheck: "false", value: takeWantedKey() ?? "", oninput: () => this.again() });
    this.place = select([["", "All locations"]], { "aria-label": "Location", onchange: () => this.again() });
    this.version = select([["", "All versions"]], { "aria-label": "Version of the Worker", hidden: true, onchange: () => this.again() });
    this.odd = h("input", { type: "checkbox", onchange: () => this.again() });
    this.note = h("span", { class: "note", role: "status" });
    this.head = h("div", { class: "head", "aria-hidden": "true" });
    this.scroller = new Scroller({ label: "KV operations", role: "list", row: (index) => this.row(index) });
    this.emptyBox = h("div", { hidden: true });
    this.panel = new OperationPanel({ closed: () => this.closed(), show: (event) => this.choose(event) });
    this.split = h("div", { class: "split" }, h("div", { class: "list" }, this.head, this.scroller.element, this.emptyBox), this.panel.element);
    this.element = h("section", { class: "view timeline", "aria-label": "Timeline" },
      h("div", { class: "tools" }, this.filter, this.place, this.version,
        h("label", { class: "field-inline" }, this.odd, " only stale or failed"),
        h("button", { onclick: () => this.showPicture() }, "Picture"),
        h("button", { onclick: () => this.savePicture() }, "Save as SVG"), this.note),
      this.split);
    this.ends = [on("events", () => this.again()), on("overview", () => this.columns()), on("reset", () => this.again())];
    this.columns();
    this.again();
    requestAnimationFrame(() => this.scroller.toEnd());
  }

  end() {
    for (const end of this.ends) end();
  }

  focus() {
    this.filter.focus();
  }

  columns() {
    this.places = [...locations(), ...(state.events.some((event) => event.location === "API") ? ["API"] : [])];
    if (!this.places.length) this.places = ["API"];
    this.element.style.setProperty("--locations", String(this.places.length));
    replace(this.head, ["Time", ...this.places].map((text) => h("span", {}, text)));
    offer(this.place, "All locations", this.places.map((each) => [each, each]));
    offer(this.version, "All versions", workerVersions().map((each) => [each.name, `${each.name}: ${answers(each)}`]));
    this.version.hidden = workerVersions().length === 0;
  }

  again() {
    if (!this.places.includes("API") && state.events.at(-1)?.location === "API") this.columns();
    const atEnd = this.scroller.atEnd, key = this.filter.value.trim(), place = this.place.value, version = this.version.value, odd = this.odd.checked;
    const shown = state.events.filter((event) => ofNamespace(event) && (!key || concerns(event, key))
      && (!place || event.location === place) && (!version || event.workerVersion === version) && (!odd || event.stale || event.failed));
    this.rows = rowsOf(shown);
    this.scroller.set(this.rows.length);
    const stale = shown.filter((event) => event.stale).length;
    replace(this.note, `${number(shown.length)} operations${stale ? `, ${number(stale)} stale` : ""}${state.missed ? `; ${number(state.missed)} came too fast` : ""}`);
    const empty = shown.length === 0;
    this.emptyBox.hidden = !empty;
    this.scroller.element.hidden = this.head.hidden = empty;
    if (empty) replace(this.emptyBox, nothing(key || place || version || odd));
    if (atEnd) this.scroller.toEnd();
  }

  row(index) {
    const { event, heading, gap } = this.rows[index];
    const row = h("div", { class: `row${gap ? " gap" : ""}`, role: "listitem" });
    const at = this.places.indexOf(event.location);
    row.append(h("span", { class: "at" }, heading ? (gap ? `+${span(gap)}` : "") : clockTime(event.begun_ms)));
    this.places.forEach((place, column) => {
      const lane = h("div", { class: `lane${column === at ? (event.invocation ? " within" : "") : " other"}${column === this.places.length - 1 ? " last" : ""}` });
      if (column === at) lane.append(heading ? h("span", { class: "run", "data-at": event.location }, runName(event)) : this.operation(event));
      row.append(lane);
    });
    return row;
  }

  operation(event) {
    const kinds = ["op", /^(put|delete)$/.test(event.operation) ? "write" : "read", event.cacheStatus === "HIT" ? "copy" : "",
      event.stale ? "stale" : "", event.failed ? "failed" : ""].filter(Boolean).join(" ");
    return h("button", {
      class: kinds, "aria-current": event.position === this.chosenEvent ? "true" : null, title: `${event.operation} ${oneLine(event.key)}`,
      onclick: () => this.choose(event),
    },
      h("span", { class: "what" }, `${event.operation} ${oneLine(event.key) || "(every key)"}`),
      h("span", { class: "said" }, event.faultRule ? `⚡${event.faultRule} ` : "", said(event)));
  }

  choose(event) {
    this.chosenEvent = event.position;
    this.split.classList.add("open");
    this.panel.show(event);
    const index = this.rows.findIndex((row) => !row.heading && row.event.position === event.position);
    this.scroller.redraw();
    if (index >= 0) this.scroller.show(index);
  }

  closed() {
    this.chosenEvent = null;
    this.split.classList.remove("open");
    this.scroller.redraw();
    this.scroller.element.focus();
  }

  /** As the explorer draws what it found: the last operations of what is shown. */
  async drawn() {
    const key = this.filter.value.trim(), namespace = state.namespace?.name;
    return look("journal/picture", {
      ...(key ? { key } : {}), ...(this.odd.checked ? { stale: true } : {}), ...(namespace ? { namespace } : {}),
    });
  }

  async showPicture() {
    try {
      const svg = await this.drawn();
      open("The journal as a picture", (close) => h("div", {},
        h("div", { class: "picture-frame", tabindex: 0, role: "group", "aria-label": "Picture" }, picture(svg, "KV operations by location, time runs down")),
        h("p", { class: "actions end" }, h("button", { onclick: () => save(svg, "journal.svg", "image/svg+xml") }, "Save as SVG"),
          h("button", { class: "main", onclick: close }, "Close"))), { class: "wide" });
    } catch (error) { toast(error.message, "error"); }
  }

  async savePicture() {
    try { save(await this.drawn(), "journal.svg", "image/svg+xml"); } catch (error) { toast(error.message, "error"); }
  }
}

/** Rows: a heading where a run begins or goes on, and its operations. */
function rowsOf(events) {
  const rows = [];
  let before = null;
  for (const event of events) {
    const gap = before ? event.begun_ms - before.begun_ms : 0;
    const run = event.invocation ?? `operation ${event.id}`;
    if (before === null || run !== (before.invocation ?? `operation ${before.id}`) || gap >= GAP_MS) {
      rows.push({ event, heading: true, gap: gap >= GAP_MS ? gap : 0 });
    }
    rows.push({ event, heading: false, gap: 0 });
    before = event;
  }
  return rows;
}

export function runName(event) {
  const name = event.route || (event.location === "API" ? "the API" : event.invocation ? "a run of the Worker" : "seed");
  return event.workerVersion ? `${name}, version ${event.workerVersion}` : name;
}

/** What a version answers. */
const answers = ({ share, locations: own }) => (share === undefined ? `at ${own.join(", ") || "no location"}` : `${share} of 100 requests`);

/** What can be chosen; what is chosen stays so while it is there. */
function offer(field, all, options) {
  const chosen = field.value;
  replace(field, [["", all], ...options].map(([value, text]) => h("option", { value }, text)));
  field.value = options.some(([value]) => value === chosen) ? chosen : "";
}

function nothing(filtered) {
  if (filtered) return h("div", { class: "empty" }, h("h2", {}, "Nothing like this happened"), h("p", {}, "Take a filter away, or send a request to your Worker."));
  return h("div", { class: "empty" }, h("h2", {}, "Nothing has happened yet"),
    h("p", {}, "Each KV operation of your Worker appears here as it happens. Send it a request from two locations to see them differ:"),
    h("pre", { tabindex: 0 }, `curl -H "X-API-Key: dev-queue-key" ${location.origin}/api/queue\ncurl -H "X-API-Key: dev-queue-key" -H "X-Emulator-Location: ${locations()[1] ?? "NRT"}" ${location.origin}/api/queue`));
}
