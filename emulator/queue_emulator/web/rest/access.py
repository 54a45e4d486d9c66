"""Who may use the API: whoever knows its token, compared in constant time. Without a token it is closed.

https://developers.cloudflare.com/fundamentals/api/get-started/create-token/ and .../api/get-started/keys/
"""

import hmac
import re

from starlette.datastructures import Headers

from queue_emulator.web.rest import refusals

_BEARER = re.compile(r"bearer +(\S+)", re.IGNORECASE)


def check_access(headers: Headers, token: str | None) -> None:
    """`Authorization: Bearer <token>`, or any X-Auth-Email with the token as X-Auth-Key; raises Refusal."""
    authorization = headers.get("authorization", "").strip()
    bearer = _BEARER.fullmatch(authorization)
    offered = [bearer[1]] if bearer else []
    if headers.get("x-auth-email") and headers.get("x-auth-key"):
        offered.append(headers["x-auth-key"])
    if not offered:
        raise refusals.malformed_credentials() if authorization else refusals.no_credentials()
    if not token or not any(hmac.compare_digest(each.encode(), token.encode()) for each in offered):
        raise refusals.unauthorized()
