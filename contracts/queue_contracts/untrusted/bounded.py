"""Every answer of a server that is not ours is read here: to a limit of bytes, depth and values, or not at all.

A limit holds for the body as it is after decompression, and is checked while it is decompressed.
"""

import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping

# KV holds 25 MiB under one key: https://developers.cloudflare.com/kv/platform/limits/ (2026-11-30).
BODY_BYTES_MAX = 32 * 1024 * 1024
DEPTH_MAX = 200
VALUES_MAX = 1_000_000
CHUNK_BYTES = 64 * 1024
ENCODINGS_MAX = 5  # one on top of the other; servers use one, seldom two

# A text of JSON to its closing quote, or to the end where it has none: nothing in it is looked at twice.
_TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_NOT_A_BRACKET = bytes(set(range(256)) - set(b"[]{}"))
_DECODERS: Mapping[str, Callable[[], "zlib._Decompress"]] = {
    "gzip": lambda: zlib.decompressobj(zlib.MAX_WBITS | 16),
    "x-gzip": lambda: zlib.decompressobj(zlib.MAX_WBITS | 16),
    "deflate": lambda: zlib.decompressobj(zlib.MAX_WBITS),
}


class Unreadable(Exception):
    """An answer that goes beyond a limit, or that nobody can decode; the message has the value and the limit."""


def whole_body(chunks: Iterable[bytes], content_encoding: str = "") -> bytes:
    """The body of an answer, decompressed. `chunks` are as they came. Raises Unreadable."""
    body = bytearray()
    for part in _decoded(chunks, [each.strip().lower() for each in content_encoding.split(",") if each.strip()]):
        body += part
        if len(body) > BODY_BYTES_MAX:
            raise Unreadable(f"its body goes on after {BODY_BYTES_MAX} bytes, the most that queue-contracts reads")
    require_bounded(body)
    return bytes(body)


def require_bounded(body: bytes | bytearray) -> None:
    """Raise Unreadable for JSON that is nested too deeply, or has too many values, to be parsed."""
    if max(body.count(b"[") + body.count(b"{"), body.count(b",")) <= DEPTH_MAX:
        return
    bare = _TEXT.sub(b"", body)
    brackets = bare.translate(None, _NOT_A_BRACKET)
    values = bare.count(b",") + len(brackets) // 2
    if values > VALUES_MAX:
        raise Unreadable(f"its body has {values} values; queue-contracts reads at most {VALUES_MAX}")
    depth = deepest = 0
    for bracket in brackets:
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    if deepest > DEPTH_MAX:
        raise Unreadable(f"its body is nested {deepest} deep; queue-contracts reads at most {DEPTH_MAX}")


def _decoded(chunks: Iterable[bytes], encodings: list[str]) -> Iterator[bytes]:
    """In small parts. The encoding that was applied last stands last, and is taken off first."""
    if len(encodings) > ENCODINGS_MAX:
        raise Unreadable(f"it has {len(encodings)} Content-Encodings; queue-contracts reads at most {ENCODINGS_MAX}")
    for encoding in reversed([each for each in encodings if each != "identity"]):
        if encoding not in _DECODERS:
            raise Unreadable(f"its Content-Encoding is {encoding[:40]!r}; queue-contracts reads only gzip and deflate")
        chunks = _decompressed(chunks, encoding)
    yield from chunks


def _decompressed(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    decoder, begun = _DECODERS[encoding](), False
    try:
        for chunk in chunks:
            left = chunk
            while left:
                if decoder.eof:
                    return  # what comes after the end belongs to nothing
                try:
                    part = decoder.decompress(left, CHUNK_BYTES)
                except zlib.error:
                    if begun or encoding != "deflate":
                        raise
                    # Some servers send it without the frame of zlib, as every browser knows.
                    decoder = zlib.decompressobj(-zlib.MAX_WBITS)
                    part = decoder.decompress(left, CHUNK_BYTES)
                begun, left = True, decoder.unconsumed_tail
                if part:
                    yield part
        while not decoder.eof and (part := decoder.decompress(decoder.unconsumed_tail, CHUNK_BYTES)):
            yield part
    except zlib.error as error:
        raise Unreadable(f"its body is not {encoding}, as its Content-Encoding says: {error}") from None
    if begun and not decoder.eof:
        raise Unreadable(f"its body ends in the middle of the {encoding} data")
