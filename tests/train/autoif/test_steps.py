"""What the steps are made of: prompts, instructions, requests, configs, and a folder that knows what is done."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pydantic_monty
import pytest
from command import ROOT

from ssrl_data.core import SsrlError
from ssrl_data.curate.words import words
from ssrl_data.rng import Rng
from ssrl_train.autoif import prompts
from ssrl_train.autoif.attach import Sieve, drawn, read_queries, usable
from ssrl_train.autoif.calls import Calls
from ssrl_train.autoif.config import Attach, Config, load_config
from ssrl_train.autoif.instructions import Pool, fault, instructions_in, read_instructions
from ssrl_train.autoif.outputs import read_outputs
from ssrl_train.autoif.work import BEGUN, DONE, STALE, TO_DO, Dropped, Step, Work

CHECKABLE = read_instructions(ROOT / "tasks/recipes/autoif/seeds.txt")
UNCHECKABLE = """
Repeat the user's question word for word before you answer it.
Write a limerick of five lines.
Every second line has to rhyme with the one before it.
Use exactly ten syllables in each line.
Replace each adjective with a synonym that begins with the letter p.
Answer in a friendly and encouraging tone.
Use only verbs in the past tense.
Mention today's date in the first sentence.
Answer in French.
Include a link to a working website about the subject.
Describe a picture that would suit your reply.
Use a metaphor in every paragraph.
Write as if you were a pirate.
Quote a famous scientist and cite your source.
Answer in the style of Ernest Hemingway.
Make your reply as persuasive as you can.
Use only nouns and verbs, no other parts of speech.
Write your reply in passive voice only.
Tell a joke that has to do with the topic.
Explain it so that a child of five understands it.
Name three countries whose names begin with the letter in question.
Use only facts that can be proved.
Use words that sound like what they mean, such as onomatopoeia.
Keep your reply relevant to current news.
Use only words that are found on page ten of a dictionary.
Give the time of day at which you write.
Sing your answer as a song.
Write a haiku.
Begin with the most important word of the request.
Write a reply that makes the reader smile.
Use no words of Latin origin.
Mention an animal in each sentence.
Write in the second person throughout.
Give an example from real life in each paragraph.
Answer politely and thank the person at the end for such a clever prompt.
Finish with a proverb that fits.
Translate each sentence into Spanish right behind it.
Use the antonym of a word from the question as the title.
Use a different colour for each heading and say which fonts you chose.
Alternate between optimistic and pessimistic sentences.
Make every sentence an analogy.
Write only true statements about cities.
Do not use any pronoun that stands for a person of the prompt.
Add a short summary of your reply at its end.
Let every clause be subordinate to the one before it.
""".strip().splitlines()


def runs(code: str) -> bool:
    with pydantic_monty.Monty() as pool, pool.checkout() as session:
        try:
            session.feed_run(code)
        except pydantic_monty.MontyError:
            return False
    return True


@pytest.mark.parametrize("module", prompts.MODULES)
def test_the_sandbox_knows_the_modules_that_the_model_is_told(module: str) -> None:
    assert runs(f"import {module}")
    assert f"{module}" in prompts.PYTHON


@pytest.mark.parametrize("code", prompts.LACKING)
def test_the_sandbox_lacks_what_the_model_is_told(code: str) -> None:
    assert not runs(code)
    compile(code, "lacking", "exec")  # Python itself knows it
    assert prompts.LACKING[code] in prompts.PYTHON


def test_the_form_that_is_asked_for_is_the_one_that_is_read() -> None:
    asked = prompts.write("Write exactly three lines.")
    form = asked[asked.rindex("\n{") :].replace("...", "return len(response) > 3")
    found = read_outputs([form])
    assert [function.source for function in found.functions] == [
        "def evaluate(response):\n    return len(response) > 3"
    ]
    assert [case.right for case in found.cases] == [True, False]
    assert not found.faults


def test_prompts_hold_what_they_are_about_and_no_gap() -> None:
    for asked, parts in (
        (prompts.expand(["Use no commas.", "Be {brief}."], 7), ["- Use no commas.", "- Be {brief}.", "Write 7 new"]),
        (prompts.write("Use {braces} and\nlines."), ["Use {braces} and\nlines.", prompts.PYTHON, '{"func": "def ']),
        (prompts.meaning("def evaluate(response): return {}"), ["```python\ndef evaluate(response): return {}\n```"]),
        (prompts.relevance("Tell {me}.", "No."), ["<message>\nTell {me}.\n</message>", "<reply>\nNo.\n</reply>"]),
        (prompts.judge("Use no commas.", "Texts without {}."), ["Use no commas.", "Texts without {}."]),
    ):
        assert all(part in asked for part in parts)
        assert "{{" not in asked


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ("SAME", prompts.SAME),
        ("**CONTRADICTS**.", prompts.CONTRADICTS),
        ("I think it is OTHER", prompts.OTHER),
        ("SAME. Yes, SAME.", prompts.SAME),
        ("SAME or OTHER", None),
        ("", None),
        ("the same", None),
        ("SAMENESS", None),
    ],
)
def test_a_verdict_is_one_of_three_words(said: str, verdict: str | None) -> None:
    assert prompts.verdict(said) == verdict


@pytest.mark.parametrize(
    ("said", "score"),
    [
        ("8", 8),
        ("10", 10),
        ("I say 7/10.", 7),
        ("**9 / 10**", 9),
        ("0", 0),
        ("8 or 9", None),
        ("11", None),
        ("7.5", None),
        ("-", None),
        ("", None),
        ("100", None),
        ("8, yes 8", 8),
    ],
)
def test_a_score_is_one_whole_number(said: str, score: int | None) -> None:
    assert prompts.score(said) == score


def test_what_a_checker_cannot_have_is_seen() -> None:
    assert len(CHECKABLE) == 48
    assert [text for text in CHECKABLE if fault(text)] == []
    assert len(UNCHECKABLE) == 45
    assert sum(bool(fault(text)) for text in UNCHECKABLE) == 41


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Be brief.", "too short"),
        ("Write " + "very " * 100 + "much.", "too long"),
        ("Use the word [insert word] twice.", "has a blank to fill in"),
        ("Use the word ____ exactly twice.", "has a blank to fill in"),
        ("Use the word {keyword} exactly twice.", "has a blank to fill in"),
        ("End your reply with [END] on a line of its own.", ""),
        ("Write a sonnet of fourteen lines.", "needs how words sound"),
    ],
)
def test_instructions_of_no_use(text: str, reason: str) -> None:
    assert fault(text) == reason


def test_near_repeats_are_told_from_others() -> None:
    pool = Pool()
    assert [pool.add(text) for text in CHECKABLE] == [""] * 48
    assert pool.add("use NO commas, anywhere in your reply!") == "repeats another"
    assert pool.add("Use at most 80 words.") == "nearly another"
    assert pool.add("Use at most 80 words.", near=False) == ""
    assert pool.add("Your reply must begin and end with the same word.") == "nearly another"
    assert pool.add("回答はすべて三行で書いてください。") == ""


def test_near_repeats_are_all_found() -> None:
    rng, pool, kept = Rng("near repeats"), Pool(), list[set[str]]()
    letters = ["a", "bb", "ccc", "dddd", "eeeee", "ffffff", "g", "hh", "iii", "jjjj"]
    found = 0
    for _ in range(2_000):
        drawn_words = set(rng.sample(letters, rng.integer(1, 10)))
        near = any(10 * len(drawn_words & other) >= 6 * len(drawn_words | other) for other in kept)
        reason = pool.add(" ".join(sorted(drawn_words)))
        assert bool(reason) == near
        found += near
        kept += [] if near else [drawn_words]
    assert 0 < len(kept) < found


def test_instructions_are_read_out_of_prose() -> None:
    output = """Here are three:

