/** Writing a key as the API does: value, metadata and lifetime, which are kept unless they are changed. */
import { change, look } from "./api.mjs";
import { confirmed, field, h, oneLine, open, replace, select, toast } from "./dom.mjs";
import { chosen, now, real } from "./state.mjs";
import { span } from "./time.mjs";

const TTL_MIN_S = 60;

/** `told` is the key as the controls tell it; null: a new one. */
export async function editKey(told, done) {
  if (told?.entry?.cut) {
    try { told = await look("keys/read", { ...chosen(), key: told.key, whole: true }); } catch (error) { toast(error.message, "error"); return; }
  }
  const entry = told?.entry ?? null;
  const key = h("input", { class: "mono", required: true, value: told === null ? "" : oneLine(told.key), id: "edit-key", spellcheck: "false" });
  key.readOnly = told !== null;
  const breaks = breaksOf(entry?.text ?? ""), binary = entry !== null && (entry.text === undefined || breaks === null);
  const value = h("textarea", { spellcheck: "false", value: binary ? entry.base64 ?? base64(entry.text) : entry?.text ?? "", rows: 10 });
  const coding = select([["text", "Text"], ["base64", "Base64"]], { chosen: binary ? "base64" : "text" });
  const metadata = h("input", { class: "mono", value: entry?.metadata === undefined ? "" : JSON.stringify(entry.metadata), placeholder: "none, or JSON such as {\"a\": 1}", spellcheck: "false" });
  const lifetime = lifetimeOf(entry);
  const why = h("p", { class: "bad", role: "alert", hidden: true });
  open(told === null ? "Add a key" : "Write this key", (close) => h("form", {
    onsubmit: async (event) => {
      event.preventDefault();
      try {
        const written = coding.value === "text" && !binary ? value.value.replaceAll("\n", breaks) : value.value;
        const body = { ...chosen(), key: told?.key ?? key.value, [coding.value]: written, ...lifetime.told() };
        if (metadata.value.trim()) body.metadata = JSON.parse(metadata.value);
        if (real() && !(await confirmed("Write into the real namespace?", `${oneLine(body.key)} is written at Cloudflare, for everybody who uses it.`, "Write it"))) return;
        await change("POST", "keys/write", body);
        toast("Written, as the API does it");
        close();
        done();
      } catch (error) {
        replace(why, error instanceof SyntaxError ? `The metadata is not JSON: ${error.message}` : error.message);
        why.hidden = false;
      }
    },
  },
    field("Key", key), field("Value", value),
    h("div", { class: "form-grid" }, field("Value is", coding), field("Metadata", metadata), lifetime.element),
    why,
    h("p", { class: "actions end" }, h("button", { type: "button", onclick: close }, "Cancel"), h("button", { class: "main" }, "Write"))));
}

/** The line break of a text, which a text area does not keep; null: there are several kinds. */
function breaksOf(text) {
  const kinds = new Set(text.match(/\r\n|\r|\n/g) ?? ["\n"]);
  return kinds.size === 1 ? [...kinds][0] : null;
}

function base64(text) {
  let bytes = "";
  for (const byte of new TextEncoder().encode(text)) bytes += String.fromCharCode(byte);
  return btoa(bytes);
}

function lifetimeOf(entry) {
  const left = entry?.expiration ? entry.expiration - Math.floor(now() / 1000) : null;
  const seconds = h("input", { type: "number", min: TTL_MIN_S, value: 3600, "aria-label": "Seconds" });
  const kept = left !== null && left > TTL_MIN_S;
  const kind = select([...(kept ? [["keep", `as it is: in ${span(left * 1000)}`]] : []), ["ttl", "in so many seconds"], ["never", "never"]],
    { chosen: kept ? "keep" : left !== null ? "ttl" : "never", onchange: () => shown() });
  const secondsField = field("Seconds", seconds);
  const shown = () => { secondsField.hidden = kind.value !== "ttl"; };
  shown();
  return {
    element: h("div", { class: "form-grid" }, field("Expires", kind, "KV takes no lifetime under 60 seconds"), secondsField),
    told() {
      if (kind.value === "keep") return { expiration: entry.expiration };
      return kind.value === "ttl" ? { expiration_ttl: Number(seconds.value) } : {};
    },
  };
}
