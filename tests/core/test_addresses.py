"""Which hosts are this machine's own."""

import pytest

from queue_emulator.core.addresses import loopback


@pytest.mark.parametrize("host", ["localhost", "kv.localhost", "127.0.0.1", "127.255.0.9", "::1"])
def test_loopback_names_and_addresses_are_this_machine_s_own(host: str) -> None:
    assert loopback(host)


OTHERS = ["", "0.0.0.0", "::", "10.0.0.1", "169.254.1.1", "8.8.8.8", "2001:db8::1"]
LOOKALIKES = [
    "example.com",
    "localhost.example.com",
    "notlocalhost",
    "127.0.0.1.nip.io",
    "localhost:80",
    "127.1",
    "[::1]",
]


@pytest.mark.parametrize("host", [*OTHERS, *LOOKALIKES])
def test_everything_else_is_not(host: str) -> None:
    assert not loopback(host)


def test_an_ipv4_loopback_address_seen_by_an_ipv6_socket_is_loopback() -> None:
    assert loopback("::ffff:127.0.0.1")
    assert not loopback("::ffff:192.0.2.1")
