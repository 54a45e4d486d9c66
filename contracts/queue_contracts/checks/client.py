"""Ask a target one described operation and hold its answer against the description."""

import json
from dataclasses import dataclass
from urllib.parse import quote

import httpx
from schemathesis import checks
from schemathesis.checks import load_all_checks

from queue_contracts.checks.description import Description, Operation
from queue_contracts.targets.target import Target, scope_of

load_all_checks()
CONFORMANCE = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]


@dataclass(frozen=True)
class Client:
    """Requests by operation id, with the key of their scope."""

    target: Target
    description: Description
    http: httpx.Client

    def ask(
        self, operation_id: str, task_id: str = "", *, body: object = None, content: bytes | None = None
    ) -> httpx.Response:
        """Send `body` as JSON, or `content` as it is; fail unless the answer is one the description allows."""
        operation = self.description.find_operation_by_id(operation_id)
        content = json.dumps(body).encode() if body is not None else content
        headers = {"X-API-Key": self.target.key(scope_of(operation.path))}
        if content is not None:
            headers["Content-Type"] = "application/json"
        url = self.target.url + operation.path.replace("{id}", quote(task_id, safe=""))
        response = self.http.request(operation.method.upper(), url, headers=headers, content=content)
        _hold_against(operation, task_id, response)
        return response


def _hold_against(operation: Operation, task_id: str, response: httpx.Response) -> None:
    case = operation.Case(path_parameters={"id": task_id} if "{id}" in operation.path else {})
    case.validate_response(response, checks=CONFORMANCE)
