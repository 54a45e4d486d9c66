"""Somebody else's tool, such as wrangler, Vite or Vitest, over this KV: what `run -- COMMAND` starts and hears of."""
