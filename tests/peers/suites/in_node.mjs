// Runs one of the suites that ask the API, in Node: `in_node.mjs SUITE SETTINGS`. One line of JSON a case.
import { failure } from "./collected.mjs";

const { url, apiUrl, accountId, namespaceId, token } = JSON.parse(process.argv[3]);

const suites = {
  async "keyv-rest"() {
    const { keyv } = await import("./keyv.mjs");
    return keyv({ mode: "rest", accountId, namespaceId, apiToken: token, url: apiUrl });
  },
  async "unstorage-http"() {
    const { unstorage } = await import("./unstorage.mjs");
    const { default: driver } = await import("unstorage/drivers/cloudflare-kv-http");
    return unstorage((options) => driver({ accountId, namespaceId, apiToken: token, apiURL: url, ...options }), remaining);
  },
  async distilled() {
    const { distilled } = await import("./distilled.mjs");
    return distilled({ apiUrl, accountId, token });
  },
};

for (const [name, run] of await suites[process.argv[2]]()) {
  const forgotten = await fetch(`${url}/cdn-cgi/emulator/reset`, { method: "POST" });
  const why = forgotten.ok ? await failure(run) : `reset answered ${forgotten.status}`;
  console.log(JSON.stringify([name, why]));
}

async function remaining(key) {
  const headers = { Authorization: `Bearer ${token}` };
  const keys = await fetch(`${apiUrl}/accounts/${accountId}/storage/kv/namespaces/${namespaceId}/keys`, { headers });
  return (await keys.json()).result.find(({ name }) => name === key).expiration - Date.now() / 1000;
}
