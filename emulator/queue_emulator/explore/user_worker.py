"""A Worker of somebody's own as it is explored: `async def worker(request, env)`, asked by HTTP requests."""

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

from queue_emulator.core.errors import EmulatorError, JavaScriptError, SettingsError
from queue_emulator.core.javascript import Json, ToJson
from queue_emulator.core.keys import check_key
from queue_emulator.core.options import PutRequest
from queue_emulator.core.shown import one_line
from queue_emulator.explore.guarantee import Guarantee
from queue_emulator.explore.history import Actor, Call, Kept
from queue_emulator.explore.requests import Request as Asked
from queue_emulator.explore.requests import require_shown
from queue_emulator.explore.scenario_limits import CHARACTERS_MAX
from queue_emulator.explore.subject import Closing, Data, Deploy, Memory, StandingClock
from queue_emulator.explore.subject import Worker as Deployed
from queue_emulator.explore.times import WRITTEN_MS
from queue_emulator.kv.binding import Binding
from queue_emulator.worker.answers import JSON_TYPE, TEXT_TYPE, Answer, json_answer
from queue_emulator.workerd.bindings import DEFAULT_BINDING, WorkerFlags

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_LINE = re.compile(r"(?P<method>[A-Z]+) (?P<path>/\S*)(?: (?P<body>.*?))??(?: \| (?P<name>\w+) = (?P<member>[\w.]+))?")
_WORDS_MAX = 40
_BODY_CHARACTERS_MAX = 1_000_000  # of a request, once it has what was kept of answers


