"""Masked spans: what is hidden, what is never shown beside it, which forms are right, and what the audit finds."""

from __future__ import annotations

import dataclasses
import re
from functools import cache

import made_rows
import pytest

from ssrl_data.answers.span import Span
from ssrl_data.core import Example, Record, Row, Skip
from ssrl_data.media.text import Text
from ssrl_data.rng import Rng
from ssrl_tasks.text.masked_span import MaskedSpan, MaskedSpanParams

FILLER = "It has stood beside the slow grey water for as long as anybody in the village cares to remember or tell."


def record(*paragraphs: str) -> Record:
    return Record("d", "d", "0" * 32, text=Text(paragraphs))


def rows(params: MaskedSpanParams, *paragraphs: str, tries: int = 40, prepared: bytes = b"") -> dict[str, Example]:
    """Hidden text to an example, over all draws."""
    found = {}
    for k in range(tries):
        try:
            for one in MaskedSpan(params, prepared).make([record(*paragraphs)], Rng(k), 0):
                found[one.answer.value["answer"]] = one
        except Skip:
            continue
    return found


def as_row(one: Example, level: str = "medium") -> Row:
    return made_rows.row(MaskedSpan(MaskedSpan.levels[level]), level, one)


def reason(*paragraphs: str, params: MaskedSpanParams | None = None, prepared: bytes = b"") -> Skip:
    with pytest.raises(Skip) as caught:
        list(MaskedSpan(params or MaskedSpanParams(), prepared).make([record(*paragraphs)], Rng(0), 0))
    return caught.value


def test_the_answer_in_the_gap_gives_the_paragraph() -> None:
    for name in made_rows.TECHNICAL:
        text = made_rows.record(name).text
        assert text is not None
        for k in range(10):
            one = made_rows.example(MaskedSpan(MaskedSpan.levels["medium"]), name, k, 0)
            passage = re.search(r"<passage>\n(.*)\n</passage>", str(one.prompt[0]))
            assert passage is not None
            filled = passage[1].replace("[MASK]", one.answer.value["answer"])
            assert filled in text.paragraphs[one.meta["paragraph"]]
            assert one.solution.endswith(tuple(".!?"))
            assert one.answer.value["answer"] in one.solution


def test_the_question_says_kind_and_number_of_words_and_no_more() -> None:
    found = rows(MaskedSpanParams(), f"The bridge was drawn by Thomas Telford in his last years. {FILLER}")
    assert list(found) == ["Thomas Telford"]
    assert str(found["Thomas Telford"].prompt[0]).startswith(
        "In this passage a name of two words is hidden behind [MASK]. What is hidden?\n\n<passage>\nThe bridge was"
    )


def test_the_question_tells_a_dotted_identifier_and_a_path() -> None:
    dotted = rows(MaskedSpanParams(), f"By that time it printed to sys.stdout alone. {FILLER}")["sys.stdout"]
    assert str(dotted.prompt[0]).startswith("In this passage an identifier with a dot of one word is hidden")
    path = rows(MaskedSpanParams(most=8), f"By that time it was read from /etc/passwd alone. {FILLER}")["/etc/passwd"]
    assert str(path.prompt[0]).startswith("In this passage a path of")


@pytest.mark.parametrize(
    "again",
    [
        "Telford was a mason.",
        "The Telfords were masons.",
        "See telford.html for more of it.",
        "His name is T E L F O R D.",
    ],
)
def test_a_span_whose_part_is_readable_elsewhere_is_not_asked(again: str) -> None:
    first = f"The bridge was drawn by Thomas Telford in his last years. {FILLER}"
    assert rows(MaskedSpanParams(), first)
    assert not rows(MaskedSpanParams(), f"{first} {again}")


def test_what_the_question_itself_says_is_not_asked() -> None:
    assert not rows(MaskedSpanParams(), f"The whole of it was a joke on the word Passage of all things. {FILLER}")


def test_context_grows_with_the_parameter() -> None:
    sentences = " ".join(f"{FILLER[:-1]} in part {letter * 3}." for letter in "abcdefg")
    text = f"{sentences} The bridge was drawn by Thomas Telford in his last years. {sentences}"
    for context in (1, 3):
        one = rows(MaskedSpanParams(context=context), text)["Thomas Telford"]
        assert str(one.prompt[0]).count("beside the slow grey water") == 2 * context
        start, end = one.meta["window"]
        assert text[start:end].startswith("It has stood")


