"""Each guesser that reads the text is caught where the text gives the answer away, and is not where it does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from test_gates import facts

from ssrl_data.answers.blanks import Blanks
from ssrl_data.answers.choice import Choice
from ssrl_data.answers.number import Number
from ssrl_data.answers.permutation import Permutation
from ssrl_data.answers.span import Span
from ssrl_data.check.guess import judge_level
from ssrl_data.check.heuristics import heuristics
from ssrl_data.core import Answer
from ssrl_data.media.text import block
from ssrl_data.rng import Rng

WORDS = [f"{a}{b}{c}" for a in "bdgklmnprst" for b in "aeiou" for c in "lmnrst"]
ROWS = 1500


def beats(made: Callable[[Rng, int], tuple[str, Answer]], rows: int = ROWS) -> set[str]:
    """Names of the guessers of the module that beat chance."""
    found = []
    for i in range(rows):
        text, answer = made(Rng(i), i)
        found.append(replace(facts(i, answer), text=text))
    level = judge_level(found)
    assert level is not None
    names = heuristics(found)
    assert names
    assert level.needed <= rows
    return {guess.name for guess in level.guesses if guess.beats and guess.name in names}


def order(rng: Rng, say: Callable[[int, Rng], str]) -> tuple[str, Answer]:
    """Three steps in random order; `say` words the step of a place."""
    places = rng.shuffled([1, 2, 3])
    while places == [1, 2, 3]:
        places = rng.shuffled([1, 2, 3])
    shown = {number: say(place, rng) for place, number in enumerate(places)}
    return block("steps", "\n".join(f"{n}: {shown[n]}" for n in (1, 2, 3))), Permutation().answer(places)


def noise(rng: Rng, count: int) -> str:
    return " ".join(WORDS[rng.below(len(WORDS))] for _ in range(count))


@pytest.mark.parametrize(
    ("say", "caught"),
    [
        (lambda place, rng: noise(rng, 6), set()),
        (lambda place, rng: noise(rng, 3 + 3 * place), {"shortest first", "fewest different words first"}),
        (lambda place, rng: noise(rng, 9 - 3 * place), {"longest first", "most different words first"}),
        (lambda place, rng: f"{('First', 'Then', 'Finally')[place]} {noise(rng, 6)}", {"by order words"}),
        (lambda place, rng: f"{noise(rng, 6)} {'7' * (1 + place)}", {"fewest capitals and digits first"}),
    ],
)
def test_what_orders_give_away(say: Callable[[int, Rng], str], caught: set[str]) -> None:
    found = beats(lambda rng, i: order(rng, say))
    assert caught <= found
    assert bool(found) == bool(caught)


def passage(before: str, behind: str) -> str:
    return block("passage", f"It says {before} [MASK] {behind} and so on.") + "\n\nWhich word is missing?"


def span(text: str) -> Answer:
    return Span().answer(text, chance=0.01)


def test_a_fill_that_stands_in_the_text_is_copied() -> None:
    def once(rng: Rng, i: int) -> tuple[str, Answer]:
        name = noise(rng, 1).capitalize()
        return passage(noise(rng, 2), f"of {name}"), span(name)

    assert beats(once) >= {"the first number or name behind the gap"}
    assert "the last number or name before the gap" not in beats(once)

    def nowhere(rng: Rng, i: int) -> tuple[str, Answer]:
        return passage(noise(rng, 3), noise(rng, 2)), span(noise(rng, 1).capitalize())

    assert beats(nowhere) == set()


def test_the_n_gram_model_knows_the_other_half_alone() -> None:
    fixed = {word: WORDS[(i * 7 + 3) % len(WORDS)] for i, word in enumerate(WORDS)}

    def learnable(rng: Rng, i: int) -> tuple[str, Answer]:
        before = WORDS[rng.below(40)]
        return passage(before, "of"), span(fixed[before])

    assert beats(learnable) == {"the n-gram model of the other half"}

    def known_here_alone(rng: Rng, i: int) -> tuple[str, Answer]:
        group = str(i % 50)
        return passage(f"w{group}", "of"), span(fixed[WORDS[int(group)]])

    assert beats(known_here_alone) == set()


def test_numbers_and_blanks_are_read_too() -> None:
    def copied(rng: Rng, i: int) -> tuple[str, Answer]:
        number = 100 + rng.below(900)
        answer = Number().answer(number, chance=0.01)
        return passage(f"that {number} or {number + 1} is {number}, so", "things"), answer

    assert "the most frequent number or name of the text" in beats(copied)

    def two(rng: Rng, i: int) -> tuple[str, Answer]:
        first, second = (100 + rng.below(900) for _ in range(2))
        parts = [Number().answer(n, chance=0.01) for n in (first, second)]
        text = block("steps", f"1: x is [MASK 1] for {first}\n2: y is [MASK 2] for {second}")
        return text, Blanks().answer(parts)

    assert "the first number or name behind the gap" in beats(two)


def test_options_are_counted_in_the_text() -> None:
    def counted(rng: Rng, i: int) -> tuple[str, Answer]:
        options = [word.capitalize() for word in rng.sample(WORDS, 4)]
        right = options[rng.below(4)]
        return block("problem", f"{' '.join(options)} and {right} met."), Choice().answer(right, options)

    assert beats(counted) == {"the option most frequent in the text", "the option last in the text"}
