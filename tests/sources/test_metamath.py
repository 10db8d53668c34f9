"""Theorems and proofs of Metamath databases, held against the `metamath` program; wrong and hostile databases."""

from __future__ import annotations

import os
import time
from pathlib import Path

import corpora
import metamath_program
import pytest
from metamath_program import agree, labels, opened, steps

from ssrl_data.core import Reject
from ssrl_data.media.worked import Inference
from ssrl_data.sources import _metamath
from ssrl_data.sources._descriptor import Rule
from ssrl_data.sources.folder import Folder

LOGIC = Path(__file__).parents[1] / "texts/logic.mm"

SMALL = """
$( A database in a few lines. $)
$c ( ) -> wff |- $. $v p q r $.
wp $f wff p $. wq $f wff q $. wr $f wff r $.
wi $a wff ( p -> q ) $.
${ mp.1 $e |- p $. mp.2 $e |- ( p -> q ) $. mp $a |- q $. $}
ax $a |- ( p -> ( q -> p ) ) $.
"""
LIFT = "${ lift.1 $e |- q $. lift $p |- ( p -> q ) $= %s $. $}\n"
RIGHT = "wq wp wq wi lift.1 wq wp ax mp"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "made.mm"
    path.write_text(text)
    return path


def test_a_theorem_is_told_in_full() -> None:
    chain = opened(LOGIC, "chain")
    assert chain.form == "proof"
    assert chain.given == ("|- ( p -> q )", "|- ( q -> r )")
    assert chain.problem == (
        "Two implications make one when the first ends where the second begins. To prove: |- ( p -> r )"
    )
    assert steps(chain) == [
        ("|- ( p -> ( q -> r ) )", "lift", ()),
        ("|- ( ( p -> q ) -> ( p -> r ) )", "split", ("|- ( p -> ( q -> r ) )",)),
        ("|- ( p -> r )", "mp", ("|- ( ( p -> q ) -> ( p -> r ) )",)),
    ]
    assert chain.rules["mp"] == "from |- p and |- ( p -> q ) infer |- q for any p, q"
    assert opened(LOGIC, "ex-free").rules["all-free"] == (
        "|- ( p -> all x p ) for any p, x where p, x share no variable"
    )


def test_markup_is_no_part_of_the_prose() -> None:
    assert opened(LOGIC, "ex-free").problem.startswith("What does not speak of x and holds of some x simply holds. To")
    assert opened(LOGIC, "suffix").problem.startswith("Like prefix, with a common end")
    assert opened(LOGIC, "iff-swap").problem.startswith("The sides of if and only if may change places.")


def test_a_section_is_a_group() -> None:
    groups = {inside.name: inside.group for inside in _metamath.listed(os.fsencode(LOGIC), Rule())}
    assert groups["theorem same"] == "Propositional logic / Implication"
    assert groups["theorem all-map"] == "Quantifiers / All and some"
    assert len(set(groups.values())) == 6


def test_a_folder_holds_theorems() -> None:
    source = Folder.at(str(LOGIC))
    entries = list(source.entries())
    assert len(entries) == 72
    assert entries[0].key == "logic.mm//theorem same"
    records = [source.open(entry) for entry in entries]
    assert len({record.source_id for record in records}) == 72
    assert all(record.worked and record.worked.steps for record in records)


def test_every_rule_reads_back() -> None:
    for label in labels(LOGIC):
        for text in opened(LOGIC, label).rules.values():
            assert str(Inference.read(text)) == text
    assert Inference.read("if it rains the road is wet") is None


def test_our_own_database_is_what_the_program_says() -> None:
    program, _ = corpora.metamath()
    assert metamath_program.verified(program, LOGIC)
    assert agree(LOGIC, program, labels(LOGIC)) > 300


