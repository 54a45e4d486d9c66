"""What a soak must not leave behind."""

from tests.soak.soaking import Running, Soaked, soak

_MEMORY_KIB_MAX = 1024
_LOG_LINES_MAX = 20
_ANSWERING = {"short", "sends_a_body", "half_closed", "pipelined", "handshake"}
_CANCELLED = {
    "half_closed worker",
    "half_closed refused",
    "half_closed not found",
}  # a real Worker's run is, on workerd


def short_soak(running: Running) -> Soaked:
    """One round after two; and one more where memory has grown: what a round leaks, each round leaks."""
    soaked = soak(running, warm=iter(range(2)), rounds=iter(range(1)))
    found = left_behind(soaked)
    if found and all(each.startswith("memory") for each in found):
        soaked = soak(running, warm=iter(()), rounds=iter(range(1)))
    return soaked


def left_behind(soaked: Soaked) -> list[str]:
    """Everything that is more than before, and every request that was not answered; empty if all is well."""
    before, after = soaked.before, soaked.after
    more = [
        f"{name}: {getattr(after, name)}, {getattr(before, name)} before"
        for name in ("descriptors", "tasks", "threads", "processes")
        if getattr(after, name) > getattr(before, name)
    ]
    grown_kib = after.memory_kib - before.memory_kib
    if grown_kib >= _MEMORY_KIB_MAX:
        more.append(f"memory: {grown_kib:,} KiB more than after the warm-up, {_MEMORY_KIB_MAX:,} are allowed")
    if len(soaked.log_lines) > _LOG_LINES_MAX:
        more.append(f"log: {len(soaked.log_lines)} lines, as {soaked.log_lines[0].strip()!r}")
    more += [
        f"{count} of {client!r} ended with {status}"
        for (client, status), count in sorted(soaked.answers.items())
        if client.split()[0] in _ANSWERING and not 200 <= status < 500
        if not (status == 0 and soaked.on_workerd and client in _CANCELLED)
    ]
    return more
