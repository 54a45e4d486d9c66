/** Bulk files, as `wrangler kv bulk put` takes them: into the namespace, and out of it. */
import { look, send } from "./api.mjs";
import { confirmed, h, open, replace, save, toast } from "./dom.mjs";
import { chosen, real, state } from "./state.mjs";
import { number } from "./time.mjs";

const PAGE = 1000;

export function importKeys(done) {
  const file = h("input", { type: "file", accept: ".json,application/json", required: true, "aria-label": "Bulk file" });
  const why = h("p", { class: "bad", role: "alert", hidden: true });
  open("Import a bulk file", (close) => h("form", {
    onsubmit: async (event) => {
      event.preventDefault();
      try {
        if (real() && !(await confirmed("Write into the real namespace?", "All keys of the file are written at Cloudflare.", "Write them"))) return;
        const query = state.namespace === null ? "" : `?namespace=${encodeURIComponent(state.namespace.id)}`;
        const answer = await (await send("POST", `keys/import${query}`, file.files[0], false)).json();
        toast(`${number(answer.written)} keys written`);
        close();
        done();
      } catch (error) { replace(why, error.message); why.hidden = false; }
    },
  },
    h("p", {}, "A JSON array of ", h("code", {}, "{key, value, expiration?, metadata?, base64?}"), ", up to 100,000 keys, all or nothing."),
    file, why,
    h("p", { class: "actions end" }, h("button", { type: "button", onclick: close }, "Cancel"), h("button", { class: "main" }, "Import"))), { class: "small-one" });
}

export async function exportKeys(prefix) {
  const parts = [];
  let cursor = "", count = 0;
  try {
    do {
      const page = await look("keys/entries", { ...chosen(), prefix, cursor, limit: PAGE });
      parts.push(page.entries.map((entry) => JSON.stringify(entry)).join(",\n"));
      count += page.entries.length;
      cursor = page.cursor;
    } while (cursor !== null);
    save(new Blob(["[\n", parts.filter(Boolean).join(",\n"), "\n]\n"], { type: "application/json" }), "keys.json");
    toast(`${number(count)} keys exported`);
  } catch (error) { toast(error.message, "error"); }
}
