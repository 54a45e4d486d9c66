"""Cloudflare's API as an ASGI application: access, rate, route, handler, envelope.

Reads and writes go to the central store, past every location.
"""

import traceback
from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from queue_emulator.core.accounts import Namespace
from queue_emulator.core.errors import EmulatorError, JavaScriptError, NamespaceError
from queue_emulator.core.javascript import stringify_json
from queue_emulator.core.wire_names import API_LOCATION, INVOCATION
from queue_emulator.kv.namespaces import Namespaces
from queue_emulator.kv.operation import Invocation
from queue_emulator.kv.service import KVService
from queue_emulator.web.deployment import Deployment
from queue_emulator.web.request_body import ClientGone, RequestBody
from queue_emulator.web.rest import refusals
from queue_emulator.web.rest.access import check_access
from queue_emulator.web.rest.calls import Answer, Call
from queue_emulator.web.rest.refusals import Refusal
from queue_emulator.web.rest.routes import Handler, Target, find_route


class RestApp:
    """The API of one account, whose id is any: there is no other."""

    def __init__(self, deployment: Deployment, namespaces: Namespaces) -> None:
        self._deployment = deployment
        self._namespaces = namespaces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = RequestBody(receive)
        caller: Invocation = scope[INVOCATION]
        caller.operations_max, caller.by_key = None, True
        try:
            response = await self._respond(scope, body, caller)
            await body.drain()
        except ClientGone:
            return
        response.headers["CF-Ray"] = f"{caller.name}-{API_LOCATION}"
        await response(scope, receive, send)

    async def _respond(self, scope: Scope, body: RequestBody, caller: Invocation) -> Response:
        """Every failure is an envelope; a defect of ours is explained in the log."""
        headers: dict[str, str] = {}
        try:
            return await self._answer(scope, body, caller, headers)
        except Refusal as error:
            caller.why = str(error)
            return _refused(error, headers)
        except ClientGone:
            raise
        except EmulatorError as error:
            self._deployment.log(f"  {error}")
        except Exception:  # noqa: BLE001 - a defect of ours must not look like a broken connection
            self._deployment.log(f"  a defect of this emulator, please report it:\n{traceback.format_exc()}")
        return _refused(refusals.defect(), headers)

    async def _answer(self, scope: Scope, body: RequestBody, caller: Invocation, said: dict[str, str]) -> Response:
        """`said` is what every answer says in its headers, as soon as that is known."""
        headers, now_ms = Headers(scope=scope), self._deployment.clock.now_ms()
        check_access(headers, self._deployment.api_token)
        rate = self._deployment.api_rate
        answered = rate.take(now_ms)
        said |= rate.headers(now_ms)
        if not answered:
            raise refusals.too_many_requests()
        target = find_route(scope["raw_path"])
        operation, handler = _operation(target, scope["method"])
        caller.route = f"API {scope['method']} {target.route.template}"
        call = Call(
            operation,
            self._namespaces,
            self._found(target, operation),
            target.key_segment,
            _query(scope["query_string"]),
            headers,
            body,
            caller,
            now_ms,
        )
        try:
            return _answered(await self._run(handler, call), said)
        except JavaScriptError as error:
            raise refusals.of_kv(operation, error) from None
        except NamespaceError as error:  # deleted since the request began
            raise refusals.of_namespace(operation, error) from None

    async def _run(self, handler: Handler, call: Call) -> Answer:
        if call.found is not None:
            call.service.meter.invoked(call.caller.route, call.now_ms)
        return await handler(call)

    def _found(self, target: Target, operation: str) -> tuple[Namespace, KVService] | None:
        if not target.namespace_id:
            return None
        namespace, service = self._namespaces.get(target.namespace_id), self._namespaces.service(target.namespace_id)
        if namespace is None or service is None:
            raise refusals.no_namespace(operation)
        return namespace, service


def _operation(target: Target, method: str) -> tuple[str, Handler]:
    operations = target.route.operations
    if method not in operations:
        raise refusals.wrong_method(method, ", ".join(operations))
    return operations[method]


def _query(raw: bytes) -> dict[str, str]:
    """Form encoding; the last of a name."""
    return dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True, errors="replace"))


def _answered(answer: Answer, headers: Mapping[str, str]) -> Response:
    if answer.raw is not None:
        return Response(answer.raw, headers={**headers, **answer.headers}, media_type="application/octet-stream")
    info = "" if answer.info is None else f',"result_info":{stringify_json(answer.info)}'
    envelope = f'{{"result":{answer.text},"success":true,"errors":[],"messages":[]{info}}}'
    return Response(envelope, headers=dict(headers), media_type="application/json")


def _refused(refusal: Refusal, headers: Mapping[str, str]) -> Response:
    envelope = stringify_json({"result": None, "success": False, "errors": [refusal.as_json()], "messages": []})
    return Response(envelope, refusal.status, {**headers, **refusal.headers}, "application/json")
