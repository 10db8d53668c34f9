"""The language of an answer, and what happens where it cannot be told."""

from __future__ import annotations

from itertools import pairwise

import pytest
from judged import cases, complete

from ssrl_data.answers.base import NO_LANGUAGES
from ssrl_data.answers.constraints import Constraints
from ssrl_data.constraints import language
from ssrl_data.constraints.language import Whole, rivals, share
from ssrl_data.core import Credit, SsrlError
from ssrl_data.instruct.constraint import Constraint
from ssrl_data.instruct.material import Material
from ssrl_data.instruct.phrasebook import LANGUAGES, PHRASES, SMALL_WORDS
from ssrl_data.instruct.reply import Reply
from ssrl_data.rng import Rng

ENGLISH = "The rain kept falling on the roof of the old house while we waited for the bus to come back from the town."


TABLE = [
    (
        Whole("de"),
        [
            "Der Befehl `ls` zeigt die Dateien an, die in einem Ordner liegen.",
            "Wir haben das Programm auf dem Rechner.\n\n```\nfor line in file: print the line of the file\n```",
            "DIE KINDER SPIELEN NACH DER SCHULE AUF DEM HOF.",
        ],
        [
            ENGLISH,
            f"Heute scheint die Sonne über der Stadt. {ENGLISH}",
            "Wir trinken am Morgen Kaffee.\n\nThe children play in the yard after school, and we watch them.",
            "Vandaag schijnt de zon over de hele stad en wij zijn thuis.",
            "Apfel Haus Garten Baum Sonne Stadt Tisch Stuhl Lampe Fenster Wasser Feuer",
            "1 2 3 4 5 6 7 8",
        ],
    ),
    (
        Whole("ru"),
        ["Файл README лежит в папке, и его можно открыть без пароля.", PHRASES["ru"][0] + PHRASES["ru"][3]],
        [" ".join(PHRASES["uk"]), " ".join(PHRASES["bg"]), ENGLISH, "Segodnya nad vsem gorodom svetit solntse."],
    ),
    (
        Whole("zh"),
        ["文件在文件夹里，可以直接打开。", "".join(PHRASES["zh"])],
        ["".join(PHRASES["ja"]), "".join(PHRASES["ko"]), ENGLISH, f"文件在这里。{ENGLISH}"],
    ),
    (
        Whole("ja"),
        ["今日は雨が降っています。", "".join(PHRASES["ja"])],
        ["".join(PHRASES["zh"]), "".join(PHRASES["ko"]), ENGLISH, "Kyou wa ame ga futte imasu."],
    ),
]


@pytest.mark.parametrize(("asked", "text", "right"), cases(TABLE))
def test_it_is_judged_as_by_hand(asked: Constraint, text: str, right: bool) -> None:
    assert asked.met(Reply(text)) is right


def test_the_table_is_complete() -> None:
    assert complete(TABLE, "language")


@pytest.mark.parametrize("code", sorted(PHRASES))
def test_the_phrasebook_is_in_its_languages(code: str) -> None:
    bank = PHRASES[code]
    for first, second in pairwise(bank):
        assert share(Reply(f"{first} {second}"), code) >= 0.8, (first, second)
    for other in LANGUAGES:
        assert (share(Reply(" ".join(bank)), other) >= 0.8) == (other == code), other


def test_the_phrasebook_is_large_enough() -> None:
    assert sum(len(bank) >= 10 for bank in PHRASES.values()) >= 8
    assert set(PHRASES) == set(LANGUAGES) - {"en"}
    for bank in PHRASES.values():
        assert len(set(bank)) == len(bank) >= 4
        assert all(len(Reply(sentence).sentences) == 1 for sentence in bank)
    assert set(SMALL_WORDS) == set(rivals("en"))


def test_without_py3langid_there_is_no_score(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, text = Whole("de"), " ".join(PHRASES["de"])
    value = {"answer": text, "constraints": [asked.plain()], "ground": [], "mode": "strict"}
    monkeypatch.setattr(language, "find_spec", lambda name: None)
    kind = Constraints()
    kind.check(value)
    verdict = kind.grade(text, value, Credit("all", 0.0))
    assert (verdict.score, verdict.exact, verdict.reason) == (None, False, NO_LANGUAGES)
    assert not asked.met(Reply(text))
    with pytest.raises(SsrlError, match=r'pip install "ssrl\[text\]"'):
        Whole.draw(Material(ENGLISH), Rng("language"))
    assert not Whole("th").lacks()  # Thai letters tell it alone
    verdict = kind.grade("", value, Credit("all", 0.0))
    assert verdict.score == 0.0  # no text is none in any language


def test_with_py3langid_there_is_one() -> None:
    text = " ".join(PHRASES["de"])
    value = {"answer": text, "constraints": [Whole("de").plain()], "ground": [], "mode": "strict"}
    assert Constraints().grade(text, value, Credit("all", 0.0)).score == 1.0
    assert Constraints().grade(ENGLISH, value, Credit("all", 0.0)).score == 0.0


@pytest.mark.parametrize("code", ["", "xx", "German", "DE"])
def test_unknown_languages(code: str) -> None:
    with pytest.raises(ValueError, match="language"):
        Whole(code)