def test_spans_are_as_long_as_asked() -> None:
    text = f"The bridge was drawn by Thomas Telford and then built by his pupil Provis over there. {FILLER}"
    assert set(rows(MaskedSpanParams(least=2, most=8), text)) == {"Thomas Telford"}
    assert set(rows(MaskedSpanParams(least=1, most=1), text)) == {"Provis"}


def test_selectors_take_their_kinds() -> None:
    text = f"The old bridge at Conwy is kept up by the RSPB and has three towers: one, another and the last. {FILLER}"
    assert set(rows(MaskedSpanParams("name"), text)) == {"Conwy"}
    assert set(rows(MaskedSpanParams("term"), text)) == {"RSPB"}


def test_aliases_are_right_and_nothing_else_is() -> None:
    text = f"There were four towers in the old wall: north, south, east and west. {FILLER}"
    one = rows(MaskedSpanParams("number"), text)["four"]
    assert one.answer.value["aliases"] == ["4"]
    kind, value, credit = Span(), one.answer.value, one.answer.credit
    for response, score in {"4": 1.0, "Four": 1.0, "fourteen": 0.0, "four towers": 0.0, "40": 0.0}.items():
        assert kind.grade(f"<answer>{response}</answer>", value, credit).score == score


def test_reasons_to_skip() -> None:
    assert reason().final
    assert str(reason("A short one by Telford.")) == "too little text around"
    assert str(reason(f"Nothing here has a name at all. {FILLER}")) == "no span of the kind"
    assert str(reason("桥梁是由工程师设计的。" * 20)) == "no spaces between words"
    assert str(reason(f"It was <answer>Telford</answer> that Provis said and nobody heard. {FILLER}")).startswith(
        "text like"
    )
    skip = reason(FILLER, params=MaskedSpanParams("rare"))
    assert str(skip) == "no counts of the corpus"
    assert skip.final


@cache
def counted() -> bytes:
    """Counts of 120,000 words in which Telford stands near bridges, and Provis is named once."""
    told = "The iron bridge over the strait was drawn by Thomas Telford and opened in winter to the sound of guns. "
    other = "Most bridges in that country were drawn by Jones and opened in summer without a sound at all. "
    fill = " ".join(f"word{n} stands here" for n in range(400))
    paragraphs = [told, other, other, fill] * 90
    return MaskedSpan.prepare(iter([record(*paragraphs)]))


def test_counts_refuse_the_frequent_the_guessed_and_the_unknown() -> None:
    prepared = counted()
    text = "The bridge over the strait was drawn by {} and opened in winter to the sound of guns. " + FILLER
    assert not rows(MaskedSpanParams(), text.format("Jones"), prepared=prepared), "most frequent name"
    assert not rows(MaskedSpanParams(), text.format("Hamilton"), prepared=prepared), "never met"
    assert rows(MaskedSpanParams(), text.format("Hamilton"))
    framed = "This was made like that of {} which stood over an old moat of water before. "
    several = [record(framed.format(name)) for name in ("Conwy", "Harlech")]
    large = [record(*["Nothing but small words is said of it here. " * 40] * 400)]
    counts = MaskedSpan.prepare(iter([*several, *large]))
    assert str(reason(framed.format("Conwy") + FILLER, prepared=counts)) == "other fills in the same words"
    counts = MaskedSpan.prepare(iter([several[0], *large]))
    assert str(reason(framed.format("Conwy") + FILLER, prepared=counts)) == "most frequent of its kind"
    assert str(reason(text.format("Hamilton"), prepared=prepared)) == "nothing near it points to it"
    assert str(reason(text.format("Jones"), prepared=prepared)) == "most frequent of its kind"
    # `was drawn by` goes on with Jones more often, so Telford is no guess of counts; `iron bridge` points to him.
    assert rows(MaskedSpanParams(), text.format("Thomas Telford"), prepared=prepared, tries=400)


