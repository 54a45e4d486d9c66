"""Options: every refusal in its exact words, and the order in which the service looks."""

import pytest

from queue_emulator.core import options
from queue_emulator.core.errors import KVError, KVTypeError
from queue_emulator.core.javascript import UNDEFINED

NOW_S = 1_795_435_200
MIB = 1024 * 1024


def put(
    value: bytes = b"v",
    *,
    expiration_s: int | None = None,
    expiration_ttl_s: int | None = None,
    metadata: str | None = None,
    now_ms: int = NOW_S * 1000 + 999,
) -> options.PutRequest:
    return options.check_put(
        b"k", value, expiration_s=expiration_s, expiration_ttl_s=expiration_ttl_s, metadata=metadata, now_ms=now_ms
    )


def refused(status: int, reason: str, operation: str = "PUT") -> "pytest.RaisesExc[KVError]":
    def told(error: KVError) -> bool:
        return (error.operation, error.status, error.reason) == (operation, status, reason)

    return pytest.RaisesExc(KVError, check=told)


def test_a_number_that_was_not_given_is_none_and_a_null_is_nought() -> None:
    assert options.binding_number(UNDEFINED) is None
    assert [options.binding_number(given) for given in (None, "60.9", 1.9)] == [0, 60, 1]
    with pytest.raises(KVTypeError, match="Value out of range"):
        options.binding_number(2**31)


@pytest.mark.parametrize("ttl_s", [0, -1, -(2**31)])
def test_a_ttl_that_is_not_positive_is_refused(ttl_s: int) -> None:
    with refused(400, f"Invalid expiration_ttl of {ttl_s}. Please specify integer greater than 0."):
        put(expiration_ttl_s=ttl_s)


@pytest.mark.parametrize("ttl_s", [1, 59])
def test_a_ttl_below_a_minute_is_refused(ttl_s: int) -> None:
    with refused(400, f"Invalid expiration_ttl of {ttl_s}. Expiration TTL must be at least 60."):
        put(expiration_ttl_s=ttl_s)


@pytest.mark.parametrize("ttl_s", [60, 2**31 - 1])
def test_a_ttl_counts_from_the_second_that_has_begun(ttl_s: int) -> None:
    assert put(expiration_ttl_s=ttl_s).expiration_s == NOW_S + ttl_s


@pytest.mark.parametrize("expiration_s", [0, -1, 1, NOW_S])
def test_an_expiration_that_is_not_ahead_is_refused(expiration_s: int) -> None:
    why = "Please specify integer greater than the current number of seconds since the UNIX epoch."
    with refused(400, f"Invalid expiration of {expiration_s}. {why}"):
        put(expiration_s=expiration_s)


@pytest.mark.parametrize("expiration_s", [NOW_S + 1, NOW_S + 59])
def test_an_expiration_less_than_a_minute_ahead_is_refused(expiration_s: int) -> None:
    why = "Expiration times must be at least 60 seconds in the future."
    with refused(400, f"Invalid expiration of {expiration_s}. {why}"):
        put(expiration_s=expiration_s)


def test_an_expiration_a_minute_ahead_is_kept_as_given() -> None:
    assert put(expiration_s=NOW_S + 60).expiration_s == NOW_S + 60
    assert put().expiration_s is None


def test_a_ttl_wins_over_an_expiration_even_over_a_wrong_one() -> None:
    assert put(expiration_s=1, expiration_ttl_s=300).expiration_s == NOW_S + 300
    with refused(400, "Invalid expiration_ttl of 0. Please specify integer greater than 0."):
        put(expiration_s=NOW_S + 100, expiration_ttl_s=0)


def test_metadata_is_limited_in_bytes_and_not_in_letters() -> None:
    assert put(metadata="é" * 512).metadata == "é" * 512
    with refused(413, "Metadata length of 1026 exceeds limit of 1024."):
        put(metadata="é" * 513)
    with refused(413, "Metadata length of 1025 exceeds limit of 1024."):
        put(metadata="x" * 1025)


def test_a_value_may_be_25_mib_and_not_a_byte_more() -> None:
    assert len(put(bytes(25 * MIB)).value) == 25 * MIB
    with refused(413, "Value length of 26214401 exceeds limit of 26214400."):
        put(bytes(25 * MIB + 1))


def test_a_write_is_checked_for_its_lifetime_then_its_metadata_then_its_value() -> None:
    large, long = bytes(25 * MIB + 1), "x" * 2000
    with refused(400, "Invalid expiration_ttl of 1. Expiration TTL must be at least 60."):
        put(large, expiration_ttl_s=1, metadata=long)
    with pytest.raises(KVError, match="Invalid expiration of 1"):
        put(large, expiration_s=1, metadata=long)
    with refused(413, "Metadata length of 2000 exceeds limit of 1024."):
        put(large, metadata=long)


@pytest.mark.parametrize("operation", ["GET", "GET_BULK"])
def test_a_cache_ttl_is_60_unless_given_and_30_at_least(operation: str) -> None:
    assert [options.check_cache_ttl(given, operation) for given in (None, 30, 2**31 - 1)] == [60, 30, 2**31 - 1]
    with refused(400, "Invalid cache_ttl of 29. Cache TTL must be at least 30.", operation):
        options.check_cache_ttl(29, operation)


def test_a_list_limit_of_1000_is_accepted_though_the_refusal_says_less_than_1000() -> None:
    assert [options.check_list_limit(given) for given in (None, 1, 1000)] == [1000, 1, 1000]
    with refused(400, "Invalid key_count_limit of 1001. Please specify an integer less than 1000.", "GET"):
        options.check_list_limit(1001)


def test_a_bulk_read_gives_the_bytes_of_its_keys_duplicates_included() -> None:
    assert options.check_bulk_get(["é", "a", "é"], "json", None) == ([b"\xc3\xa9", b"a", b"\xc3\xa9"], 60)
    assert options.check_bulk_get(["k"] * 100, "", 30) == ([b"k"] * 100, 30)


@pytest.mark.parametrize(
    ("keys", "value_type", "cache_ttl_s", "reason"),
    [
        ([""] * 101, "bogus", 1, '"bogus" is not a valid type. Use "json" or "text"'),
        ([""] * 101, "text", 1, "You can request a maximum of 100 keys"),
        ([], "text", 1, "You must request a minimum of 1 key"),
        (["", "a"], "text", 1, "Key names must not be empty"),
        (["a", ""], "text", 1, "Invalid cache_ttl of 1. Cache TTL must be at least 30."),
        (["a", ".", ""], "text", 30, 'Illegal key name ".". Please use a different name.'),
    ],
)
def test_a_bulk_read_is_checked_for_type_number_first_key_cache_ttl_and_then_the_other_keys(
    keys: list[str], value_type: str, cache_ttl_s: int, reason: str
) -> None:
    with refused(400, reason, "GET_BULK"):
        options.check_bulk_get(keys, value_type, cache_ttl_s)


def test_a_list_request_asks_for_the_first_thousand_keys_unless_told() -> None:
    assert options.ListRequest() == options.ListRequest(prefix=b"", limit=1000, cursor="")
