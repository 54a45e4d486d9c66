/** Elements as values. Text is always text: nothing here reads HTML, so that no value can become a part of the page.
 * All that is shown goes through here, and none of it reorders, hides or imitates the rest. */

export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "value" || key === "checked" || key === "disabled") element[key] = value;
    else element.setAttribute(key, value === true ? "" : READ.has(key) ? shown(value) : String(value));
  }
  element.append(...parts(children));
  return element;
}

export function replace(element, ...children) {
  element.replaceChildren(...parts(children));
  return element;
}

/** Attributes that people read. */
const READ = new Set(["title", "aria-label", "alt", "placeholder"]);

const parts = (children) => children.flat()
  .filter((child) => child !== null && child !== undefined && child !== false)
  .map((child) => (child instanceof Node ? child : shown(child)));

/** Everything that reorders or hides text, or has no width: controls but tab and line feed, ends of a line, bidi marks. */
const HIDDEN = /[\0-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\p{Cs}\u{e0000}-\u{e0fff}]/gu;
/** Marks above or below a character beyond those that a language needs: a flood of them covers the lines around. */
const FLOOD = /(?<=[\p{Mn}\p{Me}\u200c\u200d]{8})[\p{Mn}\p{Me}\u200c\u200d]+/gu;

/** Text that somebody else wrote, as it is shown: what nobody would see stands there as JSON spells it. */
export const shown = (text) => String(text).replace(HIDDEN, escapes).replace(FLOOD, escapes);

/** The same in one line. */
export const oneLine = (text) => shown(text).replaceAll("\n", "\\n").replaceAll("\t", "\\t");

const escapes = (found) => [...found].map(escaped).join("");

const escaped = (each) => Array.from({ length: each.length }, (_, at) => `\\u${each.charCodeAt(at).toString(16).padStart(4, "0")}`).join("");

export function field(label, control, hint) {
  return h("label", { class: "field", title: hint }, label, control);
}

export function select(options, attributes = {}) {
  const made = h("select", attributes, options.map(([value, text]) => h("option", { value }, text)));
  if (attributes.chosen !== undefined) made.value = attributes.chosen;
  return made;
}

/** A dialog that is gone when it is closed; `content(close)` makes what is in it. */
export function open(title, content, attributes = {}) {
  const id = `dialog-${Math.random().toString(36).slice(2)}`;
  const dialog = h("dialog", { "aria-labelledby": id, ...attributes });
  const close = () => dialog.close();
  dialog.append(h("div", {}, h("h2", { id }, title), content(close)));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Ask; resolves to whether it was agreed to. */
export function confirmed(title, text, yes) {
  return new Promise((resolve) => {
    let agreed = false;
    const dialog = open(title, (close) => h("div", {},
      h("p", {}, text),
      h("p", { class: "actions end" },
        h("button", { onclick: close }, "Cancel"),
        h("button", { class: "main", autofocus: true, onclick: () => { agreed = true; close(); } }, yes))), { class: "small-one" });
    dialog.addEventListener("close", () => resolve(agreed));
  });
}

export function toast(text, kind = "") {
  const made = h("div", { class: `toast ${kind}` }, text);
  document.getElementById("toasts").append(made);
  setTimeout(() => made.remove(), kind === "error" ? 9000 : 3500);
}

export function save(content, name, type) {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

export function picture(svg, alt) {
  const url = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  return h("img", { class: "picture", src: url, alt, onload: () => URL.revokeObjectURL(url) });
}
