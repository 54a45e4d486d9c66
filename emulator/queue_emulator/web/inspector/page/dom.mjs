/** Elements as values. Text is always text: nothing here reads HTML, so that no value can become a part of the page. */

export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "value" || key === "checked" || key === "disabled") element[key] = value;
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function replace(element, ...children) {
  element.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

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
