// What the benchmark does to a Worker's KV from inside the runtime: fill it, empty it, and time pages of a list.

const AT_ONCE = 50;

export default {
  async fetch(request, { CACHE: cache }) {
    const action = actions[new URL(request.url).pathname];
    return Response.json(await action(cache, await request.json()));
  },
};

const actions = {
  // As for a bulk put.
  "/seed": (cache, entries) =>
    eachOf(entries, ({ key, value, expiration_ttl: expirationTtl }) => cache.put(key, value, { expirationTtl })),

  "/empty": async (cache) => {
    let page;
    do {
      page = await cache.list();
      await eachOf(page.keys, ({ name }) => cache.delete(name));
    } while (!page.list_complete);
    return {};
  },

  // One page after the other; the time of them all, in milliseconds. Time stands still here between I/O.
  "/pages": async (cache, requests) => {
    await cache.list({ limit: 1 });
    const begun = Date.now();
    let keys = 0;
    for (const each of requests) keys += (await cache.list(each)).keys.length;
    return { elapsed_ms: Date.now() - begun, keys };
  },
};

async function eachOf(items, call) {
  for (let from = 0; from < items.length; from += AT_ONCE) {
    await Promise.all(items.slice(from, from + AT_ONCE).map(call));
  }
  return {};
}
