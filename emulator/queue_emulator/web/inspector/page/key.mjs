/** One key: the value at the centre, and what each location would be shown instead, for how long. */
import { change, look } from "./api.mjs";
import { confirmed, h, oneLine, replace, toast } from "./dom.mjs";
import { editKey } from "./edit.mjs";
import { chip, expiry, kindOf, sentence } from "./seen.mjs";
import { chosen, now, real } from "./state.mjs";
import { clockTime, dateTime } from "./time.mjs";
import { viewer } from "./viewers.mjs";

export class KeyPanel {
  constructor({ closed, changed }) {
    this.closedBy = closed;
    this.changed = changed;
    this.key = null;
    this.element = h("aside", { class: "panel", hidden: true, "aria-label": "The chosen key", tabindex: 0 });
    this.element.addEventListener("keydown", (event) => { if (event.key === "Escape") this.close(); });
  }

  end() {
    this.key = null;
  }

  async show(key) {
    this.key = key;
    this.element.hidden = false;
    replace(this.element, this.head(), h("p", { class: "soft" }, "…"));
    await this.refresh();
  }

  close() {
    this.key = null;
    this.element.hidden = true;
    this.closedBy();
  }

  async refresh() {
    const key = this.key;
    if (key === null) return;
    try {
      const told = await look("keys/read", { ...chosen(), key });
      if (key !== this.key) return;
      told.told_ms = now();
      const print = JSON.stringify([told.entry, told.locations]).replace(/"age_ms":\d+/g, "");
      this.told = told;
      if (print === this.print && this.element.childElementCount > 2) return;
      this.print = print;
      this.draw();
    } catch (error) {
      replace(this.element, this.head(), h("p", { class: "bad" }, error.message));
    }
  }

  /** What counts down. */
  tick() {
    for (const each of this.element.querySelectorAll("[data-expiration]")) replace(each, expiry(Number(each.dataset.expiration)));
    for (const each of this.element.querySelectorAll("[data-place]")) {
      const seen = this.told?.locations[each.dataset.place];
      if (seen) { replace(each, sentence(seen, this.told.told_ms)); each.previousElementSibling.lastElementChild.replaceWith(chip(seen, this.told.told_ms)); }
    }
  }

  head() {
    return h("div", { class: "panel-head" }, h("h2", {}, oneLine(this.key)),
      h("button", { class: "plain", onclick: () => this.close(), title: "Close (Esc)", "aria-label": "Close" }, "✕"));
  }

  draw() {
    const { told } = this, kinds = [...this.element.querySelectorAll(".value")].map((each) => each.dataset.kind);
    const places = Object.entries(told.locations);
    const stale = places.filter(([, seen]) => ["stale", "late"].includes(kindOf(seen)));
    const old = stale.map(([place]) => place).join(", ");
    replace(this.element, this.head(),
      stale.length ? h("h3", { class: "outcome broken" }, `${old} ${stale.length === 1 ? "sees" : "see"} an old value, until ${until(stale)}`) : null,
      this.actions(),
      this.centre(kinds[0]),
      stale.length || real() ? null : h("h3", {}, "No location sees an old value"),
      h("div", { class: "sees" }, [...stale, ...places.filter((each) => !stale.includes(each))].map(([place, seen]) => this.place(place, seen))));
  }

  actions() {
    const { told } = this, entry = told.entry;
    const ends = !real() && entry?.expiration
      ? h("button", { onclick: () => this.expire(entry.expiration), title: "Moves the clock to the moment in which it expires" }, "Let it expire") : null;
    return h("div", { class: "actions" },
      h("button", { onclick: () => editKey(told, () => { this.changed(); }) }, entry ? "Edit" : "Write"),
      ends,
      h("a", { class: "button", href: "#timeline", onclick: () => sessionKey(this.key) }, "Its life"),
      entry ? h("button", { class: "danger", onclick: () => this.remove() }, "Delete") : null);
  }

  centre(kind) {
    const entry = this.told.entry;
    const where = real() ? "At Cloudflare" : "At the centre";
    if (!entry) return h("div", { class: "card" }, h("h3", {}, where), h("p", { class: "soft" }, "Nothing: deleted, expired, or never written."));
    return h("div", { class: "card" }, h("h3", {}, where), facts(entry), viewer(entry, kind));
  }

  place(name, seen) {
    const kind = kindOf(seen);
    return h("div", { class: `card see ${kind === "stale" ? "is-stale" : kind === "late" ? "is-late" : ""}` },
      h("div", { class: "see-head" }, h("h3", {}, name), chip(seen, this.told.told_ms)),
      h("p", { class: "small", "data-place": name }, sentence(seen, this.told.told_ms)),
      seen.entry ? viewer(seen.entry) : null);
  }

  async expire(expiration) {
    try {
      await change("POST", "clock", { set: expiration * 1000 });
      toast(`The clock shows ${clockTime(expiration * 1000)}: the key has expired`);
      this.changed();
    } catch (error) { toast(error.message, "error"); }
  }

  async remove() {
    const where = real() ? "It is deleted in the real namespace." : "";
    if (!(await confirmed("Delete this key?", `${oneLine(this.key)} ${where}`, "Delete"))) return;
    try {
      await change("POST", "keys/delete", { ...chosen(), keys: [this.key] });
      toast("Deleted");
      this.changed();
    } catch (error) { toast(error.message, "error"); }
  }
}

/** When the last of them is over. */
function until(stale) {
  const ends = stale.map(([, seen]) => seen.until_ms);
  return ends.includes(undefined) ? "the write arrives" : clockTime(Math.max(...ends)).slice(0, 8);
}

function facts(entry) {
  const fact = (name, ...said) => [h("dt", {}, name), h("dd", {}, said)];
  return h("dl", { class: "facts" },
    entry.version ? fact("Version", `v${entry.version}`) : null,
    entry.written_ms ? fact("Written", dateTime(entry.written_ms)) : null,
    fact("Expires", ...(entry.expiration
      ? [h("span", { "data-expiration": entry.expiration }, expiry(entry.expiration)), ` (${dateTime(entry.expiration * 1000)})`] : ["never"])),
    entry.metadata === undefined ? null : fact("Metadata", h("code", {}, JSON.stringify(entry.metadata))));
}

let wanted = null;
function sessionKey(key) {
  wanted = key;
}

/** The key whose life is to be shown, once. */
export function takeWantedKey() {
  const key = wanted;
  wanted = null;
  return key;
}
