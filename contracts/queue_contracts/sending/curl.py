"""A request as a line for a POSIX shell that sends it again, byte for byte, with keys taken from the environment."""

import re
import shlex
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

# What Linux takes as one argument, less a little: https://man7.org/linux/man-pages/man2/execve.2.html (2026-11-30)
ARGUMENT_BYTES_MAX = 100_000
_KEPT_BY_CURL = ("content-type",)


def command_line(
    method: str, url: str, headers: Iterable[tuple[str, str]], body: bytes | None, key: str | None = None
) -> str:
    """`key` is what the shell puts into X-API-Key, as `$NAME` or a text; None sends none. `headers` have no key."""
    if body is not None and len(body) > ARGUMENT_BYTES_MAX:
        return f"(no line for a shell: the body of {method} {urlsplit(url).path} has {len(body)} bytes)"
    words = ["curl", "-i", *_ways(method, url, body)]
    given = list(headers)
    for name, value in given:
        words += ["-H", f"{name}: {value}" if value else f"{name};"]
    if body is not None and not any(name.lower() in _KEPT_BY_CURL for name, _ in given):
        words += ["-H", "Content-Type:"]  # curl would name one of its own
    before, sent = _body(body)
    # In double quotes the key is not taken apart, and its name is replaced by the shell.
    of_the_key = "" if key is None else f' -H "X-API-Key: {key}"' if key else " -H 'X-API-Key;'"
    return f"{before}{shlex.join(words)}{sent} {shlex.quote(url)}{of_the_key}"


def key_in_a_shell(sent: str, keys: Mapping[str, str]) -> str | None:
    """What a shell makes of a key to send it as it was sent; None for one that is made of none of `keys`, by name."""
    for key, name in keys.items():
        variable = name.removeprefix("$")
        forms = {
            key: f"${variable}",
            key[:-1]: f"${{{variable}%?}}",
            key + "x": f"${{{variable}}}x",
            key.swapcase(): other_case(variable),
        }
        if sent and sent in forms:
            return forms[sent]
    return None


def other_case(variable: str) -> str:
    """The value of a variable with its letters in the other case."""
    return f"$(printf %s \"${variable}\" | tr 'A-Za-z' 'a-zA-Z')"


def _ways(method: str, url: str, body: bytes | None) -> list[str]:
    ways = []
    if re.search(r"/\.{1,2}(/|$|\?)", url):
        ways.append("--path-as-is")
    if re.search(r"[\[\]{}]", url):
        ways.append("--globoff")
    if method == "HEAD":
        ways.append("--head")  # with -X HEAD, curl waits for a body that never comes
    elif method != ("GET" if body is None else "POST"):
        ways += ["-X", method]
    return ways


def _body(body: bytes | None) -> tuple[str, str]:
    """What stands before the command and behind it."""
    if body is None:
        return "", ""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = "\0"
    if all(each.isprintable() or each == "\n" for each in text):
        return "", f" --data-raw {shlex.quote(text)}"
    # No argument holds a NUL, and no text what is not UTF-8: printf writes each byte by its number.
    octal = "".join(chr(each) if 32 <= each < 127 and each not in b"\\'%" else f"\\{each:03o}" for each in body)
    return f"printf '{octal}' | ", " --data-binary @-"
