"""The other right forms of an answer, and that nothing else is among them."""

from __future__ import annotations

import pytest

from ssrl_data.gates.aliases import aliases
from ssrl_data.media.text import Text

NONE = Text(())


@pytest.mark.parametrize(
    ("answer", "kind", "other"),
    [
        ("four", "number", ["4"]),
        ("4", "number", ["four"]),
        ("12", "number", ["twelve"]),
        ("13", "number", []),
        ("1,024", "number", ["1024"]),
        ("4096", "number", ["4,096"]),
        ("National Laboratory", "name", ["National Lab"]),
        ("Grey Centre", "name", ["Gray Center"]),
        ("Telford", "name", []),
        ("count", "option", ["--count"]),
        ("sshd_config", "identifier", []),
    ],
)
def test_forms(answer: str, kind: str, other: list[str]) -> None:
    assert aliases(answer, kind, NONE) == other


def test_a_name_may_keep_its_article() -> None:
    assert aliases("Royal Society", "name", NONE, "the") == ["the Royal Society"]


@pytest.mark.parametrize(
    "text",
    [
        "Here is the Internet Protocol (IP) again.",
        "Here is IP (Internet Protocol) again.",
        "Use the Internet Protocol (IP).",
    ],
)
def test_the_document_defines_an_acronym(text: str) -> None:
    document = Text(("Nothing.", text))
    assert aliases("IP", "capitals", document) == ["Internet Protocol"]
    assert aliases("Internet Protocol", "name", document) == ["IP"]
    assert aliases("TCP", "capitals", document) == []


def test_initials_must_agree() -> None:
    assert aliases("UK", "capitals", Text(("It is the Royal Society (UK) again.",))) == []


def test_a_joined_system_needs_both_names() -> None:
    assert aliases("Linux", "name", Text(("It runs on GNU/Linux. Then on Linux.",))) == ["GNU/Linux"]
    assert aliases("Linux", "name", Text(("It runs on GNU/Linux.",))) == []
    assert aliases("TCP", "capitals", Text(("It runs on TCP/IP. Then on TCP.",))) == []


def test_a_percentage_may_keep_its_sign() -> None:
    assert aliases("10", "number", Text(()), "", "% of it") == ["ten", "10%"]
    assert aliases("10", "number", Text(()), "", " of it") == ["ten"]
