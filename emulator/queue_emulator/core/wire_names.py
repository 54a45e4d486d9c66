"""Paths, headers and limits of the emulator itself that its clients must know, besides the Worker's own routes."""

CONTROL_PREFIX = "/cdn-cgi/emulator"  # a prefix that no Worker can own
CONNECTION_PREFIX = f"{CONTROL_PREFIX}/kv"  # KV for a Worker that is given a connection string
REASON_HEADER = "Emulator-Reason"  # an application's reason phrase, of which ASGI knows nothing; no client sees it
CONTROL_BODY_BYTES_MAX = 100 * 1024 * 1024  # as of a bulk write to Cloudflare's API
LOCATION_HEADER = "X-Emulator-Location"
MACHINE_HEADER = "X-Emulator-Machine"
API_PREFIX = "/client/v4"  # as of Cloudflare's API, which wrangler and the SDKs put it to the end of a host
INSPECTOR_HEADER = "X-Emulator-Inspector"  # with `reads`: the page looks again and again, and is not logged
INVOCATION = "emulator.invocation"  # what a request's scope calls the invocation that it is
API_LOCATION = "API"  # where faults and journal place what reaches the central store past every location
PROCESS_HEADER = "X-Emulator-Process"  # of a tool: whose Worker asks KV
