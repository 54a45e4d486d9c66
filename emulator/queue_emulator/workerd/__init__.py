"""Any Worker, on the real runtime, over this KV: what `serve --worker` runs. Needs the extra `[workerd]`."""
