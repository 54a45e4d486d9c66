"""A Worker that does not start is read again and started once more, and only once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from queue_emulator.workerd.stopped import WorkerNotStarted
from tests.workerd.conftest import Deploy

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

AGAIN = "reading it again and starting it once more"
HALF_WRITTEN = "export default { fetch() { return new Resp"
WHOLE = "import { hello } from './hello.mjs'; export default { fetch: () => new Response(hello) };"


@pytest.fixture
def bundler(tmp_path: Path) -> Callable[[str], None]:
    """Writes the whole Worker, with a module more, once it is heard that half of it did not start."""

    def write(line: str) -> None:
        if AGAIN in line:
            (tmp_path / "hello.mjs").write_text("export const hello = 'hello';")
            (tmp_path / "worker.mjs").write_text(WHOLE)

    return write


async def test_a_worker_that_was_half_written_runs_once_it_is_whole(
    deploy: Deploy, bundler: Callable[[str], None]
) -> None:
    deployed = await deploy(HALF_WRITTEN, logging=bundler)
    assert (await deployed.get()).text == "hello"
    assert deployed.logged[0] == "  the Worker does not start; reading it again and starting it once more"


async def test_a_worker_that_does_not_start_again_is_given_up_and_says_why(deploy: Deploy) -> None:
    heard: list[str] = []
    with pytest.raises(WorkerNotStarted, match=r"the Worker does not start: .*SyntaxError"):
        await deploy(HALF_WRITTEN, logging=heard.append)
    assert [AGAIN in line for line in heard] == [True], "the reason is told by who is told of the error"
