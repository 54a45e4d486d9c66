"""Where `serve` has the API's token from, to whom it shows it, and that it shows it nowhere else."""

import re
from pathlib import Path

import httpx
import pytest

from queue_emulator.core.errors import SettingsError
from queue_emulator.settings import API_TOKEN_NAME, ApiToken, KeySource, Settings, read_keys
from tests.cli.emulator_process import Emulator, StartEmulator
from tests.cli.in_process import refusal
from tests.web.rest.api import NAMESPACES

OWN = "my-own-token"
ELSEWHERE = "192.0.2.1"


def listed(emulator: Emulator, token: str) -> httpx.Response:
    return emulator.ask("GET", NAMESPACES, headers={"Authorization": f"Bearer {token}"})


def shown_token(emulator: Emulator) -> str:
    (token,) = re.findall(r"CLOUDFLARE_API_TOKEN=(\S+)", "\n".join(emulator.banner))
    return str(token)


def made_token(environment: dict[str, str], host: str = "127.0.0.1", folder: Path = Path("/nowhere")) -> ApiToken:
    return read_keys(host, environment=environment, folder=folder).api_token


@pytest.mark.slow
def test_a_token_of_the_user_s_opens_the_api_and_is_shown_nowhere(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--ephemeral", environment={API_TOKEN_NAME: OWN})
    assert listed(emulator, OWN).status_code == 200
    assert listed(emulator, "wrong").status_code == 401
    assert shown_token(emulator) == f'"${API_TOKEN_NAME}"'
    assert OWN not in "\n".join(emulator.banner)
    assert emulator.stop() == 0
    assert "GET" in emulator.log()
    assert OWN not in emulator.log()


@pytest.mark.slow
def test_a_token_of_its_own_is_another_at_each_start_whatever_the_seed(start_emulator: StartEmulator) -> None:
    started = [start_emulator("--ephemeral", "--random-seed", "7") for _ in range(2)]
    tokens = [shown_token(emulator) for emulator in started]
    assert all(re.fullmatch("[0-9a-f]{32}", token) for token in tokens)
    assert tokens[0] != tokens[1]
    assert [listed(emulator, token).status_code for emulator, token in zip(started, tokens, strict=True)] == [200, 200]
    assert listed(started[0], tokens[1]).status_code == 401
    assert all(tokens[0] not in emulator.log() for emulator in started)


@pytest.mark.slow
def test_a_token_that_no_header_can_carry_is_refused(folder: Path) -> None:
    line = refusal("serve", "--port", "0", folder=folder, environment={API_TOKEN_NAME: "two words"})
    assert line == f"{API_TOKEN_NAME} from environment has characters that an HTTP header cannot have"


def test_the_environment_comes_before_the_file(folder: Path) -> None:
    (folder / ".dev.vars").write_text(f"{API_TOKEN_NAME}=from-the-file\n")
    assert made_token({}, folder=folder) == ApiToken("from-the-file", ".dev.vars")
    assert made_token({API_TOKEN_NAME: OWN}, folder=folder) == ApiToken(OWN, "environment")
    assert made_token({API_TOKEN_NAME: ""}, folder=folder) == ApiToken("from-the-file", ".dev.vars")


def test_where_others_can_reach_it_there_is_no_token_but_the_user_s() -> None:
    keys = {"QUEUE_API_KEY": "q", "ADMIN_API_KEY": "a"}
    assert made_token(keys, ELSEWHERE) == ApiToken(None, None)
    assert made_token({**keys, API_TOKEN_NAME: OWN}, ELSEWHERE) == ApiToken(OWN, "environment")
    with pytest.raises(SettingsError, match="no API key is set"):
        read_keys(ELSEWHERE, environment={API_TOKEN_NAME: OWN}, folder=Path("/nowhere"))


def test_a_token_is_in_no_text_that_describes_it() -> None:
    source: KeySource = read_keys("127.0.0.1", environment={API_TOKEN_NAME: OWN}, folder=Path("/nowhere"))
    assert OWN not in f"{source} {source.api_token} {Settings(keys=source)}"


def test_no_location_is_called_as_the_api_is() -> None:
    source = read_keys("127.0.0.1", environment={}, folder=Path("/nowhere"))
    with pytest.raises(SettingsError, match="API is the name of Cloudflare's API in faults and journal"):
        Settings(keys=source, locations=("SJC", "API"))
