from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssrl_data.answers.reading import LONGEST, MOST_FINALS, WINDOW, bare, conclusion, final, visible

FILLER = "so it goes. "


def word(text: str) -> str | None:
    """A parser that reads single lower-case words."""
    return text if text.isalpha() and text.islower() else None


READINGS = [
    ("<answer>a</answer>", "a", ""),
    ("<answer> a\n</answer>", "a", ""),
    ("first <answer>a</answer> then <answer>a</answer>", "a", ""),
    ("<answer>1</answer><answer>a</answer>", "a", ""),
    ("<answer>a</answer><answer>1</answer>", None, "malformed"),
    ("<answer>a</answer><answer>b</answer>", None, "two answers"),
    ("<answer>a</answer><answer>b</answer><answer>a</answer>", None, "two answers"),
    ("<answer>a", None, "no answer"),
    ("<answer>a</answer><answer>b", "a", ""),
    ("a</answer>", None, "no answer"),
    ("<answer>a</answer></answer>", "a", ""),
    ("<answer><answer>a</answer></answer>", "a", ""),
    ("<answer>b<answer>a</answer>", "a", ""),
    ("\\boxed{a}", "a", ""),
    ("\\boxed{a} \\boxed{a}", "a", ""),
    ("\\boxed{1} \\boxed{a}", "a", ""),
    ("\\boxed{a} \\boxed{1}", None, "malformed"),
    ("\\boxed{a} \\boxed{b}", None, "two answers"),
    ("\\boxed{a", None, "no answer"),
    ("\\boxed{a} and {", "a", ""),
    ("\\boxed{a} and } }", "a", ""),
    ("} \\boxed{a}", "a", ""),
    ("{ \\boxed{a}", "a", ""),
    ("\\boxed{ { \\boxed{a}", "a", ""),
    ("\\boxed{ {a}", None, "no answer"),
    ("\\boxed{\\boxed{a}}", "a", ""),
    ("\\boxed{\\boxed{a} \\boxed{a}}", None, "malformed"),
    ("\\boxed{b \\boxed{a}}", None, "malformed"),
    ("\\boxed{\\text{a}}", "a", ""),
    ("\\boxed{\\}a}", None, "malformed"),
    ("\\boxed{\\{} \\boxed{a}", "a", ""),
    ("\\\\boxed{a}", "a", ""),
    ("\\boxed{b} \\\\boxed{a}", None, "two answers"),
    ("\\boxed{a} \\\\ \\boxed{a}", "a", ""),
    ("\\boxed{b} <answer>a</answer>", None, "two answers"),
    ("<answer>a</answer> \\boxed{b}", None, "two answers"),
    ("<answer>a</answer> \\boxed{a}", "a", ""),
    ("<answer>a</answer> \\boxed{1}", "a", ""),
    ("<answer>\\boxed{a}</answer>", "a", ""),
    ("\\boxed{<answer>a</answer>}", "a", ""),
    ("\\boxed{a} <answer></answer>", None, "malformed"),
    ("a", "a", ""),
    (" a \n", "a", ""),
    ("a b", None, "no answer"),
    ("", None, "no answer"),
    ("<think>b</think>a", "a", ""),
    ("<think><answer>b</answer></think><answer>a</answer>", "a", ""),
    ("<answer>b</answer></think><answer>a</answer>", "a", ""),
    ("</think></think>a", "a", ""),
    ("<answer>a</answer></think>", None, "no answer"),
    ("<think><answer>a</answer>", None, "no answer"),
    ("<answer>a</answer><think><answer>b</answer>", "a", ""),
    ("<think>x</think><answer>a</answer><think>b", "a", ""),
    ("<answer>a\x00</answer>", None, "malformed"),
    ("<answer>\x1fa</answer>", None, "malformed"),
    ("<answer>\u200ba</answer><answer>a</answer>", "a", ""),
    ("<answer>a</answer>\u200b\x00\ud800", "a", ""),
    ("<Answer>a</Answer>", None, "no answer"),
]


@pytest.mark.parametrize(("response", "given_", "reason"), READINGS)
def test_reading(response: str, given_: str | None, reason: str) -> None:
    assert final(response, word) == (given_, reason)


