"""One runtime that has every mutant in it: a hunt says which of them answers, and need not wait for a start.

A start takes three quarters of a hunt: a process of the emulator, workerd, a Worker. The modules that are hunted are
the mutant's own; only the way to them is another: a main module hands each request to the mutant that was chosen last.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import Request, urlopen

from queue_contracts.mutants.catalogue import Mutant, write_mutant
from queue_contracts.mutants.hunt import Bench, Verdict, run_checks, verdict_on
from queue_contracts.targets.opening import already_running
from queue_contracts.targets.serving import Serving, running_emulator
from queue_contracts.targets.storage import CONTROL_PREFIX
from queue_contracts.targets.target import Target

_MAIN = "main.mjs"
_CHOOSE = "/choose-a-mutant/"
_HANDED_ON = """
let chosen;
export default {{
  async fetch(request, env, context) {{
    const {{ pathname }} = new URL(request.url);
    if (!pathname.startsWith("{choose}")) return chosen.fetch(request, env, context);
    chosen = mutants[pathname.slice({length})];
    return new Response(null, {{ status: 204 }});
  }},
}};
"""
_ANSWER_S_MAX = 30


class Standing:
    """Mutants on one workerd, for as long as the block runs. One hunt at a time."""

    def __init__(self, mutants: Sequence[Mutant], bench: Bench) -> None:
        self._numbers = {mutant.name: number for number, mutant in enumerate(mutants)}
        self._mutants = mutants
        self._bench = bench
        self._open = ExitStack()

    def __enter__(self) -> "Standing":
        with ExitStack() as stack:
            self._folder = Path(stack.enter_context(TemporaryDirectory(prefix="mutants-")))
            for mutant in self._mutants:
                write_mutant(mutant, self._bench.worker, self._worker(mutant))
            main = self._folder / _MAIN
            main.write_text(_main_module(len(self._mutants)), encoding="utf-8")
            config = self._bench.worker / "wrangler.jsonc"
            if config.is_file():
                (self._folder / config.name).write_bytes(config.read_bytes())
            serving = Serving("workerd", main, self._bench.workerd)
            self._target = stack.enter_context(running_emulator(self._folder, serving))
            self._open = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def hunt(self, mutant: Mutant) -> Verdict:
        """Whether the check that is named for it fails on the mutant."""
        worker = self._worker(mutant)
        with self._chosen(mutant) as target, already_running(worker, target):
            return verdict_on(mutant, run_checks([mutant.caught_by], Bench(worker, self._bench.workerd)))

    @contextmanager
    def _chosen(self, mutant: Mutant) -> Iterator[Target]:
        """The target, with nothing in it, as this mutant."""
        _post(f"{self._target.url}{CONTROL_PREFIX}/reset")
        _post(f"{self._target.url}{_CHOOSE}{self._numbers[mutant.name]}")
        yield self._target

    def _worker(self, mutant: Mutant) -> Path:
        return self._folder / f"mutant-{self._numbers[mutant.name]}"


def _main_module(count: int) -> str:
    imports = [f'import mutant{number} from "./mutant-{number}/worker.mjs";' for number in range(count)]
    names = f"const mutants = [{', '.join(f'mutant{number}' for number in range(count))}];"
    handed_on = _HANDED_ON.format(choose=_CHOOSE, length=len(_CHOOSE))
    return "\n".join([*imports, names, handed_on])


def _post(url: str) -> None:
    with urlopen(Request(url, method="POST", data=json.dumps({}).encode()), timeout=_ANSWER_S_MAX):
        pass
