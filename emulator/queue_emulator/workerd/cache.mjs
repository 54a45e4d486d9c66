// What stands behind the Cache API: it takes everything and has nothing. A cache may forget at any time.
// The runtime asks it with GET, PUT and PURGE: https://github.com/cloudflare/workerd/blob/main/src/workerd/api/cache.c%2B%2B
export default {
  fetch({ method }) {
    if (method === "PUT") return new Response(null, { status: 204 });
    if (method === "PURGE") return new Response(null, { status: 404 });
    return new Response(null, { status: 504, headers: { "CF-Cache-Status": "MISS" } });
  },
};
