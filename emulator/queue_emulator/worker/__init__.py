"""The Worker: a task queue over one KV binding. Knows no HTTP server, no SQL and no location."""