def test_a_frequent_answer_is_asked_more_seldom() -> None:
    prepared = counted()
    text = "The bridge over the strait was drawn by Thomas Telford and opened in winter to the sound of guns. " + FILLER
    made, skips = 0, []
    for k in range(400):
        try:
            made += len(list(MaskedSpan(MaskedSpanParams(), prepared).make([record(text)], Rng(k), 0)))
        except Skip as skip:
            skips.append((skip.reason, skip.final))
    assert set(skips) == {("too frequent", False)}
    # A third of all names there, so asked in 3% of the draws.
    assert 2 <= made <= 30


def test_rare_takes_the_rarest_and_uncertain_the_open() -> None:
    common = " ".join(["Then Baker went to Dover and came to Baker again."] * 30)
    seldom = "Then he went to Qom and came to Qom again. Qom is far."
    prepared = MaskedSpan.prepare(iter([record(common, seldom)]))
    text = f"Then he went to Baker and asked him for the way to Qom in the snow. {FILLER}"
    assert set(rows(MaskedSpanParams("rare"), text, prepared=prepared)) == {"Qom"}
    assert set(rows(MaskedSpanParams("random"), text, prepared=prepared)) == {"Qom", "Baker"}


def test_preparing_depends_on_the_records_alone_and_stays_small() -> None:
    one = MaskedSpan.prepare(iter([made_rows.record(name) for name in made_rows.TECHNICAL]))
    assert one == MaskedSpan.prepare(iter([made_rows.record(name) for name in made_rows.TECHNICAL]))
    assert len(one) < 1_000_000


def test_hostile_text_costs_little() -> None:
    texts = [
        "A" * 20_000,
        "Aa" * 10_000,
        "A. " * 6000,
        "Ab " * 6000,
        "(AB) " * 4000,
        "a_" * 9000,
        "/a" * 9000,
        "9," * 9000,
    ]
    texts += [
        "Ab, " * 5000,
        "two: a, " * 2500,
        "\u202eAb\u0000 " * 3000,
        "x" * 19_000 + " Ab cd",
        "Ab'" * 6000,
        "--a" * 6000,
    ]
    for text in texts:
        rows(MaskedSpanParams("random", 1, 8, 8), text, tries=2)


def test_audit_finds_what_can_be_read_and_what_was_moved() -> None:
    text = f"The bridge was drawn by Thomas Telford in his last years. {FILLER}"
    one = rows(MaskedSpanParams(), text)["Thomas Telford"]
    row, used = as_row(one), [record(text)]
    assert list(MaskedSpan.audit(row, used)) == []

    def faults(**changed: object) -> set[str]:
        other = dataclasses.replace(row, **changed)  # type: ignore[arg-type]
        return {fault.rule for fault in MaskedSpan.audit(other, used)}

    for leak in ("Telford", "telford's", "pre-Telfordian"):
        assert "no leak" in faults(prompt=row.prompt.replace("slow", leak)), leak
    value = row.answer.value
    wrong = dataclasses.replace(row.answer, value=value | {"answer": "Robert Stephenson"})
    assert faults(answer=wrong) == {"true"}
    loose = dataclasses.replace(row.answer, value=value | {"aliases": ["Telford"]})
    assert faults(answer=loose) == {"one answer"}
    meta = dict(row.meta)
    assert "true" in faults(meta=meta | {"make": meta["make"] | {"paragraph": 7}})
    assert "true" in faults(meta=meta | {"make": meta["make"] | {"span": [0, 14]}})
    assert "true" in faults(prompt=row.prompt.replace("<passage>", ""))


@pytest.mark.parametrize(("shown", "leaks"), [("11", True), ("1.1", False), ("eleven", True), ("1,011", False)])
def test_audit_reads_numbers_as_numbers(shown: str, leaks: bool) -> None:
    text = f"The tower has three bells and eight windows, 11 in all. {FILLER}"
    (one,) = (one for answer, one in rows(MaskedSpanParams("number"), text).items() if answer == "11")
    row = as_row(one)
    changed = dataclasses.replace(row, prompt=row.prompt.replace("slow", shown))
    assert ("no leak" in {fault.rule for fault in MaskedSpan.audit(changed, [])}) == leaks


@pytest.mark.parametrize("change", [{"least": 3, "most": 2}, {"selector": "verb"}, {"most": 9}, {"context": 0}])
def test_parameters_are_checked(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=rf"^{next(iter(change))} is "):
        MaskedSpanParams(**change)  # type: ignore[arg-type]