1. Use no commas anywhere.
2) "Write three lines."
- Put **two** words in bold:
* Put each word in bold.
## More
```
Begin with a digit\u200b.
"""
    assert instructions_in(output) == [
        "Use no commas anywhere.",
        "Write three lines.",
        "Put each word in bold.",
        "Begin with a digit.",
    ]
    assert instructions_in("") == []
    assert len(instructions_in("Use no commas here.\n" * 5_000)) == 1_000


def test_seeds_are_text_or_json_lines(tmp_path: Path) -> None:
    text, lines = tmp_path / "seeds.txt", tmp_path / "seeds.jsonl"
    text.write_text("# ours\nUse no commas.\r\n\n  Write three lines.  \n")
    lines.write_text('{"instruction": "Use no commas."}\n\n{"instruction": "Write three lines.", "more": 1}\n')
    assert read_instructions(text) == read_instructions(lines) == ["Use no commas.", "Write three lines."]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("seeds.txt", b"", "holds no instruction"),
        ("seeds.txt", b"# only a comment\n\n", "holds no instruction"),
        ("seeds.txt", b"\xff\xfe", "is no text in UTF-8"),
        ("seeds.txt", b"word " * 500, "line 1: 2499 characters, an instruction has at most 2000"),
        ("seeds.jsonl", b'{"instruction": 3}', "line 1: `instruction` must be a text"),
        ("seeds.jsonl", b'{"text": "Use no commas."}', "line 1 is no JSON object with `instruction`"),
        ("seeds.jsonl", b'"Use no commas."', "line 1 is no JSON object with `instruction`"),
        ("seeds.jsonl", b"[" * 100_000, "line 1 is no JSON object with `instruction`"),
    ],
)
def test_seeds_that_are_none(name: str, content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SsrlError) as found:
        read_instructions(tmp_path / name)
    assert says in str(found.value)


def test_requests_come_from_files_of_many_forms(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    asked = ["Tell me about the sea, please.", "How long does bread need to rise?"]
    text, lines, table = tmp_path / "q.txt", tmp_path / "q.jsonl", tmp_path / "q.parquet"
    text.write_text("\n".join(asked))
    rows = [{"query": asked[0]}, {"id": 3, "prompt": [{"role": "user", "content": asked[1]}]}, {"query": None}]
    lines.write_text("".join(json.dumps(row) + "\n" for row in rows))
    pq.write_table(pa.table({"question": asked, "answer": ["", ""]}), table)
    assert [list(read_queries(str(path))) for path in (text, lines, table)] == [asked] * 3
    questions = list(read_queries(str(ROOT / "tests/texts")))
    assert questions
    assert all(isinstance(question, str) for question in questions)
    for path, content in ((text, ""), (lines, '{"title": "x"}')):
        path.write_text(content)
        with pytest.raises(SsrlError, match="it wants a column"):
            list(read_queries(str(path)))
    with pytest.raises(SsrlError, match="no such file"):
        list(read_queries(str(tmp_path / "none.jsonl")))
    with pytest.raises(SsrlError, match="no corpus at"):
        list(read_queries(str(tmp_path / "none")))


def test_requests_are_sifted(tmp_path: Path) -> None:
    line = "In the long winter of that year the old keeper of the lighthouse wrote letters to his sister."
    (tmp_path / "bench.txt").write_text(f"An item.\n\nRead this: {line}")
    sieve = Sieve(Attach(against=(str(tmp_path / "bench.txt"),)), tmp_path / "hashes.npy")
    asked = ["Hello there.", "Tell me about the sea, please.", "Tell me about the SEA please!", "word " * 70]
    kept, left = usable([*asked, line + " What else did he write?", line[:60]], sieve)
    assert kept == [asked[1], line[:60]]
    assert left == {"too short": 1, "too long": 1, "repeats another": 1, "in a benchmark": 1}
    assert sieve.read[0]["name"] == "bench.txt"
    assert Sieve(Attach(), tmp_path / "none.npy").touched(asked) == [False] * 4


def test_draws_are_the_instructions_own() -> None:
    queries = [f"Request number {n} of many." for n in range(100)]
    one = drawn(queries, "Use no commas.", 8, 0)
    assert len(set(one)) == 8
    assert one == drawn(queries, "Use no commas.", 8, 0)
    assert one != drawn(queries, "Write three lines.", 8, 0)
    assert one != drawn(queries, "Use no commas.", 8, 1)
    assert sorted(drawn(queries[:3], "Use no commas.", 8, 0)) == queries[:3]


WRITER = "writer: {server: 'http://127.0.0.1:1/v1', model: m}\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "expected a mapping"),
        ("seeds: s\nwriter: {}", "writer: wants one of server, local and recorded"),
        (WRITER, "names no instructions: add `seeds: FILE`"),
        (WRITER + "seed: [1]\nseeds: s", "seed must be int"),
        (WRITER + "seeds: s\nbacktranslate: maybe", "backtranslate must be bool"),
        (WRITER + "seeds: s\nexpnd: {calls: 1}", "unknown key 'expnd': did you mean 'expand'"),
        (WRITER + "seeds: s\nexpand: {cals: 1}", "expand: unknown key 'cals': did you mean 'calls'"),
        (WRITER + "seeds: s\nwrite: {outputs: 0}", "write: outputs is 0: it must lie in 1..64"),
        (WRITER + "seeds: s\nvalidate: {preset: papr}", "preset is 'papr': did you mean 'paper'"),
        (WRITER + "seeds: s\nvalidate: {mutation: 2}", "mutation is 2.0: it must lie in 0..1"),
        ("seeds: s", "write asks a model and there is no writer"),
        ("import: s", "backtranslate (true unless it says otherwise) asks a model"),
        ("import: s\nbacktranslate: false\nanswer: {answers: 2}", "answer asks a model and there is no writer"),
        (
            "import: s\nbacktranslate: false\nanswer: {recorded: r}",
            "answer: relevance (8 unless it says otherwise) asks",
        ),
        ("import: s\nbacktranslate: false\nexpand: {calls: 2}", "expand asks a model and there is no writer"),
        ("seeds: s\nwriter: {server: ftp://x, model: m}", "server must be an address like"),
        ("seeds: s\nwriter: {server: 'http://u:p@x/v1', model: m}", "holds a user name or password"),
        ("seeds: s\nwriter: {server: 'http://x/v1?key=3', model: m}", "without ? or #"),
        ("seeds: s\nwriter: {server: 'http://x/v1'}", "model is missing"),
        ("seeds: s\nwriter: {server: 'http://x/v1', model: m, parameters: {n: 3}}", "parameters: n is set by the run"),
        ("seeds: s\nwriter: {server: 'http://x/v1', local: m}", "wants one of server, local and recorded"),
    ],
)
def test_a_config_that_cannot_run_is_said_in_one_sentence(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "autoif.yaml"
    path.write_text(text)
    with pytest.raises(SsrlError) as found:
        load_config(path)
    assert says in str(found.value)
    assert "\n" not in str(found.value)


def test_a_key_in_a_config_is_refused_and_not_repeated(tmp_path: Path) -> None:
    path = tmp_path / "autoif.yaml"
    path.write_text("seeds: s\nwriter: {server: 'http://x/v1', model: m, key: sk-abcdef}")
    with pytest.raises(SsrlError, match="never the key itself") as found:
        load_config(path)
    assert "sk-abcdef" not in str(found.value)


def test_the_recipe_loads_and_files_lie_beside_it() -> None:
    path = ROOT / "tasks/recipes/autoif/autoif.yaml"
    config = load_config(path)
    assert config.seeds == path.parent / "seeds.txt"
    assert config.expand.calls * config.expand.each == 5_000
    assert config.validate.need == 0.5


def letters(work: Work) -> Iterator[Any]:
    for letter in work.config.where:
        yield Dropped(letter, "no letter") if not letter.isalpha() else {"letter": letter}


def doubled(work: Work) -> Iterator[Any]:
    def results(start: int) -> Iterator[Any]:
        for row in list(work.rows("one"))[start:]:
            if row["letter"] == work.notes_stop:  # type: ignore[attr-defined]
                raise KeyboardInterrupt
            made.append(row["letter"])
            yield {"letters": 2 * row["letter"]}

    yield from work.gone_on("two", "doubling", results)


made: list[str] = []
ONE = Step("one", (), "one.jsonl", lambda work: {"text": work.config.where}, letters)
TWO = Step("two", ("one",), "two.jsonl", lambda work: {}, doubled)
THREE = Step("three", ("two",), "three.jsonl", lambda work: {}, lambda work: work.rows("two"))


@pytest.fixture
def work(tmp_path: Path) -> Callable[..., Work]:
    """A run of three steps over the letters of a text."""
    made.clear()

    def never(folder: Path) -> Calls:
        raise AssertionError(folder)

    def begun(text: str, stop: str = "") -> Work:
        found = Work(Config(text), tmp_path / "out", (ONE, TWO, THREE), never, 1, print)
        found.notes_stop = stop  # type: ignore[attr-defined]
        return found

    return begun


def states(work: Work) -> list[str]:
    return [work.state(step).state for step in work.steps.values()]


def test_steps_are_done_once_and_known_to_be(work: Callable[..., Work]) -> None:
    found = work("ab-c")
    assert states(found) == [TO_DO] * 3
    with found.held():
        for step in found.steps.values():
            found.run(step)
    assert states(found) == [DONE] * 3
    assert [row["letters"] for row in found.rows("three")] == ["aa", "bb", "cc"]
    record = found.state(ONE).record
    assert (record["kept"], record["dropped"]) == (3, {"no letter": 1})
    assert json.loads((found.out / "dropped/one.jsonl").read_text()) == {
        "instruction": "-",
        "reason": "no letter",
        "detail": None,
    }
    assert not found.scratch.exists()


def test_another_config_or_a_changed_file_is_stale(work: Callable[..., Work]) -> None:
    found = work("ab")
    with found.held():
        for step in found.steps.values():
            found.run(step)
    other = work("abc")
    assert other.state(ONE)[:2] == (STALE, 'text was "ab" and is "abc"')
    assert states(other) == [STALE, DONE, DONE]
    with other.held():
        with pytest.raises(SsrlError, match=r"step two reads what step one makes, and that is stale"):
            other.run(TWO)
        other.forget(ONE)
        other.run(ONE)
        assert states(other) == [DONE, BEGUN, BEGUN]
    (other.out / "one.jsonl").write_text('{"letter": "z"}\n')
    assert other.state(ONE)[:2] == (STALE, "one.jsonl is missing or was changed after it was made")


def test_what_was_noted_before_a_death_is_not_done_again(work: Callable[..., Work]) -> None:
    found = work("abcd", "c")
    with found.held():
        found.run(ONE)
        with pytest.raises(KeyboardInterrupt):
            found.run(TWO)
    assert made == ["a", "b"]
    assert states(found) == [DONE, BEGUN, TO_DO]
    assert found.state(TWO).why == "2 instructions are done"
    with found.journal("two").open("ab") as notes:
        notes.write(b'{"letters": "c')  # cut off
    again = work("abcd")
    with again.held():
        again.run(TWO)
    assert made == ["a", "b", "c", "d"]
    assert [row["letters"] for row in again.rows("two")] == ["aa", "bb", "cc", "dd"]
    assert not again.journal("two").exists()


def test_two_processes_do_not_share_a_folder(work: Callable[..., Work], tmp_path: Path) -> None:
    with work("a").held(), pytest.raises(SsrlError, match="another process is at work here"), work("a").held():
        pass
    (tmp_path / "other").mkdir()
    (tmp_path / "other/file").write_text("x")
    stray = Work(Config("a"), tmp_path / "other", (ONE,), lambda folder: None, 1, print)  # type: ignore[arg-type, return-value]
    with pytest.raises(SsrlError, match="holds files that are not a run"), stray.held():
        pass


def test_words_of_instructions_are_compared_in_any_case() -> None:
    assert words("Use NO commas.") == words("use no, commas")
