/** The controls. A token that was typed in is kept in memory and sent as a header; keys and values go in bodies. */
import { h, open } from "./dom.mjs";

const HERE = new URL(".", location.href).pathname;
let token = null;
let asking = null;

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** What only looks; the emulator does not log it. */
export const look = (path, body) => ask(body === undefined ? "GET" : "POST", path, body, true);
/** What changes something. */
export const change = (method, path, body) => ask(method, path, body, false);

export async function ask(method, path, body, quiet) {
  const response = await send(method, path, body, quiet);
  const type = response.headers.get("content-type") ?? "";
  return type.startsWith("application/json") ? response.json() : response.text();
}

/** The response itself, once it is not a refusal; asks for the token where one is needed. */
export async function send(method, path, body, quiet, signal) {
  for (;;) {
    const headers = {};
    if (quiet) headers["X-Emulator-Inspector"] = "reads";
    if (token !== null) headers.Authorization = `Bearer ${token}`;
    if (body !== undefined && !(body instanceof Blob)) headers["Content-Type"] = "application/json";
    const sent = body === undefined || body instanceof Blob ? body : JSON.stringify(body);
    const response = await fetch(HERE + path, { method, headers, body: sent, signal, cache: "no-store" });
    if (response.status === 401) {
      const why = token === null ? "" : "That is not the token.";
      asking ??= typed(why).finally(() => { asking = null; });
      token = await asking;
      continue;
    }
    if (response.ok) return response;
    let why = `HTTP ${response.status}`;
    try { why = (await response.json()).error ?? why; } catch { /* no JSON: the status says it */ }
    throw new Refused(response.status, why);
  }
}

/** Lines of NDJSON as they come; `each` gets those together that came together. */
export async function lines(response, each) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    const parsed = parts.filter(Boolean).map((line) => JSON.parse(line));
    if (parsed.length) each(parsed);
  }
}

function typed(why) {
  return new Promise((resolve) => {
    const input = h("input", { type: "password", autocomplete: "off", required: true, id: "token", autofocus: true });
    const dialog = open("The token of this emulator", (close) => h("form", {
      onsubmit: (event) => { event.preventDefault(); resolve(input.value.trim()); close(); },
    },
      h("p", {}, "From another machine the controls open only with the value of ", h("code", {}, "EMULATOR_CONTROL_TOKEN"),
        ". It is kept in memory until you close this page."),
      why ? h("p", { class: "bad", role: "alert" }, why) : null,
      h("label", { class: "field" }, "Token", input),
      h("p", { class: "actions end" }, h("button", { class: "main" }, "Open"))), { class: "small-one" });
    dialog.addEventListener("cancel", (event) => event.preventDefault());
  });
}
