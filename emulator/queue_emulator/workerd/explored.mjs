// The Worker under explore: its own fetch, whole answers, and nothing that happens after them. MAIN is its main module.
import { looked, stand } from "./emulator-clock.mjs";
import { draw, drew, idle } from "./emulator-held.mjs";
import * as all from "MAIN";
export * from "MAIN";

const worker = all.default;
const WITHOUT_BODY = new Set([101, 204, 205, 304]);
const THROWN = "X-Emulator-Thrown";
const REFUSED = "X-Emulator-Refused";
const BODY_BYTES_MAX = 64 * 1024 * 1024;
const SEEN = "X-Emulator-Seen"; // what the Worker's code has seen of clock and chance since it was told something

async function answer(request, ctx, serve) {
  const { emulator, ...cf } = request.cf;
  const { now, chance, probe, turns } = emulator;
  const since = stand(now);
  for (let turn = 0; turn < turns; turn++) await idle();
  if (probe) return new Response(null, { status: 204, headers: { [SEEN]: seen(looked() || since) } });
  draw(chance);
  const background = [];
  const held = new Proxy(ctx, {
    get(context, name) {
      if (name === "waitUntil") return (promise) => void background.push(Promise.resolve(promise).catch(() => {}));
      if (name === "passThroughOnException") return () => {};
      const value = Reflect.get(context, name, context);
      return typeof value === "function" ? value.bind(context) : value;
    },
  });
  let response;
  try {
    response = await serve(new Request(request, { cf }), held);
    if (!(response instanceof Response)) throw new TypeError("the handler did not return a Response");
  } catch (error) {
    response = new Response(String(error?.message ?? error), { status: 500, headers: { [THROWN]: "1" } });
  }
  while (background.length > 0) await background.shift();
  if (response.webSocket) return new Response(null, { status: 204, headers: { [REFUSED]: "a WebSocket" } });
  const body = WITHOUT_BODY.has(response.status) ? null : await whole(response);
  if (body === undefined) return new Response(null, { status: 204, headers: { [REFUSED]: `an answer of more than ${BODY_BYTES_MAX} bytes` } });
  response = new Response(body, response);
  response.headers.set(SEEN, seen(looked()));
  return response;
}

// The body as it comes, or undefined for one that goes on beyond the limit.
async function whole({ body }) {
  if (body === null) return null;
  const pieces = [];
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.byteLength;
    if (bytes > BODY_BYTES_MAX) return undefined;
    pieces.push(piece);
  }
  return pieces.length === 1 ? pieces[0] : new Blob(pieces).arrayBuffer();
}

function seen(clock) {
  return (clock ? "c" : "") + (drew() ? "r" : "");
}

const asClass = (Worker) =>
  class extends Worker {
    fetch(request) {
      return answer(request, this.ctx, (own, held) => {
        Object.defineProperty(this, "ctx", { value: held, configurable: true });
        return super.fetch(own);
      });
    }
  };

export default typeof worker === "function"
  ? asClass(worker)
  : { fetch: (request, env, ctx) => answer(request, ctx, (own, held) => worker.fetch(own, env, held)) };
