"""A claim takes whatever is free. In a queue that others use, only a task of this run's may be."""

import json
from collections.abc import Mapping
from urllib.parse import quote

import httpx
import requests

from queue_contracts.described.answers import Answer
from queue_contracts.json_values import NoJson
from queue_contracts.sending.guard import Guard, Response, Wire, noted, obeying
from queue_contracts.sending.rules import CLAIM, Asked
from queue_contracts.untrusted.bounded import Unreadable


class ForeignTask(Exception):
    """The queue holds a task that is not this run's, so a claim might take it: none is sent."""


def is_claim_among_others(guard: Guard, asked: Asked) -> bool:
    return guard.rules.profile.tidies and asked.path == CLAIM


def claim(guard: Guard, wire: Wire[Response]) -> Response:
    """Look into the queue, then claim, each time anew; what was taken nevertheless is given back.

    Raises ForeignTask, and Breach for a claim whose outcome is unknown or was wrong.
    """

    def once() -> Response:
        # The wait for the rate comes before the look rather than behind it.
        guard.limiter.wait()
        _require_own_queue(guard, wire)
        try:
            return noted(guard, wire, wire.asked)
        except (httpx.HTTPError, requests.RequestException, Unreadable) as error:
            holder = _worker_of(wire.asked.body) or "a worker that the target named"
            lost = f"the answer to a claim by {holder!r} was lost ({type(error).__name__})"
            guard.breach(f"{lost}: it may hold a task now, until the lease expires")

    response = obeying(guard, wire.asked, once, wire)
    _give_back_if_foreign(guard, wire, _object_in(wire.seen(response)))
    return response


def _require_own_queue(guard: Guard, wire: Wire[Response]) -> None:
    key = next((value for name, value in wire.asked.headers.items() if name.lower() == "x-api-key"), "")
    listed = Asked("GET", f"{guard.rules.target.url}/api/queue", {"X-API-Key": key})
    guard.admit(listed)
    answer = wire.seen(noted(guard, wire, listed))
    if answer.status == 401:
        return  # a key that cannot list cannot claim
    pending = _object_in(answer).get("pending")
    if answer.status != 200 or not isinstance(pending, list):
        raise ForeignTask(f"the queue could not be listed before a claim: status {answer.status}")
    foreign = [each for each in pending if not str(each).startswith(guard.rules.own_prefix)]
    if foreign:
        raise ForeignTask(f"the queue holds {len(foreign)} tasks of others: no claim is sent")


def _give_back_if_foreign(guard: Guard, wire: Wire[Response], claimed: Mapping[str, object]) -> None:
    """A task that came between the look and the claim is released at once, and the run has failed."""
    task_id, lease = claimed.get("taskId"), claimed.get("lease")
    if not isinstance(task_id, str) or task_id.startswith(guard.rules.own_prefix):
        return
    holder, sent = lease.get("workerId") if isinstance(lease, dict) else None, _worker_of(wire.asked.body)
    if sent is not None and holder not in (sent, None):
        guard.breach(
            f"a claim as {sent!r} was answered with the task {task_id!r} under a lease of {holder!r}: the Worker "
            "mixed up two workers; the task was not released"
        )
    name = sent or holder
    if not isinstance(name, str):
        guard.breach(
            f"a claim took {task_id!r}, and its answer names no worker: the task stays leased until the lease expires"
        )
    url = f"{guard.rules.target.url}/api/queue/{quote(task_id, safe='')}/release"
    kept = {name: value for name, value in wire.asked.headers.items() if name.lower() in ("x-api-key", "content-type")}
    noted(guard, wire, Asked("POST", url, kept, json.dumps({"workerId": name}).encode()))
    guard.breach(
        f"a claim took the task {task_id!r} of somebody else, which arrived after the queue was listed; it has been "
        "released"
    )


def _worker_of(body: bytes) -> str | None:
    """The name that a claim was sent with."""
    name = _object_in(Answer(200, (), body)).get("workerId")
    return name if isinstance(name, str) else None


def _object_in(answer: Answer) -> Mapping[str, object]:
    """The JSON object of a body; an empty one where there is none."""
    try:
        body = answer.json()
    except NoJson:
        return {}
    return body if isinstance(body, dict) else {}
