// The client of @distilled.cloud/cloudflare: each of its calls for KV, and its errors, which it tells apart by codes.
import assert from "node:assert";
import { fromApiToken } from "@distilled.cloud/cloudflare/Credentials";
import * as KV from "@distilled.cloud/cloudflare/kv";
import { Effect, Layer, Stream } from "effect";
import * as FetchHttpClient from "effect/unstable/http/FetchHttpClient";
import { collected } from "./collected.mjs";

export function distilled({ apiUrl, accountId, token }) {
  const live = Layer.mergeAll(FetchHttpClient.layer, fromApiToken({ apiToken: token, apiBaseUrl: apiUrl }));
  const run = (effect) => Effect.runPromise(effect.pipe(Effect.provide(live)));
  const call = (name, request) => run(KV[name]({ accountId, ...request }));
  const tag = (name, request) => run(Effect.flip(KV[name]({ accountId, ...request })).pipe(Effect.map((e) => e._tag)));
  const fresh = async (title = "fresh") => (await call("createNamespace", { title })).id;

  return collected(({ it }) => {
    it("a namespace is created, read, renamed, listed and deleted", async () => {
      const namespaceId = await fresh("one");
      assert.equal((await call("getNamespace", { namespaceId })).title, "one");
      await call("updateNamespace", { namespaceId, title: "two" });
      assert.ok((await call("listNamespaces", {})).result.some(({ id, title }) => id === namespaceId && title === "two"));
      await call("deleteNamespace", { namespaceId });
      assert.equal(await tag("getNamespace", { namespaceId }), "NamespaceNotFound");
    });
    it("pages of namespaces end", async () => {
      for (let number = 0; number < 5; number++) await fresh(`n${number}`);
      const pages = KV.listNamespaces.items({ accountId, perPage: 2 }).pipe(Stream.runCollect);
      const titles = [...(await run(pages))].map(({ title }) => title).filter((title) => /^n\d$/.test(title));
      assert.deepEqual(titles.sort(), ["n0", "n1", "n2", "n3", "n4"]);
    });
    it("a value is put with metadata and a lifetime, read, listed and deleted", async () => {
      const where = { namespaceId: await fresh(), keyName: "a/b é" };
      await call("putNamespaceValue", { ...where, value: "välue", metadata: { m: [1] }, expirationTtl: 3600 });
      assert.equal(await text(await call("getNamespaceValue", where)), "välue");
      assert.deepEqual(await call("getNamespaceMetadata", where), { m: [1] });
      const [listed] = (await call("listNamespaceKeys", { namespaceId: where.namespaceId })).result;
      assert.deepEqual([listed.name, listed.metadata], ["a/b é", { m: [1] }]);
      assert.ok(listed.expiration > Date.now() / 1000 + 3000);
      await call("deleteNamespaceValue", where);
      assert.equal(await tag("getNamespaceValue", where), "KeyNotFound");
    });
    it("a file is put as it is", async () => {
      const where = { namespaceId: await fresh(), keyName: "file" };
      await call("putNamespaceValue", { ...where, value: new File(["bytes"], "name.bin"), metadata: { name: "name.bin" } });
      assert.equal(await text(await call("getNamespaceValue", where)), "bytes");
    });
    it("keys are listed by prefix, in pages that end", async () => {
      const namespaceId = await fresh();
      const body = Array.from({ length: 25 }, (_, number) => ({ key: `p${String(number).padStart(2, "0")}`, value: "v" }));
      await call("bulkPutNamespaceKeys", { namespaceId, body: [...body, { key: "other", value: "v" }] });
      const pages = KV.listNamespaceKeys.items({ accountId, namespaceId, prefix: "p", limit: 10 });
      const names = [...(await run(pages.pipe(Stream.runCollect)))].map(({ name }) => name);
      assert.deepEqual(names, body.map(({ key }) => key));
    });
    it("many are put, read and deleted together, by either path", async () => {
      const namespaceId = await fresh();
      for (const [put, get, remove] of [
        ["bulkPutNamespaces", "bulkGetNamespaces", "bulkDeleteNamespaces"],
        ["bulkPutNamespaceKeys", "bulkGetNamespaceKeys", "bulkDeleteNamespaceKeys"],
      ]) {
        const done = await call(put, { namespaceId, body: [{ key: "a", value: "1" }, { key: "b", value: "Mg==", base64: true }] });
        assert.deepEqual([done.successfulKeyCount, done.unsuccessfulKeys], [2, []]);
        assert.deepEqual((await call(get, { namespaceId, keys: ["a", "b"] })).values, { a: "1", b: "2" });
        assert.equal((await call(remove, { namespaceId, body: ["a", "b"] })).successfulKeyCount, 2);
        assert.deepEqual((await call("listNamespaceKeys", { namespaceId })).result, []);
      }
    });
    it("its errors are told apart", async () => {
      const namespaceId = await fresh("taken");
      const nowhere = { namespaceId: "0".repeat(32), keyName: "k" };
      const found = {
        missing: await tag("getNamespaceValue", { namespaceId, keyName: "never" }),
        metadataOfMissing: await tag("getNamespaceMetadata", { namespaceId, keyName: "never" }),
        nowhere: await tag("getNamespaceValue", nowhere),
        putNowhere: await tag("putNamespaceValue", { ...nowhere, value: "v", metadata: {} }),
        taken: await tag("createNamespace", { title: "taken" }),
        untitled: await tag("createNamespace", { title: "" }),
        tooShort: await tag("putNamespaceValue", { namespaceId, keyName: "k", value: "v", metadata: {}, expirationTtl: 10 }),
        noKeys: await tag("bulkGetNamespaces", { namespaceId, keys: [] }),
      };
      assert.deepEqual(found, {
        missing: "KeyNotFound",
        metadataOfMissing: "KeyNotFound",
        nowhere: "NamespaceNotFound",
        putNowhere: "NamespaceNotFound",
        taken: "NamespaceTitleAlreadyExists",
        untitled: "TitleRequired",
        tooShort: "InvalidExpirationTtl",
        noKeys: "MinimumKeysRequired",
      });
    });
    it("no keys and unknown keys are no error in bulk", async () => {
      const namespaceId = await fresh();
      await call("bulkPutNamespaceKeys", { namespaceId, body: [] });
      await call("bulkDeleteNamespaceKeys", { namespaceId, body: [] });
      assert.equal((await call("bulkDeleteNamespaceKeys", { namespaceId, body: ["never"] })).successfulKeyCount, 1);
    });
  });
}

// What the client hands over for an answer that is no envelope.
async function text(value) {
  if (typeof value === "string") return value;
  if (value instanceof Uint8Array || value instanceof ArrayBuffer) return new TextDecoder().decode(value);
  if (typeof value?.text === "function") return value.text();
  return JSON.stringify(value);
}
