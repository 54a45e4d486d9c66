"""What each profile lets through: decided of each request before it leaves, by its method, path and body alone."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from queue_contracts.profiles import Profile
from queue_contracts.sending.run import OWN
from queue_contracts.targets.addresses import origin_of
from queue_contracts.targets.target import Ability, Target

PORTABLE_ID = r"[A-Za-z0-9-]{1,64}"
# `GET /api/queue/claim` is a task called "claim" to one Worker, and a claim to one that does not look at the method.
OBSERVED = re.compile(rf"/api/queue|/api/queue/(?!claim$){PORTABLE_ID}|/api/result/{PORTABLE_ID}|/api/migrate/status")
# Any other id that a list shows may be read, unless it could lead a Worker elsewhere than to that task.
READABLE_ID = re.compile(r"(?!(?:claim|\.{1,2})$)[^/\\?#%;\x00-\x20\x7f]{1,256}")
ON_ONE_TASK = re.compile(rf"/api/queue/({PORTABLE_ID})/(?:release|renew|status)|/api/result/({PORTABLE_ID})")
CONTROL = "/cdn-cgi/emulator/"
CLAIM = "/api/queue/claim"
DISGUISES = {"x-http-method", "x-http-method-override", "x-method-override"}
KEY_OF_A_TASK = re.compile(r"(?:queue:task:|queue:lease:|orchestrator:result:)(.*)", re.DOTALL)


@dataclass(frozen=True)
class Asked:
    """One request as it would leave."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def origin(self) -> str:
        return origin_of(self.url)

    @property
    def path(self) -> str:
        """The raw path, with the query if there is one: none of the declared GETs has one."""
        parts = urlsplit(self.url)
        return parts.path + (f"?{parts.query}" if parts.query else "")


@dataclass(frozen=True)
class Rules:
    """`own_prefix` begins every id that the run may write; `started` knows the addresses of what it started itself."""

    target: Target
    profile: Profile
    own_prefix: str
    started: Callable[[str], bool] = lambda origin: False

    def objection(self, asked: Asked) -> str | None:
        """Why the request must not leave; None if it may."""
        if self._is_of_storage(asked):
            return self._objection_to_storage(asked)
        if asked.origin == self.target.url:
            if self.target.can(Ability.RESET) and asked.path.startswith(CONTROL):
                return None  # of a target started here, or of one that is thrown away
            return self._objection_to_a_route(asked) if self.profile.terms.shared else None
        return f"{asked.origin} is not the target" if self.is_elsewhere(asked) else None

    def is_elsewhere(self, asked: Asked) -> bool:
        """Whether a request goes to nothing that this run has to do with, which no profile allows."""
        its_own = self._is_of_storage(asked) or asked.origin == self.target.url
        return not its_own and not self.started(asked.origin)

    def _is_of_storage(self, asked: Asked) -> bool:
        rest = self.target.rest
        return rest is not None and asked.url.startswith(rest.url + "/")

    def _objection_to_a_route(self, asked: Asked) -> str | None:
        """In a queue that others use: declared GETs, and POSTs about tasks of this run if it may write."""
        if asked.method == "GET":
            return self._observing(asked)
        if not self.profile.terms.writes:
            return "only GET is sent in the profile observe"
        return self._about_own_tasks(asked)

    def _observing(self, asked: Asked) -> str | None:
        if asked.body:
            return "a GET must have no body"
        disguise = next((name for name in asked.headers if name.lower() in DISGUISES), None)
        if disguise is not None:
            return f"{disguise} could change what the GET does"
        if OBSERVED.fullmatch(asked.path) or is_read_of_a_task(asked.path):
            return None
        return f"{asked.path} is not a GET of openapi.yaml"

    def _about_own_tasks(self, asked: Asked) -> str | None:
        if asked.method != "POST":
            return f"{asked.method} is sent only in the profile disposable"
        if asked.path == CLAIM:
            return None  # the guard looks into the queue first
        match = ON_ONE_TASK.fullmatch(asked.path)
        if match is None:
            return f"POST {asked.path} is sent only in the profile disposable"
        return self._unless_own(match[1] or match[2])

    def _objection_to_storage(self, asked: Asked) -> str | None:
        """Reading is harmless; what is written has keys of this run, what is deleted has keys of any run."""
        if asked.method == "GET" or not self.profile.terms.shared:
            return None
        if not self.profile.terms.writes:
            return "only GET is sent in the profile observe"
        if (asked.method, asked.path.rpartition("/namespaces/")[2].partition("/")[2]) == ("PUT", "bulk"):
            return self._unless_own_entries(asked.body)
        if asked.method == "POST" and asked.path.endswith("/bulk/delete"):
            keys = [str(key) for key in json.loads(asked.body)]
            foreign = next((key for key in keys if not id_of_key(key).startswith(OWN)), None)
            return None if foreign is None else f"{foreign} is not a key of this run"
        return f"{asked.method} {asked.path} is not a way in which queue-contracts writes to KV"

    def _unless_own_entries(self, body: bytes) -> str | None:
        return next(filter(None, (self._unless_own(id_of_key(str(each["key"]))) for each in json.loads(body))), None)

    def _unless_own(self, task_id: str) -> str | None:
        return None if task_id.startswith(self.own_prefix) else f"{task_id!r} is not an id of this run"


def is_read_of_a_task(path: str) -> bool:
    """Whether a GET of this path reads one task and can mean nothing else: its id is encoded in the one usual way."""
    before, prefix, segment = path.partition("/api/queue/")
    task_id = unquote(segment, errors="replace")
    return not before and bool(prefix) and quote(task_id, safe="") == segment and is_readable(task_id)


def is_readable(task_id: str) -> bool:
    """Whether an id from a list may be asked for where others use the queue."""
    return bool(READABLE_ID.fullmatch(task_id))


def id_of_key(key: str) -> str:
    """The id in a key of the new format; for any other key a text that no run's id begins with."""
    match = KEY_OF_A_TASK.fullmatch(key)
    return match[1] if match else ":" + key
