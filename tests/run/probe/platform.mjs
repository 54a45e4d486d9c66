// KV as `getPlatformProxy` gives it to a Node program, behind the same requests.
import { createServer } from "node:http";
import { getPlatformProxy } from "wrangler";

const { env } = await getPlatformProxy({ persist: false });
const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const { binding, method, args } = JSON.parse(Buffer.concat(chunks).toString() || "{}");
  try {
    const value = await operate(env[binding], method, args);
    response.end(JSON.stringify({ value: value instanceof Map ? Object.fromEntries(value) : (value ?? null) }));
  } catch (error) {
    response.end(JSON.stringify({ error: error.message }));
  }
});
server.listen(Number(process.argv[2]), "127.0.0.1", () => console.log(`Ready on http://127.0.0.1:${process.argv[2]}`));

async function operate(kv, method, args) {
  if (method === "putStream") return kv.put(args[0], args[1]); // a stream of Node's does not get to the runtime
  if (method === "getStream") return (await kv.get(args[0], "text")) ?? null;
  return kv[method](...args);
}
