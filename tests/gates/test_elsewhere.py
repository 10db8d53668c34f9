"""What a held-out record may show beside a train split."""

from __future__ import annotations

import pytest

from ssrl_data.gates import elsewhere
from ssrl_data.gates.elsewhere import Gathered, fresh, known

TRAIN = {"one": ["|- ( ph -> A = B )", "|- x = x"], "two": ["|- x = x", "|- A. x ph"]}
NEW = "|- ( th -> ( ta -> ( th /\\ ta ) ) )"  # eleven words


def learnt() -> elsewhere.Known:
    gathered = Gathered()
    for group, statements in TRAIN.items():
        gathered.add(group, statements)
    return known(gathered.to_bytes())


@pytest.mark.parametrize(
    ("shown", "want"),
    [
        ([NEW], True),
        (["|- A. x ph"], False),
        ([NEW, "|- x = x"], False),
        ([NEW, NEW, NEW, "|- x = x"], False),  # what is shown twice counts once
        ([NEW + " " + NEW + " " + NEW + " " + NEW, "|- x = x"], True),
        (["|- ( ph -> A = C )"], True),
        ([], True),
    ],
)
def test_a_held_out_record_shows_at_most_a_tenth_of_what_stands_in_the_train_split(
    shown: list[str], want: bool
) -> None:
    assert fresh(learnt(), "three", shown) == want


def test_records_of_the_train_split_show_all_and_nothing_is_refused_where_nothing_is_known() -> None:
    for group, statements in TRAIN.items():
        assert fresh(learnt(), group, statements)
    assert fresh(known(b""), "three", TRAIN["one"])
    assert known(Gathered().to_bytes()).tolist() == []


def test_a_statement_is_no_group() -> None:
    gathered = Gathered()
    gathered.add("one", ["two"])
    assert not fresh(known(gathered.to_bytes()), "two", ["two"])


def test_what_is_kept_depends_on_no_order_and_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = Gathered(), Gathered()
    for group in TRAIN:
        one.add(group, TRAIN[group])
    for group in reversed(TRAIN):
        other.add(group, reversed(TRAIN[group]))
    assert one.to_bytes() == other.to_bytes()
    assert len(one.to_bytes()) == 8 * 5  # two groups, three statements
    monkeypatch.setattr(elsewhere, "KEPT", 3)
    few = Gathered()
    for group, statements in TRAIN.items():
        few.add(group, statements)
    assert len(few.to_bytes()) == 8 * 3
    assert fresh(known(few.to_bytes()), "one", TRAIN["one"])
    assert not fresh(known(few.to_bytes()), "two", TRAIN["one"])
