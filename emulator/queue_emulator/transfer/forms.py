"""The one text form in which every command is told where data lies, in words."""

from queue_emulator import settings

DEFAULT_URL = f"http://{settings.DEFAULT_HOST}:{settings.DEFAULT_PORT}"

TARGETS = """\
  http://127.0.0.1:8787            a running emulator
  my.sqlite, state:FILE            an emulator's state file; state:FILE#NAMESPACE for another than CACHE
  .wrangler/state, wrangler:DIR    wrangler's local state (--persist-to); wrangler:DIR#NAMESPACE_ID if it has several
  cloudflare:NAMESPACE_ID          Cloudflare itself, by CLOUDFLARE_ACCOUNT_ID, CLOUDFLARE_API_TOKEN and, if set,
                                   CLOUDFLARE_API_BASE_URL"""

SOURCES = f"""\
{TARGETS}
  my.json, -                       a file as for `wrangler kv bulk put`, or standard input"""
