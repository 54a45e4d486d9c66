"""File descriptors of `serve --worker`: of clients, of the way to the Worker, and of what the Worker asks of KV."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.soak import clients
from tests.soak.clients import connect, face
from tests.soak.soaking import LIMIT, Running, emulator

pytestmark = pytest.mark.slow

WORKER = Path(__file__).parents[1] / "soak" / "worker.mjs"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, workerd: Path) -> Iterator[Running]:
    """One for all of them: what one test leaves open, the next one lacks."""
    with emulator(tmp_path_factory.mktemp("running"), worker=WORKER, workerd=workerd) as it:
        yield it


def test_twice_as_many_connections_as_there_may_be_files_are_answered(running: Running) -> None:
    assert {clients.short(running.port, running.faces[0]) for _ in range(2 * LIMIT)} == {200}


def test_runs_that_need_more_descriptors_than_there_are_wait_for_them(running: Running) -> None:
    """Three at once ask KV for 60 keys at once, while clients that say nothing hold half of the descriptors."""
    many = face("many", "GET /?many=60", "POST /", b"")
    with ExitStack() as stack:
        for _ in range(120):
            stack.enter_context(connect(running.port))
        at_once = stack.enter_context(ThreadPoolExecutor(3))
        answers = list(at_once.map(lambda _: clients.short(running.port, many), range(30)))
    assert answers == [200] * 30


def test_more_requests_at_once_than_the_runtime_has_descriptors_are_all_answered(running: Running) -> None:
    """Each makes as many KV operations at once as Cloudflare allows; workerd ends when it cannot accept a request."""
    six = face("six", "GET /?many=6", "POST /", b"")
    with ThreadPoolExecutor(200) as at_once:
        answers = list(at_once.map(lambda _: clients.short(running.port, six), range(300)))
    assert answers == [200] * 300
    assert "workerd" not in running.log.read_text()