def test_the_window_ends_where_it_says() -> None:
    gold = "<answer>a</answer>"
    room = WINDOW - len(gold)
    assert final(gold + " " * room, word).given == "a"
    assert final(gold + " " * (room + 1), word).given is None
    assert final("<answer>b</answer>" + " " * room + gold, word).given == "a"
    # The end of the reasoning is found however far back it lies.
    assert final("<answer>b</answer></think>" + " " * WINDOW + gold, word).given == "a"
    assert final("<think>" + " " * WINDOW + gold, word).reason == "no answer"


def test_the_longest_answer_is_as_long_as_it_says() -> None:
    for wrap in ("<answer>{}</answer>", "\\boxed{{{}}}", "{}", "<answer>  {}  </answer>"):
        assert final(wrap.format("a" * LONGEST), word).given == "a" * LONGEST
        assert final(wrap.format("a" * (LONGEST + 1)), word).given is None


def test_so_many_spellings_are_compared() -> None:
    spelled = [f"<answer>{' ' * i}a</answer>" for i in range(MOST_FINALS + 1)]
    assert final("".join(spelled[:MOST_FINALS]), word) == ("a", "")
    assert final("".join(spelled), word) == (None, "two answers")
    assert final("".join(spelled[:MOST_FINALS] * 50), word) == ("a", "")


@given(st.text(), st.text())
def test_text_around_the_tags_does_not_matter(before: str, after: str) -> None:
    if "<" not in before + after and "\\" not in before + after:
        assert final(f"{before}<answer>a</answer>{after}", word) == ("a", "")


@given(
    st.lists(
        st.sampled_from(["<answer>", "</answer>", "<think>", "</think>", "\\boxed{", "{", "}", "\\", "a", "b", " "])
    ).map("".join)
)
def test_reading_follows_its_definition(response: str) -> None:
    """Against a slow second reading, written from the definition with plain scans."""
    text = response
    while "</think>" in text:
        text = text[text.index("</think>") + 8 :]
    if "<think>" in text:
        text = text[: text.index("<think>")]
    assert conclusion(response) == text
    blocks, rest = [], text
    while "</answer>" in rest:
        piece, rest = rest[: rest.index("</answer>")], rest[rest.index("</answer>") + 9 :]
        if "<answer>" in piece:
            blocks.append(piece.split("<answer>")[-1])
    read = final(response, word)
    if blocks:
        said = [word(b.strip()) for b in blocks]
        if "\\boxed" not in text:
            if said[-1] is None:
                assert read.reason == "malformed"
            elif any(s is not None and s != said[-1] for s in said):
                assert read.reason == "two answers"
            else:
                assert read.given == said[-1]
    elif "\\boxed{" not in text:
        assert read.given == (word(text.strip()) if text.strip() else None)


@given(st.text())
def test_reading_is_total(response: str) -> None:
    for text in (response, f"<answer>{response}</answer>", f"\\boxed{{{response}}}", response * 50):
        read = final(text, word)
        assert (read.given is None) == (read.reason != "")


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("**(B).**", "B"),
        (".5", ".5"),
        ("5.", "5"),
        ("-5", "-5"),
        ("[[1, 2]]", "1, 2"),
        ("", ""),
        ("()", ""),
        ("a.b", "a.b"),
    ],
)
def test_bare(text: str, inside: str) -> None:
    assert bare(text) == inside


def test_ordinary_text_is_visible() -> None:
    for text in (
        "a\tb\r\nc",
        "naïve façade",
        "東京",
        "\U0001f600",
        "e\u0301",
        "‘quoted’ – “text”…",
        "\u00a0\u3000",
        "",
    ):
        assert visible(text), text
    for text in (
        "\u200b",
        "a\x00",
        "\x0b",
        "\u2028",
        "\ud800",
        "\ufe0f",
        "\u202e",
        "\x7f",
        "\x9f",
        "\xad",
        "\U000e0041",
    ):
        assert not visible(text), text


def test_an_empty_final_is_never_parsed() -> None:
    for response in ("<answer></answer>", "<answer> </answer>", "\\boxed{}", "\\boxed{\\text{ }}", "", " "):
        assert final(response, str).given is None
