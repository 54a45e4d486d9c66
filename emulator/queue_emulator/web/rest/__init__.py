"""/client/v4/…: Cloudflare's REST API for Workers KV, as wrangler and the official SDKs speak it.

https://developers.cloudflare.com/api/resources/kv/
"""