@pytest.mark.parametrize("name", ["set.mm", "iset.mm", "nf.mm", "ql.mm", "hol.mm", "miu.mm", "demo0.mm", "peano.mm"])
def test_databases_are_what_the_program_says(name: str) -> None:
    program, databases = corpora.metamath()
    known = labels(databases / name)
    agree(databases / name, program, known[:: max(1, len(known) // 25)])


def test_set_theory_is_listed_in_seconds() -> None:
    _, databases = corpora.metamath()
    _metamath._read.cache_clear()
    start = time.process_time()
    assert len(labels(databases / "set.mm")) > 37_000
    assert time.process_time() - start < 15  # 1.5 on a machine with nothing else to do


def test_the_same_formula_proved_twice_is_one_step(tmp_path: Path) -> None:
    # q is proved from itself on the way: the detour leaves no step behind.
    path = write(tmp_path, SMALL + LIFT % RIGHT + "${ t.1 $e |- q $. t $p |- ( p -> q ) $= wp wq t.1 lift $. $}")
    assert [step.reason for step in opened(path, "t").steps] == ["lift"]
    # ( r -> q ) is proved twice, for both premises of a rule.
    path = write(
        tmp_path,
        SMALL
        + LIFT % RIGHT
        + "${ b.1 $e |- p $. b.2 $e |- p $. b $a |- ( p -> p ) $. $}\n"
        + "${ u.1 $e |- q $. u $p |- ( ( r -> q ) -> ( r -> q ) ) $= wr wq wi wr wq u.1 lift wr wq u.1 lift b $. $}",
    )
    assert [(step.reason, step.uses) for step in opened(path, "u").steps] == [("lift", ()), ("b", (0,))]


WRONG = {
    "wq wp wq wi lift.1 wp wq ax mp": "proof does not verify",  # another instance of the axiom
    "wq wp wq wi lift.1 wq wp ax": "proof does not verify",  # too much left on the stack
    "wp mp": "proof does not verify",  # too little there
    "lift": "proof does not verify",  # from itself
    "later": "proof does not verify",
    "nowhere": "proof does not verify",
    "?": "incomplete proof",
    "wq wp wq wi lift.1 ?": "incomplete proof",
    "( wi ax mp ) BABDCBAEFZ$( $)": "",  # right: the same, compressed
    "( wi ax mp ) BABDCBAEFJ": "proof does not verify",
    "( wi ax mp ) BABDCBAE": "proof does not verify",
    "( wi ax mp ) BABDCBAEFU": "proof does not verify",
    "( wi ax mp ) ZBABDCBAEF": "proof does not verify",
    "( wi ax mp BABDCBAEF": "proof does not verify",
    "( wi ax mp ) BABD?EF": "incomplete proof",
    "( wi ax mp ) BABDC*EF": "proof does not verify",
    "( wi ax mp ) " + "Y" * 5000 + "A": "proof does not verify",
    RIGHT: "",
}


@pytest.mark.parametrize(("proof", "reason"), WRONG.items())
def test_a_wrong_proof_is_rejected(tmp_path: Path, proof: str, reason: str) -> None:
    path = write(tmp_path, SMALL + LIFT % proof + "later $a |- ( p -> q ) $.")
    if reason:
        with pytest.raises(Reject, match=reason):
            opened(path, "lift")
    else:
        assert [step.reason for step in opened(path, "lift").steps] == ["ax", "mp"]


def test_variables_that_must_be_distinct_are_held_apart(tmp_path: Path) -> None:
    text = SMALL + "${ $d p q $. free $a |- ( p -> q ) $. $}\n"
    proof = "bad $p |- ( p -> ( r -> q ) ) $= wp wr wq wi free $."
    assert opened(write(tmp_path, text + "${ $d p r $. $d p q $. " + proof + " $}"), "bad").steps
    for held in ("", "$d p q $.", "$d q r $."):
        with pytest.raises(Reject, match="proof does not verify"):
            opened(write(tmp_path, text + "${ " + held + proof + " $}"), "bad")
    with pytest.raises(Reject, match="proof does not verify"):
        opened(write(tmp_path, text + "same $p |- ( p -> p ) $= wp wp free $."), "same")


def test_formulas_that_double_at_each_step_are_given_up(tmp_path: Path) -> None:
    text = SMALL + "${ d.1 $e |- p $. d $a |- ( p -> p ) $. $}\n"
    # Formula n + 1 is formula n implying itself: the letters keep each one and take it twice.
    proof = "AACZ" + "".join(f"{_letters(4 + number)}{_letters(4 + number)}CZ" for number in range(40))
    path = write(tmp_path, text + "${ g.1 $e |- p $. g $p |- p $= ( wi d ) " + proof + " $. $}")
    with pytest.raises(Reject, match="proof too large"):
        opened(path, "g")


def _letters(number: int) -> str:
    """A number from 0 in the letters of a compressed proof."""
    out = chr(ord("A") + number % 20)
    number //= 20
    while number:
        number -= 1
        out = chr(ord("U") + number % 5) + out
        number //= 5
    return out


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a Metamath database"),
        ("Hello, world.", "not a Metamath database"),
        (SMALL + "words", "not a Metamath database"),
        (SMALL + "$x", "not a Metamath database"),
        (SMALL + "one two $a |- p $.", "not a Metamath database"),
        (SMALL + "$[ other.mm $]", "includes another file"),
        (SMALL + "${", "unbalanced scope"),
        (SMALL + "$}", "unbalanced scope"),
        (SMALL + "$( open", "unclosed statement"),
        (SMALL + "open $a |- p", "unclosed statement"),
        (SMALL + "open $p |- p $.", "unclosed statement"),
        (SMALL + "ax $a |- p $.", "label wrong or twice"),
        (SMALL + "a/b $a |- p $.", "label wrong or twice"),
        ("$( " * 200_000, "unclosed statement"),
        ("${ " * 200_000, "unbalanced scope"),
        ("$v " * 200_000, "unclosed statement"),
    ],
)
def test_what_is_no_database_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = write(tmp_path, text)
    start = time.process_time()
    with pytest.raises(Reject, match=reason):
        labels(path)
    assert time.process_time() - start < 5


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    path = write(tmp_path, SMALL + LIFT % RIGHT)
    assert labels(path) == ["lift"]
    path.write_text(SMALL + (LIFT % RIGHT).replace("lift", "raise"))
    assert labels(path) == ["raise"]
    with pytest.raises(Reject, match="not found"):
        opened(path, "lift")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(Reject, match="not UTF-8"):
        labels(path)
    path.unlink()
    with pytest.raises(Reject, match="not found"):
        labels(path)
