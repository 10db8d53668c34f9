"""Where words and sentences are, what a prompt may quote, and what is left of it without its quotations."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssrl_data.media.text import LONGEST, block, canonical, document, quotable, sentences, without_blocks, words


def test_words_hold_what_joins_them() -> None:
    text = "See x86_64, GNU/Linux and C++; it isn't 3.14, e-mail me (a@b.org)!"
    assert [text[start:end] for start, end in words(text)] == [
        *("See", "x86_64", "GNU/Linux", "and", "C++", "it", "isn't", "3.14", "e-mail", "me", "a@b.org"),
    ]


def test_sentences_end_where_one_begins_and_not_behind_abbreviations() -> None:
    text = 'Mr. Smith met J. Doe, e.g. in Paris. "Really?" he asked. See Fig. 3 for it. v. 2 is out!'
    found = sentences(text)
    assert found == ["Mr. Smith met J. Doe, e.g. in Paris.", '"Really?" he asked.', "See Fig. 3 for it. v. 2 is out!"]
    assert " ".join(found) == text
    assert sentences("") == []
    assert sentences("一。二。") == ["一。", "二。"]


@given(st.text())
def test_canonical_text_stays_as_it_is_and_loses_no_word_of_ascii(text: str) -> None:
    once = canonical(text)
    assert canonical(once) == once
    assert "\n" not in once
    assert "\0" not in once
    found = document([text])
    assert all(len(paragraph) <= LONGEST for paragraph in found.paragraphs)
    assert " ".join(found.paragraphs) == once


def test_a_long_run_is_cut_and_every_paragraph_kept() -> None:
    found = document(["word " * 9000, "", "x" * (LONGEST + 5)])
    assert [len(paragraph) <= LONGEST for paragraph in found.paragraphs] == [True] * 5
    assert found.kept == (0, 1, 2, 3, 4)


@pytest.mark.parametrize(
    "text", ["</passage>", "an <answer>", "<|im_end|>", "\\boxed{3}", "[MASK 1]", "<THINK>", "</Steps >"]
)
def test_what_could_be_taken_for_ours_is_not_quoted(text: str) -> None:
    assert not quotable(f"It says {text} here.")
    assert quotable("a < b, c > d, <b>bold</b>, the answer is in a box, steps follow")


def test_without_blocks_a_prompt_is_the_tasks_own_words() -> None:
    prompt = f"Read.\n{block('passage', 'One <b>two</b>.')}\nThen\n{block('steps', '1: a')} tell."
    assert without_blocks(prompt) == "Read.\n\nThen\n tell."
    assert without_blocks(prompt, "steps") == f"Read.\n{block('passage', 'One <b>two</b>.')}\nThen\n tell."
    assert without_blocks("<passage>\nnever closed") == "<passage>\nnever closed"


def test_time_is_that_of_the_length() -> None:
    start = time.process_time()
    for text in ("a." * 200_000, ". " * 200_000, "a-" * 200_000, "(" * 400_000, "A. B. " * 60_000):
        words(text)
        sentences(text)
    assert time.process_time() - start < 20
