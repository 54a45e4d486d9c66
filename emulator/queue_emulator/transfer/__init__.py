"""Moving the data of a namespace: bulk-put files, emulators, state files, wrangler's local state, Cloudflare."""
