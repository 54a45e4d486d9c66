"""fixtures/shop, a TypeScript project with D1, a Durable Object, assets and two KV namespaces, at two locations."""

import shutil
from pathlib import Path

from tests.cli.emulator_process import FIXTURES
from tests.run.probe_tools import TOOLS, command_of, free_port, installed
from tests.run.test_versions import until
from tests.run.tool import StartRun

SJC, NRT = ({"X-Emulator-Location": location} for location in ("SJC", "NRT"))
(NEWEST,) = (each for each in TOOLS if each.name == "wrangler 4.164")


def test_an_order_in_tokyo_is_made_at_the_old_price_for_a_minute(start_run: StartRun, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    shutil.copytree(FIXTURES / "shop", folder)
    (folder / "node_modules").symlink_to(installed(NEWEST.installed))
    running = start_run(command_of(NEWEST, free_port()), "--location", "SJC", "--location", "NRT", folder=folder)
    ask = running.ask
    assert "<h1>Shop</h1>" in ask("GET", "/", headers=NRT).text

    def order(where: dict[str, str]) -> tuple[int, float]:
        made = ask("POST", "/orders", headers=where, json={"item": "tea"}).json()
        return made["number"], made["price"]

    assert ask("PUT", "/prices/tea", headers=SJC, content=b"10").status_code == 204
    assert order(NRT) == (1, 10)
    running.control("POST", "clock", {"advance_s": 1})
    assert ask("PUT", "/prices/tea", headers=SJC, content=b"12").status_code == 204
    assert (order(SJC), order(NRT)) == ((2, 12), (3, 10))  # one till, two prices
    running.control("POST", "clock", {"advance_s": 60})
    assert order(NRT) == (4, 12)
    prices = [each["price"] for each in ask("GET", "/orders", headers=NRT).json()]
    assert prices == [10, 12, 10, 12]  # D1 is one database

    (folder / "src" / "greeting.ts").write_text('export const GREETING = "Hello";\n')
    for where in (SJC, NRT):
        until(lambda where=where: ask("GET", "/greeting", headers=where).text == "Hello")  # type: ignore[misc]
    assert order(NRT) == (5, 12)

    assert ask("PUT", "/flags/closed", headers=SJC, content=b"yes").status_code == 204
    assert ask("POST", "/orders", headers=SJC, json={"item": "tea"}).status_code == 403
    assert ask("POST", "/orders", headers=NRT, json={"item": "tea"}).status_code == 201  # it does not know yet
