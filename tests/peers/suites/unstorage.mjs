// What unstorage's documentation says of every driver, through its two drivers for Workers KV: the package ships no tests.
// https://unstorage.unjs.io/guide and https://unstorage.unjs.io/drivers/cloudflare
import assert from "node:assert";
import { createStorage, prefixStorage, restoreSnapshot, snapshot } from "unstorage";
import { collected } from "./collected.mjs";

// `driver(options)` opens the driver; `remaining(key)` tells how many seconds a key has left, as KV tells it.
export function unstorage(driver, remaining) {
  const open = (options) => createStorage({ driver: driver(options) });
  return collected(({ it }) => {
    it("an item that was never set is null and not there", async () => {
      assert.deepEqual([await open().getItem("a"), await open().hasItem("a")], [null, false]);
    });
    it("texts, numbers and objects are read as they were set", async () => {
      const storage = open();
      for (const [key, value] of [["s", "text"], ["n", 12], ["o", { deep: [1, null] }], ["f", false]]) {
        await storage.setItem(key, value);
        assert.deepEqual(await storage.getItem(key), value);
        assert.equal(await storage.hasItem(key), true);
      }
    });
    it("an empty text is there", async () => {
      const storage = open();
      await storage.setItem("empty", "");
      assert.deepEqual([await storage.hasItem("empty"), await storage.getKeys()], [true, ["empty"]]);
    });
    it("a key with slashes is one with colons", async () => {
      const storage = open();
      await storage.setItem("a/b/c", "v");
      assert.deepEqual([await storage.getItem("a:b:c"), await storage.getKeys()], ["v", ["a:b:c"]]);
    });
    it("a key and a value beyond ASCII", async () => {
      const storage = open();
      await storage.setItem("ключ:é", "日本 😀");
      assert.deepEqual([await storage.getItem("ключ:é"), await storage.getKeys()], ["日本 😀", ["ключ:é"]]);
    });
    it("a removed item is not there", async () => {
      const storage = open();
      await storage.setItem("a", "1");
      await storage.removeItem("a");
      await storage.removeItem("never");
      assert.deepEqual([await storage.getItem("a"), await storage.getKeys()], [null, []]);
    });
    it("keys are listed below a base, across pages", async () => {
      const storage = open();
      const names = Array.from({ length: 12 }, (_, number) => `many:k${String(number).padStart(2, "0")}`);
      await Promise.all([...names, "other"].map((name) => storage.setItem(name, "v")));
      assert.deepEqual((await storage.getKeys("many")).sort(), names);
      assert.deepEqual((await storage.getKeys()).sort(), [...names, "other"]);
    });
    it("items are set and read together", async () => {
      const storage = open();
      await storage.setItems([{ key: "a", value: "1" }, { key: "b", value: { n: 2 } }]);
      assert.deepEqual(await storage.getItems(["a", "b", "c"]), [
        { key: "a", value: 1 },
        { key: "b", value: { n: 2 } },
        { key: "c", value: null },
      ]);
    });
    it("a base keeps two storages apart", async () => {
      const [one, two] = [open({ base: "one" }), open({ base: "two" })];
      await one.setItem("k", "1st");
      await two.setItem("k", "2nd");
      assert.deepEqual([await one.getItem("k"), await two.getItem("k")], ["1st", "2nd"]);
      await one.clear();
      assert.deepEqual([await one.getKeys(), await two.getItem("k")], [[], "2nd"]);
    });
    it("a storage below a prefix", async () => {
      const storage = open();
      await prefixStorage(storage, "p").setItem("k", "v");
      assert.deepEqual(await storage.getKeys(), ["p:k"]);
    });
    it("a snapshot is taken and restored", async () => {
      const storage = open();
      await restoreSnapshot(storage, { "s:a": "1st", "s:b": { n: 2 } });
      assert.deepEqual(await snapshot(storage, "s"), { a: "1st", b: { n: 2 } });
    });
    it("clear leaves nothing", async () => {
      const storage = open();
      await Promise.all(["a", "b:c"].map((name) => storage.setItem(name, "v")));
      await storage.clear();
      assert.deepEqual(await storage.getKeys(), []);
    });
    it("clear of a base clears what is mounted there, and nothing else", async () => {
      const storage = open();
      storage.mount("b", driver({ base: "mounted" }));
      await Promise.all(["a", "b:c"].map((name) => storage.setItem(name, "v")));
      await storage.clear("b");
      assert.deepEqual([await storage.getItem("a"), await storage.getItem("b:c")], ["v", null]);
    });
    it("metadata that unstorage keeps beside an item", async () => {
      const storage = open();
      await storage.setItem("k", "v");
      await storage.setMeta("k", { seen: 1 });
      assert.equal((await storage.getMeta("k")).seen, 1);
      assert.deepEqual(await storage.getKeys(), ["k"]);
    });
    it("bytes are read as they were set", async () => {
      const storage = open();
      const bytes = Uint8Array.from({ length: 256 }, (_, number) => number);
      await storage.setItemRaw("raw", bytes);
      assert.deepEqual([...new Uint8Array(await storage.getItemRaw("raw"))], [...bytes]);
    });
    it("a ttl becomes an expiration, and a short one a minute", async () => {
      const storage = open();
      await storage.setItem("hour", "v", { ttl: 3600 });
      await storage.setItem("short", "v", { ttl: 1 });
      const [hour, short] = [await remaining("hour"), await remaining("short")];
      assert.ok(hour > 3000 && hour <= 3600 && short > 0 && short <= 60, `${hour} and ${short} s are left`);
    });
  });
}
