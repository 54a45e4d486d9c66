"""A WebSocket of a Worker that sends a message without an end: it is given up at a limit, and both sides are told."""

import asyncio
import struct
from pathlib import Path

import pytest

from queue_emulator.workerd.proxying import Message
from queue_emulator.workerd.websocket import MESSAGE_BYTES_MAX, pass_on

pytestmark = pytest.mark.anyio

SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
BINARY, GOES_ON = b"\x02", b"\x00"  # frames that do not end their message


async def test_a_message_without_an_end_is_given_up(tmp_path: Path) -> None:
    sent: list[Message] = []
    received = asyncio.Queue[Message]()
    received.put_nowait({"type": "websocket.connect"})
    frame = b"\x7f" + struct.pack("!Q", 1 << 20) + bytes(1 << 20)

    async def worker(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SWITCHED + BINARY + frame)
        try:
            while not writer.is_closing():
                writer.write(GOES_ON + frame)
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()

    async def send(message: Message) -> None:
        sent.append(message)

    address = tmp_path / "worker"
    async with await asyncio.start_unix_server(worker, address):
        scope = {"raw_path": b"/", "query_string": b""}
        await pass_on(address, scope, received.get, send, [(b"host", b"localhost")])
    assert [message["type"] for message in sent] == ["websocket.accept", "websocket.close"]
    assert (sent[-1]["code"], sent[-1]["reason"]) == (
        1009,
        f"a message of the Worker goes on after {MESSAGE_BYTES_MAX} bytes",
    )
