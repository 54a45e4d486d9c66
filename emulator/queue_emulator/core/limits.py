"""The service's numbers: name with unit, value, source. Relations that must hold are asserted at the end.

Sources, as of 2026-11:
  [limits]   https://developers.cloudflare.com/kv/platform/limits/
  [write]    https://developers.cloudflare.com/kv/api/write-key-value-pairs/
  [list]     https://developers.cloudflare.com/kv/api/list-keys/
  [read]     https://developers.cloudflare.com/kv/api/read-key-value-pairs/
  [workers]  https://developers.cloudflare.com/workers/platform/limits/
  [workerd]  https://github.com/cloudflare/workerd, src/workerd/api/kv.c++
  [api]      https://developers.cloudflare.com/api/resources/kv/
  [rate]     https://developers.cloudflare.com/fundamentals/api/reference/limits/
  [ours]     not published by Cloudflare: chosen here
"""

KEY_BYTES_MAX = 512  # [limits]
VALUE_BYTES_MAX = 25 * 1024 * 1024  # [limits]
METADATA_BYTES_MAX = 1024  # [limits], of the serialized JSON

TTL_S_MIN = 60  # [write]
CACHE_TTL_S_MIN = 30  # [limits], 60 before 2026-01-30
CACHE_TTL_S_DEFAULT = 60  # [read]

LIST_LIMIT_MAX = 1000  # [list]
LIST_LIMIT_DEFAULT = 1000  # [list]

NAMESPACES_MAX = 1000  # [limits], an account
TITLE_CHARACTERS_MAX = 512  # [api]

BULK_GET_KEYS_MAX = 100  # [read]
BULK_GET_BYTES_MAX = 25 * 1024 * 1024  # cloudflare/workers-sdk pull request 13466
BULK_KEYS_MAX = 10_000  # [api], written or deleted at once
BULK_BYTES_MAX = 100 * 1024 * 1024  # [api], of a bulk write

API_LIST_LIMIT_MIN = 10  # [api]
API_REQUESTS_MAX = 1_200  # [rate], in API_REQUESTS_MS
API_REQUESTS_MS = 300_000  # [rate], and for as long as that nothing is answered once there were more

OPERATIONS_PER_INVOCATION_MAX = 1000  # [limits], a bulk get counts as one
WRITES_TO_ONE_KEY_INTERVAL_MS = 1000  # [write], one write a second

INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1  # [workerd]: numeric options are 32-bit

TOMBSTONE_LIFE_MS = 3_600_000  # [ours]: how long a list still walks a deleted or expired key
JOURNAL_EVENTS_MAX = 50_000  # [ours]
EDGE_COPIES_MAX = 100_000  # [ours]: what one location keeps, least recently used first out
EDGE_PAGES_MAX = 1_000  # [ours]
EDGE_BYTES_MAX = 64 * 1024 * 1024  # [ours], of values and of pages each

JSON_VALUES_MAX = 250_000  # [ours]: in one body; a Worker of 128 MB cannot hold many times more
BULK_JSON_VALUES_MAX = 5_000_000  # [ours]: in one body of bulk data, of which each entry may hold JSON_VALUES_MAX
SEED_ENTRIES_MAX = 100_000  # [ours]: by one request to the controls; each takes hundreds of bytes in memory
JSON_DEPTH_MAX = 900  # [ours]: how deep arrays and objects of one body may be nested
METER_ROUTES_MAX = 200  # [ours]

BUDGET_TEXT = (
    "Too many API requests by single Worker invocation. To configure this limit, refer to "
    "https://developers.cloudflare.com/workers/wrangler/configuration/#limits"
)  # as reported by users in 2026; the second sentence is newer

assert CACHE_TTL_S_MIN <= CACHE_TTL_S_DEFAULT
assert LIST_LIMIT_DEFAULT <= LIST_LIMIT_MAX
assert KEY_BYTES_MAX < METADATA_BYTES_MAX < VALUE_BYTES_MAX
assert BULK_GET_KEYS_MAX <= OPERATIONS_PER_INVOCATION_MAX
assert API_LIST_LIMIT_MIN <= LIST_LIMIT_DEFAULT
