"""IFEval's instructions (Zhou and others, arXiv 2311.07911) as constraints, and its files as rows to evaluate on.

A file is IFEval's own JSON lines, {"key", "prompt", "instruction_id_list", "kwargs"}. Each of the 25 instructions
becomes one constraint, so that the share of the constraints that are met is IFEval's accuracy by instruction, and
`exact` its accuracy by prompt. A missing argument is an error; the original draws one at random while it grades.

Where these judges differ from the original ones, on purpose:

- Every instruction needs five different words, six where only too much is asked about. The original accepts `.` for
  eight of the 25, and `1` for nine.
- keywords:existence, frequency, forbidden_words: whole words. The original looks for patterns: it finds `cat` in
  `concatenate` and `time` in `sometimes`, and reads `c++` as a pattern.
- keywords:letter_frequency: of a sign that is no letter, the sign; the original then counts a letter drawn at random.
- length_constraints:number_words: words stand between spaces, and each character of scripts without spaces is one; the
  original counts runs of letters and digits, so that `well-known` is two and a Chinese sentence one.
- length_constraints:number_sentences: a line's end ends a sentence, and so do the stops of all scripts; abbreviations
  are not known.
- length_constraints:number_paragraphs: the dividing `***` stands on a line of its own, and no part is empty.
- length_constraints:nth_paragraph_first_word: empty lines in excess divide once, where they shift the original's count,
  and marks of emphasis are passed over.
- detectable_format:json_format: an object or a list that is not empty and repeats no key; the original accepts `1`.
- detectable_format:constrained_response: one of the three answers and no other of them.
- detectable_format:multiple_sections: sections are numbered 1, 2, 3... at the beginning of lines, in any case, as many
  as asked for, and none is empty; the original takes any digits anywhere, and more of them.
- detectable_format:number_bullet_lists: a point has a space behind its mark, and stands outside of code.
- detectable_format:number_highlighted_sections: marks of lists and asterisks beside spaces highlight nothing.
- detectable_content:number_placeholders: `[]`, boxes to tick and the texts of links are none.
- detectable_content:postscript: it begins a line, and is shorter than what stands before it; the original takes `P.P.S`
  for `P.S.`.
- combination:two_responses: both hold five different words and differ in more than case, spaces and marks.
- combination:repeat_prompt: five different words follow.
- startend:end_checker: the phrase begins with a whole word; startend:quotation: curly marks are marks, too.
- language:response_language: four fifths of the letters are of the language. The original's detector is not seeded,
  passes what it cannot tell, and errs on capital letters. Where `py3langid` is not installed there is no score.
- change_case:english_*: the same of English. capital_word_frequency: a word in capitals has two letters or more, so `I`
  and `A` are none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ssrl_data.answers.constraints import MODES, STRICT, Constraints, verdicts
from ssrl_data.constraints import (
    casing,
    combination,
    ifeval,
    keywords,
    language,
    length,
    markup,
    position,
    structure,
)
from ssrl_data.core import Answer, Credit, Json, SsrlError
from ssrl_data.instruct.compose import witness
from ssrl_data.instruct.constraint import Conflict, Constraint
from ssrl_data.instruct.draft import Draft, Range
from ssrl_data.instruct.material import Material
from ssrl_data.instruct.reply import LONGEST
from ssrl_data.registry import suggest
from ssrl_data.rng import Rng

OPTIONS = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
AT_LEAST, LESS = "at least", "less than"
LONGEST_FILE = 1 << 26
"""Bytes of the largest file that is imported."""

STOCK = (
    "I am sorry, but I cannot help with that request, because I do not have what I would need to answer it.",
    "Here is my answer: it depends on many things, and each of them matters. There is no simple rule for it.",
    "my answer is that it depends on what you want. there is more than one way to do it well.",
    '"It depends on what you want to reach with it."',
    "<<My answer>>\n\n* It depends on *many* things.\n* Each of **them** matters.\n\nP.S. There is more to say.",
)
"""Answers of a writer that reads no prompt; the best of them is the chance of an imported file."""


def _bounds(relation: str, number: int, highest: int) -> tuple[int, int]:
    """Lowest and highest number that a relation allows."""
    if relation not in (AT_LEAST, LESS):
        raise ValueError(f"the relation is {relation!r:.80}: it must be {AT_LEAST!r} or {LESS!r}")
    return (number, highest) if relation == AT_LEAST else (0, number - 1)


def _frequency(keyword: str, frequency: int, relation: str) -> Constraint:
    low, high = _bounds(relation, frequency, keywords.MOST_TIMES)
    return keywords.AtLeast(keyword, low) if relation == AT_LEAST else ifeval.Seldom(keyword, high)


def _words(num_words: int, relation: str) -> Constraint:
    low, high = _bounds(relation, num_words, LONGEST)
    return length.WordsAtLeast(low) if relation == AT_LEAST else ifeval.Words(high)


def _sentences(num_sentences: int, relation: str) -> Constraint:
    low, high = _bounds(relation, num_sentences, LONGEST)
    return length.SentencesAtLeast(low) if relation == AT_LEAST else ifeval.Sentences(high)


def _capitals(capital_frequency: int, capital_relation: str) -> Constraint:
    low, high = _bounds(capital_relation, capital_frequency, LONGEST)
    return casing.CapitalsAtLeast(low) if capital_relation == AT_LEAST else ifeval.FewCapitals(high)


# Each with the names and types of its arguments, in the order in which what makes the constraint takes them.
_INSTRUCTIONS: Mapping[str, tuple[dict[str, type], Callable[..., Constraint]]] = {
    "keywords:existence": ({"keywords": list}, lambda found: keywords.Include(tuple(found))),
    "keywords:frequency": ({"keyword": str, "frequency": int, "relation": str}, _frequency),
    "keywords:forbidden_words": ({"forbidden_words": list}, lambda found: ifeval.Without(tuple(found))),
    "keywords:letter_frequency": (
        {"letter": str, "let_frequency": int, "let_relation": str},
        lambda letter, number, relation: ifeval.Signs(letter, *_bounds(relation, number, LONGEST)),
    ),
    "language:response_language": ({"language": str}, language.Whole),
    "length_constraints:number_sentences": ({"num_sentences": int, "relation": str}, _sentences),
    "length_constraints:number_paragraphs": ({"num_paragraphs": int}, structure.Divided),
    "length_constraints:number_words": ({"num_words": int, "relation": str}, _words),
    "length_constraints:nth_paragraph_first_word": (
        {"num_paragraphs": int, "nth_paragraph": int, "first_word": str},
        position.ParagraphBegins,
    ),
    "detectable_content:number_placeholders": ({"num_placeholders": int}, markup.Placeholders),
    "detectable_content:postscript": ({"postscript_marker": str}, markup.Postscript),
    "detectable_format:number_bullet_lists": ({"num_bullets": int}, structure.Bullets),
    "detectable_format:constrained_response": ({}, lambda: structure.Option(OPTIONS)),
    "detectable_format:number_highlighted_sections": ({"num_highlights": int}, markup.Highlighted),
    "detectable_format:multiple_sections": ({"section_spliter": str, "num_sections": int}, structure.Sections),
    "detectable_format:json_format": ({}, structure.Json),
    "detectable_format:title": ({}, markup.Title),
    "combination:two_responses": ({}, combination.TwoAnswers),
    "combination:repeat_prompt": ({"prompt_to_repeat": str}, combination.Repeat),
    "startend:end_checker": ({"end_phrase": str}, lambda phrase: position.End(" ".join(phrase.split()))),
    "startend:quotation": ({}, structure.Quoted),
    "change_case:capital_word_frequency": ({"capital_frequency": int, "capital_relation": str}, _capitals),
    "change_case:english_capital": ({}, ifeval.EnglishUpper),
    "change_case:english_lowercase": ({}, ifeval.EnglishLower),
    "punctuation:no_comma": ({}, ifeval.NoComma),
}
INSTRUCTIONS = tuple(_INSTRUCTIONS)
"""IFEval's 25 ids of instructions."""


