/** Keys by locations: every key of the namespace, its version at the centre, and what each location would show. */
import { change } from "./api.mjs";
import { confirmed, h, oneLine, replace, toast } from "./dom.mjs";
import { editKey } from "./edit.mjs";
import { KeyPanel } from "./key.mjs";
import { Pages } from "./pages.mjs";
import { Scroller } from "./scroller.mjs";
import { chip, expiry, kindOf } from "./seen.mjs";
import { chosen, now, ofNamespace, on, places as allPlaces, real, state } from "./state.mjs";
import { number } from "./time.mjs";
import { exportKeys, importKeys } from "./transfer.mjs";

const REFRESH_MS = 400;
const SOON_MS = 60_000;

export class KeysView {
  constructor() {
    this.active = -1;
    this.at = new Map(); // when a row was told, on the emulator's clock
    this.filter = h("input", {
      type: "search", placeholder: "Prefix of keys", "aria-label": "Prefix of keys", class: "grow mono", spellcheck: "false",
      oninput: () => this.again(),
    });
    this.note = h("span", { class: "note", role: "status" });
    this.scroller = new Scroller({
      label: "Keys", row: (index) => this.row(index), moved: (first, last) => this.pages?.want(first, last),
    });
    this.scroller.element.addEventListener("keydown", (event) => this.key(event));
    this.head = h("div", { class: "head", "aria-hidden": "true" });
    this.emptyBox = h("div", { hidden: true });
    this.legend = legend();
    this.panel = new KeyPanel({ closed: () => this.closed(), changed: () => this.soon() });
    this.split = h("div", { class: "split" },
      h("div", { class: "list" }, this.head, this.scroller.element, this.emptyBox, this.legend), this.panel.element);
    this.element = h("section", { class: "view keys", "aria-label": "Keys" },
      h("div", { class: "tools" }, this.filter,
        h("button", { class: "main", onclick: () => editKey(null, () => this.soon()) }, "Add a key"),
        h("button", { onclick: () => importKeys(() => this.soon()) }, "Import"),
        h("button", { onclick: () => exportKeys(this.filter.value) }, "Export"), this.note),
      this.split);
    this.pages = new Pages({
      asked: () => ({ ...chosen(), prefix: this.filter.value }),
      changed: () => this.show(),
      failed: (error) => this.failed(error),
    });
    this.ends = [on("reset", () => this.again()), on("overview", () => this.columns()), on("events", () => this.events())];
    this.ticking = setInterval(() => this.tick(), 1000);
    this.columns();
    this.again();
  }

  end() {
    for (const end of this.ends) end();
    clearInterval(this.ticking);
    clearTimeout(this.waiting);
    this.panel.end();
  }

  focus() {
    this.filter.focus();
  }

  columns() {
    const places = allPlaces();
    this.element.style.setProperty("--locations", String(Math.max(1, places.length)));
    this.legend.hidden = real();
    replace(this.head, ["Key", "Centre", "Expires", ...places].map((text) => h("span", {}, text)));
    this.scroller.redraw();
  }

  again() {
    this.pages.clear();
    this.active = -1;
    this.scroller.element.scrollTop = 0;
    this.pages.want(0, 1);
  }

  /** Something may have changed: ask again, but not too often. */
  soon() {
    this.waiting ??= setTimeout(() => {
      this.waiting = null;
      this.pages.refresh(...this.scroller.seen());
      this.panel.refresh();
    }, REFRESH_MS);
  }

  events() {
    const last = this.position ?? 0;
    const fresh = state.events.filter((event) => event.position > last);
    this.position = state.events.at(-1)?.position ?? last;
    const prefix = this.filter.value;
    const matters = (event) => ofNamespace(event) && event.operation !== "list" && event.key.startsWith(prefix);
    if (!real() && fresh.some(matters)) this.soon();
  }

  tick() {
    if (document.hidden) return;
    this.scroller.redraw();
    this.panel.tick();
    const [first, last] = this.scroller.seen();
    const due = (key) => key && ((key.live && key.expiration && key.expiration * 1000 <= now())
      || Object.values(key.locations).some((seen) => seen.until_ms !== undefined && seen.until_ms <= now()));
    for (let index = first; index < last; index += 1) if (due(this.pages.key(index))) { this.soon(); return; }
  }

