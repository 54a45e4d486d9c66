"""Two GETs before anything else: does the Worker answer here, to these keys?

That it has no migration is no objection: `parts.py` finds out what is missing.
"""

import re

import httpx

from queue_contracts.json_values import NoJson, parse_json
from queue_contracts.names import ADMIN_KEY, QUEUE_KEY
from queue_contracts.sending.limiter import LIMITED
from queue_contracts.sending.parts import ABSENT
from queue_contracts.targets.target import Scope, Target
from queue_contracts.untrusted.bounded import Unreadable
from queue_contracts.untrusted.visible import one_line

LISTED, STATUS = "/api/queue", "/api/migrate/status"


def objection(
    target: Target, http: httpx.Client, *, started: bool = False, answered: dict[str, int] | None = None
) -> str | None:
    """Why the suite cannot be run against this target, in a sentence; None if it can.

    One that was `started` here is the Worker, however it answers: the checks will say. `answered` is told the status
    that each path was answered with.
    """
    asked = [(LISTED, Scope.QUEUE, QUEUE_KEY)]
    if target.admin_key:
        asked.append((STATUS, Scope.ADMIN, ADMIN_KEY))
    for path, scope, name in asked:
        try:
            response = http.get(target.url + path, headers={"X-API-Key": target.key(scope)})
        except httpx.HTTPError as error:
            return one_line(f"{target.url} does not answer: {error}")
        except Unreadable as why:
            return f"the answer of {target.url} to GET {path} cannot be read: {why}"
        if answered is not None:
            answered[path] = response.status_code
        if path == STATUS and response.status_code in ABSENT:
            continue
        objected = _objection_to(response, target, path, name, started=started)
        if objected is not None:
            return objected
    return None


def _objection_to(response: httpx.Response, target: Target, path: str, name: str, *, started: bool) -> str | None:
    if response.status_code == 401:
        return f"{target.url} refused the key in {name} (401 for GET {path}); no other request was sent"
    kind = one_line(response.headers.get("Content-Type", "no Content-Type"), length_max=80)
    if kind.startswith("text/html"):
        return (
            f"{target.url} answers GET {path} with an HTML page, not like the Worker "
            f"(status {response.status_code}{_title(response.text)}): is this another host, or a login page?"
        )
    if response.status_code == LIMITED:
        return f"{target.url} answers GET {path} with {LIMITED} without a number of seconds in Retry-After"
    if 300 <= response.status_code < 400:
        where = one_line(response.headers.get("Location", "nowhere"), length_max=200)
        return (
            f"{target.url} redirects GET {path} to {where} ({response.status_code}): if you mean that host, use "
            "its address"
        )
    if not started and (response.status_code != 200 or not _is_an_object(response)):
        return (
            f"{target.url} answers GET {path} with status {response.status_code} and {kind}, not like the Worker "
            f"(200, a JSON object): is this another host, or is the Worker not deployed there?"
        )
    return None


def _is_an_object(response: httpx.Response) -> bool:
    try:
        return isinstance(parse_json(response.content), dict)
    except NoJson:
        return False


def _title(page: str) -> str:
    match = re.search(r"<title>\s*([^<]{1,80})", page, re.IGNORECASE)
    return f", titled {one_line(match[1])!r}" if match else ""
