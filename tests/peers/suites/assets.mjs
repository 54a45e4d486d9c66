// @cloudflare/kv-asset-handler in a Worker: a site's files served from KV. The package ships no tests.
import assert from "node:assert";
import { getAssetFromKV, MethodNotAllowedError, NotFoundError, serveSinglePageApp } from "@cloudflare/kv-asset-handler";
import { collected } from "./collected.mjs";

const MANIFEST = { "index.html": "index.1a2b.html", "img/bär.png": "img/bär.3c4d.png", "app.js": "app.5e6f.js" };

export function assets(kv, ctx) {
  const files = { "index.1a2b.html": "<p>home", "img/bär.3c4d.png": new Uint8Array([137, 80, 0, 255]).buffer };
  const ask = (path, options = {}, method = "GET") => {
    const request = new Request(`https://example.com${path}`, { method });
    const event = { request, waitUntil: (promise) => ctx.waitUntil(promise) };
    return getAssetFromKV(event, { ASSET_NAMESPACE: kv, ASSET_MANIFEST: JSON.stringify(MANIFEST), ...options });
  };
  return collected(({ beforeEach, it }) => {
    beforeEach(async () => {
      for (const [key, value] of Object.entries(files)) await kv.put(key, value);
    });
    it("the root is index.html, with its type", async () => {
      const answer = await ask("/");
      assert.deepEqual([answer.status, await answer.text()], [200, "<p>home"]);
      assert.equal(answer.headers.get("Content-Type"), "text/html; charset=utf-8");
      assert.equal(answer.headers.get("CF-Cache-Status"), "MISS");
    });
    it("bytes under an encoded path are read as they were put", async () => {
      const answer = await ask("/img/b%C3%A4r.png");
      assert.deepEqual([...new Uint8Array(await answer.arrayBuffer())], [137, 80, 0, 255]);
      assert.deepEqual([answer.headers.get("Content-Type"), answer.headers.get("Content-Length")], ["image/png", "4"]);
    });
    it("a file that is in the manifest and not in KV is NotFoundError", () => assert.rejects(ask("/app.js"), NotFoundError));
    it("a file that is nowhere is NotFoundError", () => assert.rejects(ask("/never.css"), NotFoundError));
    it("a POST is MethodNotAllowedError", () => assert.rejects(ask("/", {}, "POST"), MethodNotAllowedError));
    it("a single page app has one page", async () => {
      const answer = await ask("/some/where", { mapRequestToAsset: serveSinglePageApp });
      assert.equal(await answer.text(), "<p>home");
    });
    it("without a manifest the path is the key", async () => {
      await kv.put("plain.txt", "plain");
      const answer = await ask("/plain.txt", { ASSET_MANIFEST: "{}", cacheControl: { browserTTL: 60 } });
      assert.deepEqual([await answer.text(), answer.headers.get("Cache-Control")], ["plain", "max-age=60"]);
    });
    it("HEAD has the headers", async () => {
      assert.equal((await ask("/", {}, "HEAD")).headers.get("Content-Type"), "text/html; charset=utf-8");
    });
  });
}