def constraint_of(instruction: str, arguments: Mapping[str, Json]) -> Constraint:
    """The constraint that an instruction asks for.

    Args:
        instruction: one of `INSTRUCTIONS`.
        arguments: its kwargs; those of other instructions may be there if they are null.

    Raises:
        ValueError: no such instruction, or an argument is missing, null, unknown or of a wrong type or value.
    """
    if instruction not in _INSTRUCTIONS:
        raise ValueError(f"no instruction {instruction!r:.80}: {suggest(instruction, INSTRUCTIONS)}")
    wanted, make = _INSTRUCTIONS[instruction]
    given = {name: value for name, value in arguments.items() if value is not None}
    if unknown := sorted(given.keys() - wanted):
        raise ValueError(f"{instruction} takes no {unknown[0]}: it takes {', '.join(wanted) or 'nothing'}")
    values: list[Json] = []
    for name, kind in wanted.items():
        value: Json = given.get(name)
        if kind is int and isinstance(value, float) and value.is_integer():
            value = int(value)
        if type(value) is not kind or (isinstance(value, list) and not all(isinstance(item, str) for item in value)):
            what = "missing" if value is None else f"{value!r:.80}"
            raise ValueError(f"{name} of {instruction} is {what}: it must be {_TYPES[kind]}")
        values.append(value)
    return make(*values)


_TYPES = {int: "a whole number", str: "a text", list: "a list of texts"}


@dataclass(frozen=True)
class Asked:
    """A line of a file: its key, its prompt and what this asks for."""

    key: str
    prompt: str
    constraints: tuple[Constraint, ...]


def read(path: Path) -> Iterator[Asked]:
    """The prompts of a file in its order.

    Raises:
        SsrlError: the file cannot be read or is too large, or a line is not one of IFEval; with its number and key.
    """
    try:
        if path.stat().st_size > LONGEST_FILE:
            raise SsrlError(f"{path} is larger than {LONGEST_FILE:,} bytes: name a file of IFEval's prompts")
        lines = path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SsrlError(f"cannot read {path} ({getattr(error, 'strerror', None) or 'not UTF-8'})") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _asked(line, f"line {number} of {path}")


