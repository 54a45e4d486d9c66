"""The text forms of endpoints, the same for every command, and the help text that lists them."""

from queue_emulator import settings

DEFAULT_URL = f"http://{settings.DEFAULT_HOST}:{settings.DEFAULT_PORT}"

TARGETS = """\
  http://127.0.0.1:8787            a running emulator
  my.sqlite, state:FILE            a state file of the emulator; its namespace CACHE, or state:FILE#NAMESPACE
  .wrangler/state, wrangler:DIR    local state of wrangler (--persist-to); wrangler:DIR#NAMESPACE_ID selects a namespace
  cloudflare:NAMESPACE_ID          a real namespace; needs CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN, takes
                                   CLOUDFLARE_API_BASE_URL"""

SOURCES = f"""\
{TARGETS}
  my.json, -                       a `wrangler kv bulk put` file, or standard input"""

TARGETS_HELP = f"ENDPOINT is one of:\n{TARGETS}"
SOURCES_HELP = f"ENDPOINT is one of:\n{SOURCES}"