  failed(error) {
    replace(this.note, error.message);
  }

  show() {
    const count = this.pages.count;
    this.scroller.set(count);
    replace(this.note, `${number(count)}${this.pages.complete ? "" : "+"} key${count === 1 ? "" : "s"}`);
    const empty = count === 0 && this.pages.complete;
    this.scroller.element.hidden = empty;
    this.head.hidden = empty;
    this.emptyBox.hidden = !empty;
    if (empty) replace(this.emptyBox, this.filter.value ? nothingFound(this.filter.value) : nothingThere());
  }

  row(index) {
    const key = this.pages.key(index);
    const row = h("div", { class: "row", role: "row", "aria-rowindex": index + 1, id: `key-${index}` });
    if (!key) return replace(row, h("span", { class: "soft", role: "gridcell" }, "…"));
    const at = key.told_ms ??= now();
    if (!key.live) row.classList.add("gone");
    if (index === this.active) row.classList.add("active");
    row.setAttribute("aria-selected", String(index === this.active));
    const left = key.expiration ? key.expiration * 1000 - now() : Infinity;
    const places = allPlaces();
    row.append(
      h("span", { class: "key", role: "gridcell", title: oneLine(key.key) }, oneLine(key.key)),
      h("span", { class: "version", role: "gridcell" }, key.live ? (key.version ? `v${key.version}` : "there") : h("span", { class: "chip gone" }, "gone")),
      h("span", { class: `expiry${left < SOON_MS && key.live ? " soon" : ""}`, role: "gridcell" }, key.expiration && key.live ? expiry(key.expiration) : ""),
      h("div", { class: "places", role: "presentation" }, places.map((place) =>
        h("span", { role: "gridcell" }, h("span", { class: "at" }, place), chip(key.locations[place], at)))));
    row.addEventListener("click", () => this.open(index));
    return row;
  }

  key(event) {
    const page = Math.max(1, Math.floor(this.scroller.element.clientHeight / this.scroller.height) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key in steps) {
      this.activate(Math.min(this.pages.count - 1, Math.max(0, this.active + steps[event.key])));
    } else if (event.key === "Enter" && this.active >= 0) this.open(this.active);
    else if (event.key === "Delete" && this.active >= 0) this.remove();
    else return;
    event.preventDefault();
  }

  activate(index) {
    this.active = index;
    this.scroller.show(index);
    this.scroller.redraw();
    this.scroller.element.setAttribute("aria-activedescendant", `key-${index}`);
  }

  open(index) {
    const key = this.pages.key(index);
    if (!key) return;
    this.activate(index);
    this.split.classList.add("open");
    this.panel.show(key.key);
  }

  closed() {
    this.split.classList.remove("open");
    this.scroller.element.focus();
  }

  async remove() {
    const key = this.pages.key(this.active);
    if (!key || !(await confirmed("Delete this key?", oneLine(key.key), "Delete"))) return;
    try {
      await change("POST", "keys/delete", { ...chosen(), keys: [key.key] });
      toast("Deleted");
      this.soon();
    } catch (error) { toast(error.message, "error"); }
  }
}

function legend() {
  const mark = (kind, text, said) => h("span", {}, h("span", { class: `chip ${kind}` }, text), said);
  return h("div", { class: "legend" },
    mark("same", "✓ same", "a copy, as the centre has it"), mark("stale", "! old v3", "an old copy is shown"),
    mark("miss", "∅ miss", "that there is nothing"), mark("late", "… late", "a write has not arrived"),
    mark("none", "–", "asks the centre"));
}

function nothingFound(prefix) {
  return h("div", { class: "empty" }, h("h2", {}, "No key begins with this"), h("p", { class: "mono" }, oneLine(prefix)),
    h("p", {}, "Keys are found by their beginning, as KV lists them."));
}

function nothingThere() {
  const here = `${location.origin}/cdn-cgi/emulator`;
  return h("div", { class: "empty" }, h("h2", {}, "No keys yet"),
    h("p", {}, "Add a key or import a bulk file above, or let your Worker write one. A first task for the queue:"),
    h("pre", { tabindex: 0 }, `curl -X POST ${here}/enqueue -d '{"task": {"id": "t1"}}'`));
}

export { kindOf };