def _asked(line: str, where: str) -> Asked:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise SsrlError(f"{where} is not JSON: give one object a line") from error
    ids, arguments = (data.get(name) if isinstance(data, dict) else None for name in ("instruction_id_list", "kwargs"))
    if not isinstance(ids, list) or not ids or not isinstance(arguments, list) or len(ids) != len(arguments):
        raise SsrlError(f"{where}: instruction_id_list and kwargs must be lists of one length, at least 1")
    key, prompt = str(data.get("key", "")), data.get("prompt")
    if not key or not isinstance(prompt, str) or not prompt.strip():
        raise SsrlError(f"{where} has no key or no prompt: give key, prompt, instruction_id_list and kwargs")
    found = []
    for name, given in zip(ids, arguments, strict=True):
        try:
            found.append(constraint_of(str(name), given or {}))
        except (ValueError, AttributeError, TypeError) as error:
            raise SsrlError(f"{where} (key {key:.80}): {error}") from error
    return Asked(key, prompt, tuple(found))


def _room() -> Draft:
    """A draft for what IFEval asks for: up to 2,500 words."""
    return Draft(
        words=Range(5, 2500),
        sentences=Range(1, 300),
        items=Range(1, 40),
        item_words=Range(1, 2500),
        characters=Range(1, LONGEST),
    )


def gold(asked: Asked) -> str | None:
    """A text that keeps to all that a prompt asks for, or None where none was found."""
    from ssrl_data.media.text import canonical

    try:
        return witness(asked.constraints, Material(canonical(asked.prompt)), Rng("ifeval", asked.key), 48, _room)
    except Conflict:
        return None


def rows(
    asked: Sequence[Asked], mode: str = STRICT, license: str = "unknown"
) -> tuple[list[dict[str, Json]], list[str]]:
    """The rows of prompts to which an answer was found, and the keys of the others.

    A prompt without an answer that was written and judged is left out: nobody has shown that it can be kept to, or that
    its judges let anything pass.

    Raises:
        SsrlError: a constraint's judge is not installed, no prompt has an answer, or a stock reply keeps to all.
    """
    from ssrl_data.row import digest, pack_answer, row_id

    kind, values, left = Constraints(), list[tuple[Asked, dict[str, Json]]](), list[str]()
    if mode not in MODES:
        raise SsrlError(f"--mode is {mode}: it must be {' or '.join(MODES)}")
    for one in asked:
        for item in one.constraints:
            if reason := item.lacks():
                raise SsrlError(f"{one.key}: its language cannot be judged: {reason}")
        text = gold(one)
        if text is None:
            left.append(one.key)
            continue
        plain = [item.plain() for item in one.constraints]
        value: dict[str, Json] = {"answer": text, "constraints": plain, "ground": [], "mode": mode}
        kind.check(value)
        values.append((one, value))
    if not values:
        raise SsrlError("no prompt of the file has an answer that keeps to all it asks for: nothing can be imported")
    shares = [[sum(found) / len(found) for _, value in values if (found := verdicts(value, text))] for text in STOCK]
    chance = round(max(sum(share) / len(values) for share in shares), 4)
    if chance >= 1:
        raise SsrlError("a stock reply keeps to all that the file asks for: scores on it would say nothing")
    out = []
    for one, value in values:
        answer = pack_answer(Answer(kind.name, value, Credit("fraction", 0.0), chance))
        name = row_id("ifeval", 1, one.prompt, (), answer)
        source = digest(one.key, one.prompt)
        ids = [item["id"] for item in value["constraints"]]
        out.append(
            {
                "prompt": [{"role": "user", "content": one.prompt}],
                "answer": answer,
                "task": "ifeval",
                "task_version": 1,
                "level": str(len(ids)),
                "chance": chance,
                "id": name,
                "source_id": source,
                "group_id": source,
                "set_id": name,
                "license": license,
                "meta": json.dumps({"key": one.key, "constraints": ids}, sort_keys=True),
            }
        )
    return out, left


def write(file: Path, out: Path, mode: str = STRICT, license: str = "unknown") -> tuple[int, list[str]]:
    """Import a file as a dataset of one split, `test`, for `ssrl grade`, `ssrl eval` and `datasets.load_dataset`.

    Args:
        file: IFEval's JSON lines.
        out: a folder that does not exist or is empty.
        mode: `strict` or `loose`.
        license: SPDX licence of the file.

    Returns:
        The number of rows, and the keys of the prompts that were left out.

    Raises:
        SsrlError: see `read` and `rows`; or the folder is not empty.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from ssrl_data.build.commit import replace
    from ssrl_data.row import schema

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SsrlError(f"--out {out} is not an empty folder: name another one")
    found, left = rows(list(read(file)), mode, license)
    folder = out / "data"
    folder.mkdir(parents=True)
    batch = pa.RecordBatch.from_pylist(found, schema=schema(False))
    replace(
        folder / "test-00000-of-00001.parquet",
        lambda target: pq.write_table(pa.Table.from_batches([batch]), target, compression="zstd"),
        out,
        (None, None, None),
    )
    return len(found), left
