"""Who may use the API: whoever knows its token, compared in constant time. Without a token it is closed.

https://developers.cloudflare.com/fundamentals/api/get-started/create-token/ and .../api/get-started/keys/
"""

import hmac

from starlette.datastructures import Headers


def allowed(headers: Headers, token: str | None) -> bool:
    """`Authorization: Bearer <token>`, or any X-Auth-Email with the token as X-Auth-Key."""
    if not token:
        return False
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    offered = [bearer.strip()] if scheme.lower() == "bearer" else []
    if headers.get("x-auth-email"):
        offered.append(headers.get("x-auth-key", ""))
    return any(hmac.compare_digest(each.encode(), token.encode()) for each in offered)
