/** What a location would show of a key, in a few words and in one sentence. */
import { h } from "./dom.mjs";
import { now } from "./state.mjs";
import { clockTime, span } from "./time.mjs";

export const version = (number) => (number === undefined ? "nothing" : `v${number}`);

/** Kinds: same, stale, miss, late, none, as the style has them. A copy that has run out is none. */
export function kindOf(seen) {
  if (!seen || seen.kept === "nothing" || (seen.until_ms !== undefined && seen.until_ms <= now())) return "none";
  if (seen.kept === "late") return "late";
  if (seen.stale) return "stale";
  return seen.kept === "miss" ? "miss" : "same";
}

/** What the mark says as well, and a small screen has no room for. */
const spare = (text) => h("span", { class: "spare" }, text);

export function chip(seen, at) {
  const kind = kindOf(seen);
  const age = seen?.until_ms === undefined ? "" : span(seen.age_ms + now() - at);
  const [mark, text] = {
    none: ["", "–"],
    same: ["✓", [spare("same · "), age]],
    stale: ["!", [...(seen?.kept === "miss" ? ["miss"] : [spare("old "), version(seen?.version)]), ` · ${age}`]],
    miss: ["∅", [spare("miss · "), age]],
    late: ["…", `late: ${version(seen?.version)}`],
  }[kind];
  return h("span", { class: `chip ${kind}`, title: sentence(seen, at) }, mark ? h("b", { "aria-hidden": "true" }, mark) : null, h("span", {}, text));
}

export function sentence(seen, at) {
  const kind = kindOf(seen);
  if (kind === "none") return "Nothing is kept here: a read would ask the centre.";
  if (kind === "late") return `The last write has not arrived here: a read would be shown ${version(seen.version)}.`;
  const what = seen.kept === "miss" ? "that there is nothing under this key" : version(seen.version);
  const until = `for ${span(seen.until_ms - now())} more, until ${clockTime(seen.until_ms).slice(0, 8)}`;
  const old = kind === "stale" ? "An old copy: a read here is shown " : "A copy: a read here is shown ";
  return `${old}${what}, ${span(seen.age_ms + now() - at)} old, ${until}.`;
}

export function expiry(expiration) {
  const left = expiration * 1000 - now();
  return left <= 0 ? "expired" : `in ${span(left)}`;
}
