// Passes a request on to the namespace and key that its path names.
export default {
  async fetch(request, env) {
    const [binding, key] = new URL(request.url).pathname.slice(1).split("/").map(decodeURIComponent);
    if (request.method === "PUT") {
      await env[binding].put(key, await request.text());
    } else if (request.method === "DELETE") {
      await env[binding].delete(key);
    } else {
      const value = await env[binding].get(key);
      return value === null ? new Response("no such key", { status: 404 }) : new Response(value);
    }
    return new Response(null, { status: 204 });
  },
};
