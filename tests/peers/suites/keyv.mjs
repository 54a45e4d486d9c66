// Keyv's own suite for storage adapters, unchanged, on its adapter for Workers KV. Each group has its own hooks.
import KeyvCloudflareKV from "@keyv/cloudflare-kv";
import { keyvApiTests, keyvIteratorTests, keyvNamespaceTest, keyvValueTests } from "@keyv/test-suite";
import { Keyv } from "keyv";
import { collected } from "./collected.mjs";

const GROUPS = { api: keyvApiTests, values: keyvValueTests, namespace: keyvNamespaceTest, iterator: keyvIteratorTests };

// `options` are the adapter's: a binding, or an account with a token.
export function keyv(options) {
  const cases = new Map();
  for (const [group, suite] of Object.entries(GROUPS)) {
    const found = collected((test) => suite(test, Keyv, () => new KeyvCloudflareKV(options)));
    for (const [name, run] of found) cases.set(`${group}: ${name}`, run);
  }
  return cases;
}
