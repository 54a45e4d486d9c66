"""What the API refuses, and how: Cloudflare's code, HTTP status and text.

Codes and texts as seen in answers of the real API between 2020 and 2026, for example in cloudflare/workers-sdk issues
13242 and 13252 (10014) and in the tests of alchemy-run/distilled, which run against it. It says `<operation>: '<what KV
says>'`. What nobody has published is marked "ours": then the code is of Cloudflare's older list of KV's error codes.
"""

from collections.abc import Mapping, Sequence

from queue_emulator.core.errors import (
    Base64Error,
    BulkGetError,
    BulkGetLengthError,
    CursorError,
    EmulatorError,
    ExpirationError,
    ExpirationTtlError,
    JavaScriptError,
    KeyLengthError,
    KeyNameError,
    KVError,
    MetadataLengthError,
    NamespaceError,
    QuotaError,
    ValueLengthError,
)
from queue_emulator.core.javascript import Json, stringify_json
from queue_emulator.core.json_text import JsonText
from queue_emulator.core.limits import BULK_KEYS_MAX


class Refusal(EmulatorError):
    """A request that is not done; `chain` are codes and texts of what is behind it."""

    def __init__(
        self,
        status: int,
        code: int,
        message: str,
        headers: Mapping[str, str] | None = None,
        *,
        chain: Sequence[tuple[int, str]] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})
        self._chain = chain

    def as_json(self) -> dict[str, Json]:
        """The error as an envelope holds it; what is behind it, if anything is, as `error_chain`."""
        error: dict[str, Json] = {"code": self.code, "message": str(self)}
        if self._chain:
            error["error_chain"] = [{"code": code, "message": message} for code, message in self._chain]
        return error


def no_credentials() -> Refusal:
    return Refusal(400, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers")


def malformed_credentials() -> Refusal:
    """As a token that the wrong client option sends: cloudflare/cloudflare-typescript issue 161."""
    chain = ((6111, "Invalid format for Authorization header"),)
    return Refusal(400, 6003, "Invalid request headers", chain=chain)


def unauthorized() -> Refusal:
    return Refusal(401, 10000, "Authentication error")


def too_many_requests() -> Refusal:
    """`x-should-retry` tells the official SDKs at once what they would find out after minutes."""
    message = "Please wait and consider throttling your request speed"
    return Refusal(429, 971, message, {"x-should-retry": "false"})


def no_route() -> Refusal:
    return Refusal(404, 7000, "No route for that URI")


def no_such_account(path: str) -> Refusal:
    return Refusal(404, 7003, f"Could not route to {path}, perhaps your object identifier is invalid?")


def wrong_method(method: str, allowed: str) -> Refusal:
    there = f"; allowed: {allowed}" if allowed else ""
    return Refusal(405, 10405, f"Method {method} not allowed{there}", {"Allow": allowed})  # text ours


def malformed_namespace(given: str) -> Refusal:
    reason = f"invalid namespace format: {given}"
    return Refusal(400, 10011, f"could not parse UUID from request's namespace_id: '{reason}'")


def no_namespace(operation: str) -> Refusal:
    return Refusal(404, 10013, f"{operation}: 'namespace not found'")


def no_key() -> Refusal:
    return Refusal(404, 10009, "get: 'key not found'")


def bad_body(operation: str, why: str) -> Refusal:
    return Refusal(400, 10012, f"{operation}: '{why}'")  # text ours


def too_long(operation: str, why: str) -> Refusal:
    return Refusal(413, 10024, f"{operation}: '{why}'")  # ours


def too_many_keys(operation: str, count: str) -> Refusal:
    why = f"You can send a maximum of {BULK_KEYS_MAX} keys, not {count}"
    return Refusal(400, 10020, f"{operation}: '{why}'")  # ours


def too_many_pairs(count: str) -> Refusal:
    most = f"received {count} key/value pairs, but max allowed per request is: {BULK_KEYS_MAX}"
    return Refusal(400, 10012, f"bulk put: '{most}'")


def bad_base64(entry: Mapping[str, Json | JsonText], error: Base64Error) -> Refusal:
    """The service is written in Go, and these are its words."""
    assert isinstance(entry["key"], str)
    key = stringify_json(entry["key"])
    why = f"could not base64 decode value for key: {key}, err: 'illegal base64 data at input byte {error.at}'"
    return Refusal(400, 10012, f"bulk put: '{why}'")


def bad_parameter(name: str, operation: str, given: str, allowed: str) -> Refusal:
    return Refusal(400, _PARAMETERS[name], f"{operation}: 'Invalid {name} of {given[:80]}. Please specify {allowed}.'")


def no_title() -> Refusal:
    return Refusal(400, 10019, "request is missing a title definition")


def bad_request(operation: str, why: str) -> Refusal:
    return Refusal(400, 10029, f"{operation}: '{why}'")


def bad_metadata() -> Refusal:
    return Refusal(400, 10147, "metadata must be valid json")


def of_namespace(operation: str, error: NamespaceError) -> Refusal:
    """10014 has come without the operation since 2026."""
    if error.why == "gone":
        return no_namespace(operation)
    codes = {"title taken": 10014, "too many": 10018, "bound": 10052}
    return Refusal(400, codes[error.why], str(error) if error.why == "title taken" else f"{operation}: '{error}'")


def of_kv(operation: str, error: JavaScriptError) -> Refusal:
    """What KV refused or failed to do."""
    if isinstance(error, QuotaError):
        message = "your account has reached the free usage limit for this operation for today"
        return Refusal(429, 10048, message, {"x-should-retry": "false"})
    if not isinstance(error, KVError):
        return bad_body(operation, str(error))
    code = _TOO_MANY_REQUESTS if error.status == 429 else _CODES.get(type(error), _UNAVAILABLE)
    again = {"Retry-After": "1"} if error.status == 429 else {}
    return Refusal(error.status, code, f"{operation}: '{error.reason}'", again)


def defect() -> Refusal:
    return Refusal(500, _UNAVAILABLE, "service temporarily unavailable")


_UNAVAILABLE = 10001
_TOO_MANY_REQUESTS = 10022

_CODES: Mapping[type[KVError], int] = {
    ExpirationTtlError: 10034,
    ExpirationError: 10033,
    MetadataLengthError: 10047,  # ours
    ValueLengthError: 10024,  # ours
    KeyLengthError: 10030,  # ours
    KeyNameError: 10042,  # ours
    CursorError: 10041,  # ours
    BulkGetError: 10029,
    BulkGetLengthError: 10024,  # ours
}

_PARAMETERS = {  # all ours
    "page": 10007,
    "per_page": 10008,
    "limit": 10028,
    "order": 10043,
    "direction": 10044,
    "expiration": 10033,
    "expiration_ttl": 10034,
}
