"""Draws: a function of the seed and of what is decided, and of nothing else."""

import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queue_emulator.core.dice import Dice

WORDS = st.lists(st.one_of(st.text(), st.integers()), max_size=4)


@given(st.integers(), WORDS)
def test_the_same_seed_and_words_give_the_same_draw_whatever_was_drawn_before(
    seed: int, words: list[str | int]
) -> None:
    fresh, used = Dice(seed), Dice(seed)
    used.bits(64, "something", "else")
    used.below(6, *words)
    assert fresh.below(1_000_000, *words) == used.below(1_000_000, *words)


@given(st.integers(), st.integers(1, 2**64), WORDS)
def test_a_draw_below_a_limit_is_below_it(seed: int, limit: int, words: list[str | int]) -> None:
    assert 0 <= Dice(seed).below(limit, *words) < limit


@given(st.integers(1, 64), WORDS)
def test_a_draw_of_bits_has_no_more_than_asked(count: int, words: list[str | int]) -> None:
    assert 0 <= Dice(1).bits(count, *words) < 2**count


@pytest.mark.no_cover
@pytest.mark.slow
@given(st.lists(WORDS.map(tuple), min_size=2, max_size=20, unique_by=repr))
def test_different_words_are_different_draws(decisions: list[tuple[str | int, ...]]) -> None:
    assert len({Dice(1).bits(64, *words) for words in decisions}) == len(decisions)


def test_a_number_and_its_text_and_a_joined_and_a_split_word_differ() -> None:
    decisions: list[tuple[str | int, ...]] = [(1,), ("1",), ("a", "b"), ("ab",), ("a\0b",), ("a'\0'b",), ()]
    assert len({Dice(1).bits(64, *words) for words in decisions}) == len(decisions)


def test_different_seeds_are_different_dice() -> None:
    assert len({Dice(seed).bits(64, "lag") for seed in range(1_000)}) == 1_000


def test_without_a_seed_every_pair_of_dice_differs() -> None:
    assert len({Dice().bits(64, "lag") for _ in range(100)}) == 100


def test_the_seed_that_was_drawn_draws_the_same_again() -> None:
    dice = Dice()
    assert Dice(dice.seed).bits(64, "lag") == dice.bits(64, "lag")


def test_every_face_comes_up_about_as_often() -> None:
    faces = Counter(Dice(3).below(6, "throw", number) for number in range(6_000))
    assert sorted(faces) == [0, 1, 2, 3, 4, 5]
    assert min(faces.values()) > 850


@pytest.mark.slow
def test_a_draw_does_not_depend_on_the_process_or_its_hash_seed() -> None:
    program = "from queue_emulator.core.dice import Dice; print(Dice(7).bits(64, 'lag', 12, 'NRT'), end='')"
    draws = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert draws == {str(Dice(7).bits(64, "lag", 12, "NRT"))}
