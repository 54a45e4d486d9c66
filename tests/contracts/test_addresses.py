"""What is an address to send a key to, and that no key is said again in the refusal of one that is not."""

import pytest

from queue_contracts.targets.addresses import TargetError, check_address


@pytest.mark.parametrize(
    "url", ["https://staging.example.com", "https://STAGING.example.com:8443/", "http://127.0.0.1:1", "https://[::1]"]
)
def test_an_origin_is_an_address(url: str) -> None:
    check_address(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://",
        "https://[::1",
        "https://host:99999",
        "https://two..dots.example",
        "https://xn--zzzzzz.example",
        f"https://{'a' * 64}.example",
        "https://host\n.example",
        "https://host#fragment",
        "https://host?query",
        "https://host/path",
        "ftp://host",
        "host",
        "",
    ],
)
def test_anything_else_is_refused_before_it_is_asked(url: str) -> None:
    with pytest.raises(TargetError, match="a target is"):
        check_address(url)


@pytest.mark.parametrize("url", ["https://host?key=pasted", "https://host#pasted", "https://pasted@host"])
def test_a_key_in_an_address_is_not_said_again(url: str) -> None:
    with pytest.raises(TargetError) as refused:
        check_address(url)
    assert "pasted" not in str(refused.value)
