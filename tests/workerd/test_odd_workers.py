"""Workers that ask for much at once, of the older format, or with a cache; and requests that never reach them."""

import pytest

from queue_emulator.core.profiles import LOCAL
from tests.workerd.conftest import Deploy

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

BURST = """
export default { async fetch(request, env) {
  const puts = Array.from({ length: 900 }, (_, number) => env.CACHE.put(`k${number}`, "v"));
  return Response.json((await Promise.allSettled(puts)).filter(({ status }) => status !== "fulfilled"));
}};
"""

OLDER_FORMAT = """
addEventListener("fetch", (event) => event.respondWith(answer()));
async function answer() {
  await CACHE.put("k", "v");
  return Response.json([await CACHE.get("k"), NAME]);
}
"""

CACHES = """
export default { async fetch() {
  const before = await caches.default.match("http://example.com/");
  const response = new Response("kept", { headers: { "Cache-Control": "max-age=60" } });
  await caches.default.put("http://example.com/", response);
  const cache = await caches.open("another");
  const [after, gone] = [await cache.match("http://example.com/"), await caches.default.delete("http://example.com/")];
  return Response.json([before ?? null, after ?? null, gone]);
}};
"""

WRITES = """
export default { async fetch(request, env) { await env.CACHE.put(crypto.randomUUID(), "v"); return new Response(); } };
"""


async def test_the_first_request_may_make_as_many_operations_at_once_as_it_likes(deploy: Deploy) -> None:
    worker = await deploy(BURST, profile=LOCAL)
    assert await worker.json() == []
    assert worker.deployment.service.meter.totals() == {"writes": 900}


async def test_a_worker_of_the_older_format_has_its_bindings_as_globals(deploy: Deploy) -> None:
    worker = await deploy(OLDER_FORMAT, variables={"NAME": "value"})
    assert await worker.json() == ["v", "value"]


async def test_a_cache_takes_everything_and_has_nothing(deploy: Deploy) -> None:
    worker = await deploy(CACHES)
    assert await worker.json() == [None, None, False]


@pytest.mark.parametrize("method", ["FOO", "CONNECT"])
async def test_a_request_that_the_runtime_answers_by_itself_does_not_stay_under_way(
    deploy: Deploy, method: str
) -> None:
    worker = await deploy(WRITES)
    assert (await worker.client.request(method, "/")).status_code >= 400
    await worker.get("/a")
    (event,) = worker.deployment.service.journal.after(0)
    assert event.route == "GET /a"


async def test_a_location_may_have_any_code(deploy: Deploy) -> None:
    worker = await deploy(WRITES, locations=("kv", "tail"))
    assert [(await worker.get("/", at)).status_code for at in ("kv", "tail")] == [200, 200]
