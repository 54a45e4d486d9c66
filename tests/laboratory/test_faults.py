"""Fault rules in Python: what each verdict does, and to which operations."""

from collections.abc import Callable

import pytest

from queue_emulator.core.errors import FaultError, KVError
from queue_emulator.testing import KV, Emulator, EmulatorClock, Faults
from queue_emulator.testing.controls import Operation
from tests.laboratory.looking import last_event, names


def reads_fail(kv: KV, key: str = "k") -> bool:
    try:
        kv.get(key)
    except KVError:
        return True
    return False


def test_fail_before_refuses_and_nothing_happened(kv: KV, faults: Faults, emulator: Emulator) -> None:
    faults.add("fail_before")
    for refused in (lambda: kv.put("k", "v"), lambda: kv.get("k"), lambda: kv.delete("k"), lambda: kv.list()):
        with pytest.raises(KVError) as error:
            refused()
        assert (error.value.status, error.value.definite) == (500, True)
        assert last_event(emulator).failed == str(error.value)
        assert last_event(emulator).version is None
    faults.clear()
    assert (kv.get("k"), names(kv)) == (None, [])


def test_fail_after_has_happened_and_the_caller_cannot_know(kv: KV, faults: Faults, emulator: Emulator) -> None:
    faults.add("fail_after", operation="put")
    with pytest.raises(KVError, match=r"^KV PUT failed: 500 Internal Server Error$") as error:
        kv.put("k", "v")
    assert not error.value.definite
    assert (last_event(emulator).version, last_event(emulator).failed) == (1, str(error.value))
    assert [kv.at(location).get("k") for location in ("SJC", "NRT")] == ["v", "v"]


def test_a_delete_that_failed_after_has_deleted(kv: KV, faults: Faults) -> None:
    kv.put("k", "v")
    faults.add("fail_after", operation="delete", status=504)
    with pytest.raises(KVError, match=r"^KV DELETE failed: 504 Gateway Timeout$") as error:
        kv.delete("k")
    assert not error.value.definite
    assert kv.get("k") is None


def test_a_read_that_failed_after_has_left_its_copy(kv: KV, faults: Faults) -> None:
    rule = faults.add("fail_after", operation="get", location="NRT")
    with pytest.raises(KVError):
        kv.at("NRT").get("k")
    faults.remove(rule)
    assert kv.at("NRT").get_with_metadata("k").cache_status == "HIT"


def test_dropped_replication_keeps_a_write_from_one_location_until_it_is_lifted(
    kv: KV, faults: Faults, emulator_clock: EmulatorClock
) -> None:
    kv.put("k", "old")
    emulator_clock.advance(1)
    faults.add("drop_replication", to="NRT", for_s=300)
    kv.put("k", "new")
    kv.put("k2", "new")
    emulator_clock.advance(299.999)
    assert [kv.at(location).get("k") for location in ("SJC", "LHR", "NRT")] == ["new", "new", "old"]
    assert (names(kv.at("LHR")), names(kv.at("NRT"))) == (["k", "k2"], ["k"])
    emulator_clock.advance(0.001)
    assert names(kv.at("NRT"), limit=999) == ["k", "k2"]
    emulator_clock.advance(60)
    assert kv.at("NRT").get("k") == "new"


def test_dropped_replication_of_a_delete_keeps_the_key_alive_there(
    kv: KV, faults: Faults, emulator_clock: EmulatorClock
) -> None:
    kv.put("k", "v")
    faults.add("drop_replication", to="NRT", for_s=60, operation="delete")
    kv.delete("k")
    assert (kv.at("NRT").get("k"), kv.at("LHR").get("k")) == ("v", None)
    emulator_clock.advance(60)
    assert kv.at("NRT").get("k") is None


def test_a_location_s_own_write_is_never_kept_from_it(kv: KV, faults: Faults) -> None:
    faults.add("drop_replication", to="NRT", for_s=60)
    kv.at("NRT").put("k", "v")
    assert kv.at("NRT").get("k") == "v"


@pytest.mark.queue_emulator(profile="local")
def test_even_the_local_runtime_can_be_cut_off_on_purpose(
    kv: KV, faults: Faults, emulator_clock: EmulatorClock
) -> None:
    faults.add("drop_replication", to="NRT", for_s=60)
    kv.put("k", "v")
    assert (kv.get("k"), kv.at("NRT").get("k")) == ("v", None)
    emulator_clock.advance(60)
    assert kv.at("NRT").get("k") == "v"


@pytest.mark.parametrize("operation", ["get", "get_bulk", "put", "delete", "list"])
def test_a_rule_matches_one_operation(kv: KV, faults: Faults, operation: Operation) -> None:
    faults.add("fail_before", operation=operation)
    calls: dict[str, Callable[[], object]] = {
        "get": lambda: kv.get("k"),
        "get_bulk": lambda: kv.get_bulk(["k"]),
        "put": lambda: kv.put("k", ""),
        "delete": lambda: kv.delete("k"),
        "list": lambda: kv.list(),
    }
    failed = []
    for name, call in calls.items():
        try:
            call()
        except KVError:
            failed.append(name)
    assert failed == [operation]


def test_a_rule_matches_a_prefix_of_the_key_which_for_a_list_is_its_prefix(kv: KV, faults: Faults) -> None:
    faults.add("fail_before", key_prefix="queue:l\u00e9ase:")
    assert reads_fail(kv, "queue:l\u00e9ase:1")
    assert not reads_fail(kv, "queue:lease:1")
    assert kv.list(prefix="queue:").list_complete
    with pytest.raises(KVError):
        kv.list(prefix="queue:l\u00e9ase:")


def test_one_key_of_a_bulk_read_is_enough_to_fail_it(kv: KV, faults: Faults) -> None:
    faults.add("fail_before", key_prefix="b", status=503)
    assert kv.get_bulk(["a", "c"]) == {"a": None, "c": None}
    with pytest.raises(KVError, match=r"^KV GET_BULK failed: 503 Service Unavailable$"):
        kv.get_bulk(["a", "b", "c"])


def test_a_prefix_that_no_key_can_have_matches_nothing(kv: KV, faults: Faults) -> None:
    faults.add("fail_before", key_prefix="\ud800")
    assert not reads_fail(kv, "\ufffd")


def test_faults_come_before_the_limits_and_what_failed_before_is_no_write(kv: KV, faults: Faults) -> None:
    faults.add("fail_before", status=503, times=1)
    with pytest.raises(KVError, match="503"):
        kv.put("k", "v")
    kv.put("k", "v")
    with pytest.raises(KVError, match="429"):
        kv.put("k", "v")


def test_a_write_that_failed_after_counts_for_the_write_rate(kv: KV, faults: Faults) -> None:
    faults.add("fail_after", times=1)
    with pytest.raises(KVError, match="500"):
        kv.put("k", "v")
    with pytest.raises(KVError, match="429"):
        kv.put("k", "v")


def test_rules_are_listed_in_order_and_removable_by_id_or_all(kv: KV, faults: Faults) -> None:
    first = faults.add("fail_before", operation="put")
    second = faults.add("fail_before", operation="get")
    assert [rule["id"] for rule in faults.rules()] == [first, second]
    faults.remove(second)
    assert not reads_fail(kv)
    with pytest.raises(FaultError, match=rf"^no fault rule has the id {second}$"):
        faults.remove(second)
    faults.clear()
    assert faults.rules() == []
    kv.put("k", "v")
