"""What the API refuses, and how: Cloudflare's code, HTTP status and text.

Codes and texts as seen in answers of the real API between 2020 and 2026, for example in cloudflare/workers-sdk issues
13242 and 13252 (10014) and in the tests of alchemy-run/distilled, which run against it. It says `<operation>: '<what KV
says>'`. What nobody has published is marked "ours": then the code is of Cloudflare's older list of KV's error codes.
"""

from collections.abc import Mapping

from queue_emulator.core.errors import EmulatorError, JavaScriptError, KVError, NamespaceError, QuotaError


class Refusal(EmulatorError):
    """A request that is not done."""

    def __init__(self, status: int, code: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})


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


def too_many_keys(operation: str, why: str) -> Refusal:
    return Refusal(400, 10020, f"{operation}: '{why}'")  # ours


def bad_parameter(name: str, operation: str, given: str, allowed: str) -> Refusal:
    return Refusal(400, _PARAMETERS[name], f"{operation}: 'Invalid {name} of {given[:80]}. Please specify {allowed}.'")


def no_title(operation: str) -> Refusal:
    return Refusal(400, 10019, f"{operation}: 'namespace title is required'")  # text ours


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
    code = next((code for words, code in _REASONS if error.reason.startswith(words)), _UNAVAILABLE)
    again = {"Retry-After": "1"} if error.status == 429 else {}
    return Refusal(error.status, code, f"{operation}: '{error.reason}'", again)


def defect() -> Refusal:
    return Refusal(500, _UNAVAILABLE, "service temporarily unavailable")


_UNAVAILABLE = 10001

_REASONS = (
    ("Invalid expiration_ttl", 10034),
    ("Invalid expiration", 10033),
    ("Metadata length", 10047),  # ours
    ("Value length", 10024),  # ours
    ("UTF-8 encoded length", 10030),  # ours
    ("Key names", 10042),  # ours
    ("Illegal key name", 10042),  # ours
    ("Could not URL-decode", 10042),  # ours
    ("Invalid list keys cursor", 10041),  # ours
    ("You must request", 10029),
    ("You can request", 10029),
    ("At least one of", 10029),
    ("Total size of", 10024),  # ours
    ('"', 10029),  # "x" is not a valid type
    ("Too Many Requests", 10022),
)

_PARAMETERS = {  # all ours
    "page": 10007,
    "per_page": 10008,
    "limit": 10028,
    "order": 10043,
    "direction": 10044,
    "expiration": 10033,
    "expiration_ttl": 10034,
}
