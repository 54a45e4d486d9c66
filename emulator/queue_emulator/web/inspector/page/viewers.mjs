/** A value as text, folded JSON, hex, or a picture. Whatever it is, it is only shown: nothing of it runs. */
import { h, replace } from "./dom.mjs";
import { bytes } from "./time.mjs";

const FOLDED_FROM = 40; // members
const OPEN_MAX = 1_000; // members that are drawn before anybody asks for them
const DEEP_FROM = 20; // levels below which nothing is open at first
const MEMBERS_MAX = 500;
const TEXT_MAX = 200_000;
const HEX_MAX = 8_192;
const PICTURES = [["image/png", [0x89, 0x50, 0x4e, 0x47]], ["image/jpeg", [0xff, 0xd8, 0xff]], ["image/gif", [0x47, 0x49, 0x46, 0x38]], ["image/webp", [0x52, 0x49, 0x46, 0x46]]];

/** `entry` as the controls tell it: text or base64, size_bytes, perhaps cut. */
export function viewer(entry, preferred) {
  const content = bytesOf(entry);
  const kinds = new Map();
  const parsed = entry.cut ? undefined : parse(entry.text);
  if (parsed !== undefined) kinds.set("JSON", () => h("div", { class: "json" }, json(parsed, { members: OPEN_MAX, levels: DEEP_FROM })));
  if (entry.text !== undefined) kinds.set("Text", () => text(entry.text));
  const type = pictureType(content, entry.text);
  if (type) kinds.set("Image", () => image(content, type));
  kinds.set("Hex", () => hex(content));
  const body = h("div", { class: "value-body", tabindex: 0, role: "group", "aria-label": "Value" });
  const buttons = [...kinds.keys()].map((kind) => h("button", { onclick: () => show(kind) }, kind));
  function show(kind) {
    element.dataset.kind = kind;
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.textContent === kind));
    replace(body, kinds.get(kind)());
  }
  const size = h("span", { class: "size" }, bytes(entry.size_bytes), entry.cut ? ", its beginning" : "");
  const element = h("div", { class: "value" }, h("div", { class: "value-tabs", role: "group", "aria-label": "Show as" }, buttons, size), body);
  show(kinds.has(preferred) ? preferred : type && entry.text === undefined ? "Image" : kinds.keys().next().value);
  return element;
}

export function bytesOf(entry) {
  if (entry.text !== undefined) return new TextEncoder().encode(entry.text);
  return Uint8Array.from(atob(entry.base64 ?? ""), (each) => each.charCodeAt(0));
}

function parse(value) {
  if (value === undefined || !/^\s*[[{]/.test(value)) return undefined;
  let parsed;
  try { parsed = JSON.parse(value); } catch { return undefined; }
  try { return JSON.parse(value, asWritten); } catch (error) { return error instanceof RangeError ? parsed : undefined; }  // too deep for it
}

/** A number that JavaScript would show as another one: 1e999, 12345678901234567890, 1.0. */
class Written {
  constructor(source) { this.source = source; }
}

function asWritten(name, value, context) {
  if (typeof value !== "number" || context?.source === String(value)) return value;
  if (context?.source !== undefined) return new Written(context.source);
  if (Number.isFinite(value)) return value;  // a browser that does not tell how a number was written
  throw new SyntaxError("a number that JSON.stringify cannot write: the text is shown");
}

function text(value) {
  return [value.slice(0, TEXT_MAX) || h("span", { class: "soft" }, "(empty)"), value.length > TEXT_MAX ? h("p", { class: "soft" }, "… cut") : null];
}

/** `left`: how many more members and levels may be open at first; null where all is folded. */
function json(value, left, name) {
  const label = name === undefined ? [] : [h("span", { class: "name" }, JSON.stringify(name)), ": "];
  if (value instanceof Written) return h("div", { class: "member" }, label, h("span", { class: "number" }, value.source));
  if (value === null || typeof value !== "object") {
    const kind = typeof value === "string" ? "string" : typeof value === "number" ? "number" : "word";
    return h("div", { class: "member" }, label, h("span", { class: kind }, JSON.stringify(value)));
  }
  const list = Array.isArray(value), members = list ? value.map((each) => [undefined, each]) : Object.entries(value);
  if (!members.length) return h("div", { class: "member" }, label, list ? "[]" : "{}");
  const details = h("details", {}, h("summary", {}, label, list ? `[ ${members.length} ]` : `{ ${members.length} }`));
  const fill = (within) => {
    if (details.childElementCount > 1) return;
    details.append(...members.slice(0, MEMBERS_MAX).map(([key, each]) => json(each, within, key)));
    if (members.length > MEMBERS_MAX) details.append(h("p", { class: "soft" }, `… ${members.length - MEMBERS_MAX} more`));
  };
  details.addEventListener("toggle", () => fill(null));
  if (left !== null && left.levels > 0 && (left.members -= Math.min(members.length, MEMBERS_MAX)) > 0) {
    details.open = true;
    left.levels -= 1;
    fill(members.length <= FOLDED_FROM ? left : null);
    left.levels += 1;
  }
  return details;
}

function pictureType(content, asText) {
  if (asText !== undefined && /^\s*(<\?xml[^>]*>\s*)?<svg[\s>]/i.test(asText.slice(0, 400))) return "image/svg+xml";
  return PICTURES.find(([, start]) => start.every((byte, at) => content[at] === byte))?.[0];
}

function image(content, type) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const forget = () => URL.revokeObjectURL(url);
  return h("img", { src: url, alt: "The value as a picture", onload: forget, onerror: forget });
}

function hex(content) {
  const lines = [];
  for (let at = 0; at < Math.min(content.length, HEX_MAX); at += 16) {
    const part = [...content.subarray(at, at + 16)];
    const codes = part.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const shown = part.map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : "·")).join("");
    lines.push(`${at.toString(16).padStart(6, "0")}  ${codes.padEnd(47)}  ${shown}`);
  }
  return [lines.join("\n") || "(empty)", content.length > HEX_MAX ? h("p", { class: "soft" }, "… cut") : null];
}