@dataclass(frozen=True, slots=True)
class Request:
    """What the Worker is asked, as `fetch` has it: `url` is absolute, header names are in lower case."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    async def text(self) -> str:
        return self.content.decode()

    async def json(self) -> Json:
        """Raises ValueError for what is no JSON."""
        parsed: Json = json.loads(self.content)
        return parsed


@dataclass(frozen=True, slots=True)
class Response:
    """What the Worker answers: text, or with `Response.json` anything that can be JSON."""

    body: str | bytes = ""
    status: int = 200
    content_type: str = TEXT_TYPE

    @staticmethod
    def json(body: ToJson, status: int = 200) -> "Response":
        answer = json_answer(status, body)
        return Response(answer.content, status, answer.content_type)


Worker = Callable[[Request, SimpleNamespace], Awaitable[Response]]
"""The Worker: its second argument has the KV namespace under its name, as `env.CACHE`."""


@dataclass(frozen=True, eq=False)
class Own:
    """A Worker, the guarantees that must hold of it, and the requests by which it is looked at in the end.

    binding  the name under which the Worker has its KV namespace
    headers  of every request
    at_end   requests, and the locations at which each is made
    main     the main module of a Worker in JavaScript, in the place of `worker`
    builds   other versions of that, by name: actors name the one that answers them
    deployed  what answers when they are started
    """

    worker: Worker | None
    guarantees: Mapping[str, Guarantee]
    binding: str = DEFAULT_BINDING
    headers: Mapping[str, str] = field(default_factory=dict)
    at_end: tuple[str, ...] = ()
    end_locations: tuple[str, ...] = ("SJC", "NRT")
    versions: tuple[str, ...] = ()
    main: Path | None = None
    builds: tuple[tuple[str, Path], ...] = ()
    deployed: Deploy | None = None

    @property
    def script(self) -> WorkerFlags | None:
        """Where the binding has the usual name, a wrangler config may have another."""
        bindings = () if self.binding == DEFAULT_BINDING else (self.binding,)
        return None if self.main is None else WorkerFlags(self.main, bindings, versions=self.builds)

    def check(self, text: str) -> None:
        parse(text)

    def request(self, text: str, actor: Actor, memory: Memory, lease_s: int) -> Asked | None:
        line = parse(text)
        if not line.needs <= memory.keys():
            return None
        path = _filled(line.path, memory, "the path of", CHARACTERS_MAX)
        body = _filled(line.body, memory, "the body of", _BODY_CHARACTERS_MAX)
        return Asked(line.verb, line.method, path, body.encode(), None, text)

    def verb(self, text: str) -> str:
        return parse(text).verb

    def remembers(self, call: Call, memory: Memory) -> Memory:
        line = parse(call.request.line)
        if line.name is None:
            return memory
        found: Json = call.body
        for name in line.member.split("."):
            found = found.get(name) if isinstance(found, dict) else None
        if not call.ok or isinstance(found, dict | list | None):
            return {name: value for name, value in memory.items() if name != line.name}
        return {**memory, line.name: found if isinstance(found, str) else json.dumps(found)}

    def words(self, call: Call) -> str:
        said = call.body if isinstance(call.body, str) else json.dumps(call.body, ensure_ascii=False)
        said = f"{call.status} {' '.join(said.split())}".rstrip()
        return said if len(said) <= _WORDS_MAX else f"{said[: _WORDS_MAX - 1]}…"

    def before(self, items: tuple[str, ...]) -> Data:
        return _data(items)

    def told_before(self, items: tuple[str, ...]) -> str:
        return "; ".join(items)

    def variables(self, version: str) -> Mapping[str, str]:
        return {}

    def answered_by(self, deploy: Deploy) -> "Own":
        return replace(self, deployed=deploy)

    def afresh(self) -> AbstractContextManager[None]:
        return nullcontext() if self.deployed is None else self.deployed.afresh()

    def deploy(self, clock: StandingClock) -> Deployed:
        if self.worker is None and self.deployed is None:
            raise SettingsError(
                'the scenario names no Worker: add a line such as worker = "worker.mjs" to it, or use --worker'
            )
        ask = None if self.deployed is None else self.deployed(clock, self.versions)

        async def answer(actor: Actor, asked: Asked, binding: Binding) -> Answer:
            url = f"https://worker.example{asked.path}"
            headers = {name.lower(): value for name, value in self.headers.items()}
            binding.runs(asked.verb)
            if ask is not None:
                return await ask(actor, asked, self.headers, binding)
            assert self.worker is not None
            env = SimpleNamespace(**{self.binding: binding})
            try:
                response = await self.worker(Request(asked.method, url, headers, asked.body), env)
            except (JavaScriptError, EmulatorError):
                raise
            except Exception as error:
                if isinstance(error, RuntimeError) and "event loop" in str(error):
                    raise EmulatorError(
                        f"{asked.verb}: the Worker waits for something else than KV, which cannot be explored: {error}"
                    ) from error
                return Answer(500, f"{type(error).__name__}: {error}".encode(), TEXT_TYPE)
            return _answer(response, asked)

        return answer

    def remembered(self) -> None:
        """Nobody knows what its code does."""

    def look(self, closing: Closing, *, version: str, migrates: bool, items: tuple[str, ...]) -> None:
        """Each of its requests from each of its locations."""
        for location in self.end_locations if self.at_end else ():
            for text in self.at_end:
                closing.ask(Actor(f"end_{location}", location), text)


@dataclass(frozen=True, slots=True)
class Line:
    """A request as a script has it: `POST /login {"user": "ann"} | token = session.token`.

    body    as it is sent; $name in path and body is what was kept under this name
    name    under which a member of the answer is kept; None if nothing is
    member  which member, as session.token
    needs   the names that it takes
    """

    method: str
    path: str
    body: str
    name: str | None
    member: str
    needs: frozenset[str]

    @property
    def verb(self) -> str:
        return f"{self.method} {self.path.partition('?')[0]}"


@lru_cache(maxsize=4096)
def parse(text: str) -> Line:
    """Raises SettingsError for what is no request."""
    require_shown(text)
    match = _LINE.fullmatch(text)
    if match is None or match["method"] not in _METHODS:
        raise SettingsError(
            f'a request is written as `POST /path {{"body": 1}} | name = member`, with one of {", ".join(_METHODS)}, '
            f"not {text!r}"
        )
    path, body = match["path"], match["body"] or ""
    needs = frozenset(_PLACE.findall(path) + _PLACE.findall(body))
    return Line(match["method"], path, body, match["name"], match["member"] or "", needs)


def by_id(guarantees: Iterable[Guarantee]) -> dict[str, Guarantee]:
    """Raises SettingsError where there are none, or two of one name."""
    found: dict[str, Guarantee] = {}
    for each in guarantees:
        if each.id in found:
            raise SettingsError(f"two guarantees are called {each.name!r}: name one of them otherwise")
        found[each.id] = each
    if not found:
        raise SettingsError("a scenario needs at least one guarantee")
    return found


def item(key: str, value: str) -> str:
    """An entry as it is written in `before`: `count = "0"`."""
    return one_line(f"{json.dumps(key, ensure_ascii=False)} = {json.dumps(value, ensure_ascii=False)}")


@lru_cache(maxsize=256)
def _data(items: tuple[str, ...]) -> Data:
    kept: dict[bytes, Kept] = {}
    for text in items:
        try:
            key, end = json.JSONDecoder().raw_decode(text)
            value = json.loads(text[end:].removeprefix(" = "))
        except ValueError:
            key = value = None
        if not isinstance(key, str) or not isinstance(value, str):
            raise SettingsError(f'initial data must be written as `"key" = "value"`, not {text!r}')
        try:
            kept[check_key(key, "PUT")] = Kept(_well_formed(value).encode(), None, WRITTEN_MS)
        except JavaScriptError as error:
            raise SettingsError(f"initial data: {error}") from None
    return [PutRequest(key, each.value or b"") for key, each in kept.items()], kept


def _filled(text: str, memory: Memory, what: str, characters_max: int) -> str:
    """With what was kept; raises EmulatorError for what is too large to be sent."""
    places = [place[1] for place in _PLACE.finditer(text) if place[1] in memory]
    characters = len(text) + sum(len(memory[name]) - len(name) - 1 for name in places)
    if characters > characters_max:
        raise EmulatorError(
            f"{what} a request has at most {characters_max:,} characters, and {text[:40]!r} has {characters:,} with "
            "what was kept of answers"
        )
    return _well_formed(_PLACE.sub(lambda place: memory.get(place[1], place[0]), text))


def _well_formed(text: str) -> str:
    """Half of a surrogate pair, as JSON can have it, is sent as U+FFFD, as JavaScript does."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _answer(response: object, asked: Asked) -> Answer:
    if not isinstance(response, Response):
        raise EmulatorError(f"the Worker answers {asked.verb} with {type(response).__name__}; it must be a Response")
    content = response.body.encode() if isinstance(response.body, str) else response.body
    return Answer(response.status, content, response.content_type)


_PLACE = re.compile(r"\$([A-Za-z_]\w*)")
assert json_answer(200, None).content_type == JSON_TYPE, "what Response.json gives is read as JSON"
