"""Several versions of the Worker at once: by location, or by a share of all requests, sticky by a key."""

import pytest

from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import SettingsError
from queue_emulator.worker.rollout import Rollout, Wish, rollout, wish

DICE = Dice(1)
PLACES = ("SJC", "NRT")


def names(of: Rollout, keys: list[str] | None = None) -> list[str]:
    if keys is None:
        return [of.version("SJC", Wish(), number, DICE) for number in range(400)]
    return [of.version("SJC", Wish(key), number, DICE) for number, key in enumerate(keys)]


def test_each_location_has_its_version_and_the_others_the_one_without_a_location() -> None:
    several = rollout(["NRT=old", "dual"], None, PLACES)
    assert several.version("NRT", Wish(), 1, DICE) == "old"
    assert several.version("SJC", Wish(), 1, DICE) == "dual"
    assert str(several) == "Worker version dual, old at NRT"


def test_without_a_word_it_is_the_new_one() -> None:
    assert rollout([], None, PLACES) == Rollout("new")
    assert str(rollout([], None, PLACES)) == "Worker version new"


def test_a_split_draws_each_request_by_its_shares() -> None:
    drawn = names(rollout([], "old=75,new=25", PLACES))
    assert set(drawn) == {"old", "new"}
    assert 70 < drawn.count("new") < 130


def test_a_key_keeps_its_version_and_goes_to_the_second_for_good_as_its_share_grows() -> None:
    keys = [f"client-{number}" for number in range(50)]
    few, many, all_of_them = (names(rollout([], split, PLACES), keys) for split in SPLITS)
    assert few == names(rollout([], SPLITS[0], PLACES), keys)
    assert 0 < few.count("new") < many.count("new") < all_of_them.count("new") == 50
    assert all(later == "new" for earlier, later in zip(few, many, strict=True) if earlier == "new")


@pytest.mark.parametrize("split", ["old=100,new=0", "old=0,new=100"])
def test_a_request_gets_the_version_that_it_names_if_that_is_deployed(split: str) -> None:
    of = rollout([], split, PLACES)
    for named in ("old", "new"):
        assert of.version("SJC", Wish("a key", named), 1, DICE) == named
    answering = "old" if split.startswith("old=100") else "new"
    assert of.version("SJC", Wish(version="dual"), 1, DICE) == answering, "it is not deployed"
    assert rollout([], None, PLACES).version("SJC", Wish(version="old"), 1, DICE) == "new"


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ('my-worker="old"', "old"),
        ('my-worker="old", another="new"', "old"),
        ("my-worker=old", None),
        ('my-worker="old', None),
        ('"old"', None),
        ('my-worker="old", another', None),
        ("", None),
    ],
)
def test_a_version_is_named_by_a_dictionary_of_strings_and_by_nothing_else(said: str, version: str | None) -> None:
    headers = [(b"host", b"localhost"), (b"cloudflare-workers-version-overrides", said.encode())]
    assert wish(headers) == Wish(None, version)
    assert wish([(b"cloudflare-workers-version-key", b"ann"), *headers]) == Wish("ann", version)


SPLITS = ("old=90,new=10", "old=50,new=50", "old=0,new=100")


@pytest.mark.parametrize(
    ("versions", "split", "said"),
    [
        (["newest"], None, "unknown version 'newest' of the Worker; there are old, dual, new"),
        (["LHR=old"], None, "--worker-version LHR=old: this emulator has SJC, NRT; add --location LHR"),
        (["SJC=old", "sjc=new"], None, "--worker-version is given twice for SJC"),
        (["old", "new"], None, "--worker-version is given twice for all locations: old and new"),
        (["old"], "old=50,new=50", "--split divides the requests of all locations: leave --worker-version out"),
        ([], "old=90,new=20", "shares add up to 100, as old=90,new=10, not 'old=90,new=20'"),
        ([], "old=50,old=50", "--split takes two versions"),
        ([], "old=1,dual=1,new=98", "--split takes two versions"),
        ([], "old=50,newest=50", "unknown version 'newest'"),
    ],
)
def test_what_cannot_be_is_refused(versions: list[str], split: str | None, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        rollout(versions, split, PLACES)
