"""A small deployment of the Worker, and of Cloudflare's KV REST API over the same data, that records what it is asked.

Late, limited, or something else altogether, as a test needs it; and no relation of the suite or of the emulator.
"""

import contextlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

QUEUE_KEY, ADMIN_KEY, TOKEN = "queue-key-7c1e09", "admin-key-55d2b8", "kv-token-31fa90"
ACCOUNT, NAMESPACE = "acc0", "ns0"
TASK, LEASE, RESULT = "queue:task:", "queue:lease:", "orchestrator:result:"
Answer = tuple[int, Any]
REFUSAL = {"error": "slow down", "retryAfter": 1, "resetAt": "2026-11-20T09:06:00.000Z"}


@dataclass
class Deployment:
    """`late_s` until a write is seen; `per_s` requests a second are answered, `burst` at once; `page` to everything.

    With `drip_s` an answer comes byte by byte, one each so many seconds, from its first line or only from its body on.

    `refusal` is the body of a 429 and `retry_after` its header; `redirects_to` is where everybody is sent; `holder` is
    who a claim says holds the lease; `strict` refuses ids that openapi.yaml does not have; `locked` asks for a key.
    `clients` are the addresses
    that connections came from.
    """

    late_s: float = 0
    per_s: float | None = None
    burst: int = 3
    page: str | None = None
    drip_s: float = 0
    drips_from: bytes = b"HTTP"
    refusal: dict[str, Any] = field(default_factory=lambda: dict(REFUSAL))
    retry_after: str = "1"
    redirects_to: str | None = None
    holder: str | None = None
    strict: bool = False
    locked: bool = True
    after_request: Callable[[str, str], None] = lambda method, path: None
    closing: threading.Event = field(default_factory=threading.Event)
    url: str = ""
    asked: list[tuple[str, str, bytes]] = field(default_factory=list)
    refused: int = 0
    clients: set[Any] = field(default_factory=set)
    _kv: dict[str, tuple[float, Any, Any]] = field(default_factory=dict)
    _lock: Any = field(default_factory=threading.Lock)
    _tokens: float = 0
    _filled: float = field(default_factory=time.monotonic)

    def limit(self, per_s: float) -> None:
        """From now on so many requests a second, and the next not yet."""
        self.per_s, self.burst, self._tokens, self._filled = per_s, 1, 0, time.monotonic()

    def put(self, key: str, value: Any) -> None:
        self._kv[key] = (time.monotonic(), self.get(key), value)

    def get(self, key: str) -> Any:
        written, old, new = self._kv.get(key, (0.0, None, None))
        return new if time.monotonic() - written >= self.late_s else old

    def names(self, prefix: str) -> list[str]:
        return sorted(key for key in self._kv if key.startswith(prefix) and self.get(key) is not None)

    def dump(self) -> dict[str, Any]:
        """What is there, whoever can see it yet."""
        return {key: new for key, (_, _, new) in sorted(self._kv.items()) if new is not None}

    def answer(self, method: str, target: str, headers: Any, body: bytes) -> tuple[int, dict[str, str], bytes]:
        path = urlsplit(target).path
        with self._lock:
            if path.startswith("/client/v4/"):
                return self._rest(method, target, headers, body)
            self.asked.append((method, target, body))
            if self.page is not None:
                return 200, {"Content-Type": "text/html"}, self.page.encode()
            if self.redirects_to is not None:
                return 307, {"Location": self.redirects_to}, b""
            if not self._may():
                self.refused += 1
                headers = {"Retry-After": self.retry_after, "Content-Type": "application/json"}
                return 429, headers, json.dumps(self.refusal).encode()
            status, said = self._worker(method, path, headers, body)
        return status, {"Content-Type": "application/json"}, json.dumps(said).encode()

    def _may(self) -> bool:
        if self.per_s is None:
            return True
        now = time.monotonic()
        self._tokens = min(self.burst, self._tokens + (now - self._filled) * self.per_s)
        self._filled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _worker(self, method: str, path: str, headers: Any, body: bytes) -> Answer:
        admin = path.startswith("/api/migrate")
        if self.locked and headers.get("X-API-Key") != (ADMIN_KEY if admin else QUEUE_KEY):
            return 401, {"error": "Unauthorized"}
        if (method, path) == ("GET", "/api/migrate/status"):
            return 200, self._status()
        if (method, path) == ("GET", "/api/queue"):
            pending = [key.removeprefix(TASK) for key in self.names(TASK)]
            return 200, {"pending": pending, "count": len(pending)}
        try:
            given = json.loads(body) if method == "POST" else {}
        except ValueError:
            given = None
        if not isinstance(given, dict):
            return 400, {"error": "Invalid JSON in request body"}
        if (method, path) == ("POST", "/api/queue/claim"):
            return self._claim(given)
        match = re.fullmatch(r"/api/(queue|result)/([^/]+)(?:/(release|renew|status))?", path)
        if match is None:
            return 404, {"error": "Not found"}
        task_id = unquote(match[2])
        if self.strict and not re.fullmatch("[A-Za-z0-9-]{1,64}", task_id):
            return 400, {"error": "Validation failed"}
        return self._task(method, match[1], task_id, match[3], given)

    def _status(self) -> dict[str, Any]:
        tasks, leases = len(self.names(TASK)), len(self.names(LEASE))
        counts = {"oldTaskCount": 0, "newTaskCount": tasks, "oldLeaseCount": 0, "newLeaseCount": leases}
        status = {"oldFormatExists": False, "newFormatExists": tasks > 0, **counts}
        return {"success": True, "status": status, "needsMigration": False, "recommendation": "none"}

    def _claim(self, given: dict[str, Any]) -> Answer:
        for key in self.names(TASK):
            task_id = key.removeprefix(TASK)
            if self.get(LEASE + task_id) is None:
                lease = _lease(self.holder or given.get("workerId", "worker_1"))
                self.put(LEASE + task_id, lease)
                return 200, {"success": True, "taskId": task_id, "task": self.get(key), "lease": lease}
        return 200, {"success": False, "message": "none", "pending": 0}

    def _task(self, method: str, kind: str, task_id: str, action: str | None, given: dict[str, Any]) -> Answer:
        task, lease = self.get(TASK + task_id), self.get(LEASE + task_id)
        if method == "GET":
            found = task if kind == "queue" else self.get(RESULT + task_id)
            return (200, found) if found is not None else (404, {"error": "not found"})
        if kind == "result":
            self.put(RESULT + task_id, given)
            self.put(TASK + task_id, None)
            self.put(LEASE + task_id, None)
            return 200, {"success": True}
        if action == "status":
            if task is None:
                return 404, {"error": "Task not found"}
            self.put(TASK + task_id, {**task, "status": given["status"], "updatedAt": "2026-11-20T09:06:00.000Z"})
            return 200, {"success": True, "status": given["status"]}
        holds = lease is not None and lease["workerId"] == given.get("workerId")
        if action == "renew" and holds:
            renewed = {**lease, "renewedAt": "2026-11-20T09:06:00.000Z"}
            self.put(LEASE + task_id, renewed)
            return 200, {"success": True, "lease": renewed}
        if action == "release" and (holds or lease is None):
            self.put(LEASE + task_id, None)
            return 200, {"success": True}
        return 403, {"error": "Not lease holder"}

    def _rest(self, method: str, target: str, headers: Any, body: bytes) -> tuple[int, dict[str, str], bytes]:
        parts = urlsplit(target)
        path = parts.path.removeprefix(f"/client/v4/accounts/{ACCOUNT}/storage/kv/namespaces/{NAMESPACE}")
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            return 403, {}, b'{"success": false}'
        result: Any = None
        if (method, path) == ("PUT", "/bulk"):
            for each in json.loads(body):
                self.put(each["key"], json.loads(each["value"]))
        elif (method, path) == ("POST", "/bulk/delete"):
            for key in json.loads(body):
                self.put(key, None)
        elif (method, path) == ("GET", "/keys"):
            prefix = parse_qs(parts.query).get("prefix", [""])[0]
            result = [
                {"name": key} for key, value in self.dump().items() if key.startswith(prefix) and value is not None
            ]
        else:
            return 404, {}, b'{"success": false}'
        answer = {"success": True, "errors": [], "messages": [], "result": result, "result_info": {"cursor": ""}}
        return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()


@contextmanager
def deployed(deployment: Deployment) -> Iterator[Deployment]:
    """Answers on a free port of this machine while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _respond(self) -> None:
            deployment.clients.add(self.client_address)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, headers, content = deployment.answer(self.command, self.path, self.headers, body)
            if deployment.drip_s:
                self._drip(status, content)
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            deployment.after_request(self.command, self.path)

        def _drip(self, status: int, content: bytes) -> None:
            head = f"HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
            at_once, start, slowly = (head.encode() + content).partition(deployment.drips_from)
            with contextlib.suppress(OSError):
                self.wfile.write(at_once)
                for byte in start + slowly:
                    self.wfile.write(bytes([byte]))
                    if deployment.closing.wait(deployment.drip_s):
                        return

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_HEAD = _respond  # noqa: N815 - of the library

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    deployment.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield deployment
    finally:
        deployment.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _lease(worker_id: str) -> dict[str, str]:
    return {"workerId": worker_id, "claimedAt": "2026-11-20T09:05:30.000Z", "expiresAt": "2026-11-20T09:10:30.000Z"}
