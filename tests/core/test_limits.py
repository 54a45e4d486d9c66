"""The service's numbers are the published ones, and fit together."""

from queue_emulator.core import limits
from queue_emulator.core.profiles import CLOUDFLARE


def test_the_numbers_are_the_published_ones() -> None:
    """https://developers.cloudflare.com/kv/platform/limits/ as of 2026-11."""
    assert (limits.KEY_BYTES_MAX, limits.METADATA_BYTES_MAX, limits.VALUE_BYTES_MAX) == (512, 1024, 26_214_400)
    assert (limits.TTL_S_MIN, limits.CACHE_TTL_S_MIN, limits.CACHE_TTL_S_DEFAULT) == (60, 30, 60)
    assert (limits.LIST_LIMIT_MAX, limits.LIST_LIMIT_DEFAULT, limits.BULK_GET_KEYS_MAX) == (1000, 1000, 100)
    assert (limits.OPERATIONS_PER_INVOCATION_MAX, limits.WRITES_TO_ONE_KEY_INTERVAL_MS) == (1000, 1000)


def test_a_value_that_is_accepted_fits_an_edge_and_a_bulk_read() -> None:
    assert limits.VALUE_BYTES_MAX <= limits.BULK_GET_BYTES_MAX < limits.EDGE_BYTES_MAX


def test_the_numbers_of_options_are_32_bit() -> None:
    assert (limits.INT32_MIN, limits.INT32_MAX) == (-2_147_483_648, 2_147_483_647)


def test_a_deleted_key_is_walked_for_longer_than_any_copy_of_it_is_shown_by_default() -> None:
    assert CLOUDFLARE.tombstone_life_ms > limits.CACHE_TTL_S_DEFAULT * 1000


def test_the_text_of_a_spent_budget_is_the_platform_s() -> None:
    assert limits.BUDGET_TEXT.startswith("Too many API requests by single Worker invocation. To configure this limit")
