"""/api/...: the Worker's routes over HTTP. Opens an invocation, runs the Worker, turns its answer into a response."""

import traceback

from starlette.types import Receive, Scope, Send

from queue_emulator.core.errors import EmulatorError, JavaScriptError
from queue_emulator.core.wire_names import INVOCATION, LOCATION_HEADER
from queue_emulator.kv.binding import Binding
from queue_emulator.web.deployment import Deployment
from queue_emulator.web.request_body import ClientGone, RequestBody
from queue_emulator.worker.answers import Answer, error_answer, text_answer
from queue_emulator.worker.fetch import BODY_BYTES_MAX, Request, fetch
from queue_emulator.worker.rollout import Wish, wish


class WorkerApp:
    """An ASGI application without a framework, which would take as long as the Worker itself.

    The id in a path is taken from the raw path: `path` is decoded already.
    """

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = RequestBody(receive, announced=_announces_body(scope))
        named = next((value.decode("latin-1") for value in _values(scope, _LOCATION)), None)
        location = self._deployment.location(named)
        try:
            binding = self._deployment.binding(location or self._deployment.locations[0], scope[INVOCATION])
            if location is not None:
                binding.invocation.location = location
            if location is None:
                answer = self._unknown_location(named)
            else:
                answer = await self._run(_request(scope, body), binding, wish(scope["headers"]))
            await body.drain()
        except ClientGone:
            return
        await _send(answer, f"{binding.invocation.name}-{binding.location}", send)

    async def _run(self, request: Request, binding: Binding, asked_for: Wish) -> Answer:
        """What escapes the Worker is a 500, as in the real runtime, and is explained in the log."""
        try:
            return await fetch(request, self._deployment.env(binding, asked_for))
        except JavaScriptError as error:
            where = f"at {binding.location}, after {binding.invocation.operations} KV operations"
            why = f"; the limit: {error.limit}" if error.limit else ""
            why += f"; by fault rule {error.fault_rule}" if error.fault_rule else ""
            self._deployment.log(f"  uncaught {error.name}: {error} ({where}{why})")
            binding.invocation.why = f"uncaught {error.name}: {error}"
        except ClientGone:
            raise
        except EmulatorError as error:
            self._deployment.log(f"  {error}")
            binding.invocation.why = str(error)
        except Exception:  # noqa: BLE001 - a defect of ours must not look like a broken connection
            self._deployment.log(f"  a defect of this emulator, please report it:\n{traceback.format_exc()}")
            binding.invocation.why = "a defect of this emulator"
        return text_answer(500, "Internal Server Error")

    def _unknown_location(self, named: str | None) -> Answer:
        known = ", ".join(self._deployment.locations)
        return error_answer(400, f"Unknown location in {LOCATION_HEADER}: {named!r}; this emulator has {known}")


_LOCATION = LOCATION_HEADER.lower().encode()


def _announces_body(scope: Scope) -> bool:
    """RFC 9112, section 6: in HTTP/1.1 a request without these headers has no body."""
    return scope["http_version"] not in ("1.0", "1.1") or any(
        name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"]
    )


def _values(scope: Scope, wanted: bytes) -> list[bytes]:
    """What a header says, each time that it was sent."""
    return [value for name, value in scope["headers"] if name == wanted]


def _request(scope: Scope, body: RequestBody) -> Request:
    async def read() -> bytes | None:
        return await body.read(BODY_BYTES_MAX)

    offered = _values(scope, b"x-api-key")
    return Request(
        method=scope["method"],
        path=scope["raw_path"],
        api_key=b", ".join(offered) if offered else None,
        body=read,
    )


async def _send(answer: Answer, ray: str, send: Send) -> None:
    headers = [
        (b"content-type", answer.content_type.encode()),
        (b"content-length", str(len(answer.content)).encode()),
        (b"cf-ray", ray.encode()),
        *((name.lower().encode(), value.encode()) for name, value in answer.headers.items()),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.content})
