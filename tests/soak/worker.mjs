// A Worker that reads and writes one key, and makes as many operations at once as it is asked for.
export default {
  async fetch(request, env) {
    const key = new URL(request.url).searchParams.get("key") ?? "soak";
    const many = Number(new URL(request.url).searchParams.get("many") ?? 1);
    if (request.method === "POST") {
      const sent = await request.text().catch(() => null); // a client that goes half-way is no fault of this Worker's
      if (sent !== null) await env.CACHE.put(key, sent);
    }
    const got = await Promise.all(Array.from({ length: many }, (_, each) => env.CACHE.get(many > 1 ? `${key}-${each}` : key)));
    return new Response(`${got.length} ${got[0]}`);
  },
};
