"""What a namespace behind the API is named by, and what is never shown."""

import pytest

from queue_emulator.core.errors import SettingsError
from queue_emulator.kv.cloudflare_access import API_URL, Access
from queue_emulator.settings import read_cloudflare

ID = "0123456789abcdef0123456789abcdef"
ENVIRONMENT = {"CLOUDFLARE_ACCOUNT_ID": ID, "CLOUDFLARE_API_TOKEN": "a-token"}


def test_the_environment_is_wrangler_s() -> None:
    assert read_cloudflare(ID, environment=ENVIRONMENT) == Access(ID, ID, "a-token", API_URL)
    elsewhere = {**ENVIRONMENT, "CLOUDFLARE_API_BASE_URL": "http://127.0.0.1:8787/client/v4"}
    access = read_cloudflare(ID, environment=elsewhere)
    assert (access.host, access.on_loopback) == ("127.0.0.1:8787", True)


@pytest.mark.parametrize(
    ("without", "named"),
    [
        (["CLOUDFLARE_API_TOKEN"], "needs CLOUDFLARE_API_TOKEN in"),
        (["CLOUDFLARE_ACCOUNT_ID"], "needs CLOUDFLARE_ACCOUNT_ID in"),
        (list(ENVIRONMENT), "needs CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN in"),
    ],
)
def test_what_is_missing_in_the_environment_is_named(without: list[str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        read_cloudflare(ID, environment={**ENVIRONMENT, **dict.fromkeys(without, "")})


@pytest.mark.parametrize(
    "base_url",
    [
        "https://api.cloudflare.com/client/v4",
        "https://gateway.example:8443/client/v4/",
        "http://127.0.0.1:8787/client/v4",
        "http://localhost:8787/client/v4",
        "http://[::1]:8787/client/v4",
    ],
)
def test_a_token_may_travel_there(base_url: str) -> None:
    assert Access(ID, ID, "a-token", base_url).base_url == base_url


@pytest.mark.parametrize(
    ("base_url", "why"),
    [
        ("http://api.cloudflare.com/client/v4", "without encryption"),
        ("http://127.0.0.1.example/client/v4", "without encryption"),
        ("ftp://127.0.0.1/", "not the URL of an API"),
        ("127.0.0.1:8787", "not the URL of an API"),
        ("https://", "not the URL of an API"),
        ("https://host:99999/", "not the URL of an API"),
        ("https://host/?x=1", "not the URL of an API"),
        ("https://host/#x", "not the URL of an API"),
        ("https://[::1/", "not the URL of an API"),
    ],
)
def test_a_token_does_not_travel_there(base_url: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        Access(ID, ID, "a-token", base_url)


def test_a_password_in_a_url_is_refused_and_not_shown() -> None:
    with pytest.raises(SettingsError, match="not the URL") as refused:
        Access(ID, ID, "a-token", "https://user:hunter2@host/client/v4")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("wrong", ["", "abc", "0" * 31, "0" * 33, "G" * 32, "A" * 32, f"{'0' * 31}/", f"{'0' * 32}\n"])
def test_an_id_is_32_hexadecimal_digits(wrong: str) -> None:
    with pytest.raises(SettingsError, match="a namespace id must have 32 hexadecimal digits"):
        Access(ID, wrong, "a-token")
    with pytest.raises(SettingsError, match="an account id must have 32 hexadecimal digits"):
        Access(wrong, ID, "a-token")


@pytest.mark.parametrize("token", ["", "two words", "a\nb", "é"])
def test_a_token_that_cannot_be_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(SettingsError, match="characters that a token cannot have") as refused:
        Access(ID, ID, token)
    assert token == "" or token not in str(refused.value)


def test_the_token_is_in_no_repr() -> None:
    assert "a-token" not in repr(Access(ID, ID, "a-token"))
