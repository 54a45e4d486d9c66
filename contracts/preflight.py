"""Two GETs before anything else: does the Worker answer here, to these keys?"""

import re

import httpx

from contracts.target import Scope, Target
from contracts.targets import ADMIN_KEY, QUEUE_KEY

LISTED, STATUS = "/api/queue", "/api/migrate/status"


def objection(target: Target, http: httpx.Client) -> str | None:
    """Why the suite cannot be run against this target, in a sentence; None if it can."""
    asked = [(LISTED, Scope.QUEUE, QUEUE_KEY)]
    if target.admin_key:
        asked.append((STATUS, Scope.ADMIN, ADMIN_KEY))
    for path, scope, name in asked:
        try:
            response = http.get(target.url + path, headers={"X-API-Key": target.key(scope)})
        except httpx.HTTPError as error:
            return f"{target.url} does not answer: {error}"
        if response.status_code == 401:
            return f"{target.url} refused the key in {name} (401 for GET {path}); nothing else was asked"
        kind = response.headers.get("Content-Type", "no Content-Type")
        if kind.startswith("text/html"):
            return (
                f"{target.url} answers GET {path} with an HTML page, not as the Worker does "
                f"(status {response.status_code}{_title(response.text)}): another host, or a login page in front?"
            )
        if 300 <= response.status_code < 400:
            where = response.headers.get("Location", "nowhere")
            return (
                f"{target.url} redirects GET {path} to {where} ({response.status_code}): name that host, if it is meant"
            )
    return None


def _title(page: str) -> str:
    match = re.search(r"<title>\s*([^<]{1,80})", page, re.IGNORECASE)
    return f", titled {match[1].strip()!r}" if match else ""
