"""The processes of a search are told to stop, whatever they were doing when one of them was killed."""

import multiprocessing
import threading
from multiprocessing.connection import Connection

import pytest

from queue_emulator.explore.searching import Stop


def looks_without_end(stop: Stop, begun: "Connection[str, None]") -> None:
    begun.send("begun")
    while not stop.is_set():
        pass


@pytest.mark.slow
def test_a_process_that_was_killed_while_it_looked_keeps_nobody_from_saying_so() -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    stop = Stop(context)
    for _ in range(4):
        heard, begun = context.Pipe(duplex=False)
        process = context.Process(target=looks_without_end, args=(stop, begun), daemon=True)
        process.start()
        assert heard.recv() == "begun"
        assert not heard.poll(0.05)  # meanwhile it looks
        process.kill()
        process.join()
    saying = threading.Thread(target=stop.set, daemon=True)
    saying.start()
    saying.join(10)
    assert not saying.is_alive()
    assert stop.is_set()
