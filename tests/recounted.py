"""What constraints ask of a text, counted again by other means than the toolkit's: tokens and lines, one after another.

Written from the sentences that prompts print. Made for plain English texts such as witnesses are; nothing here is
hardened against hostile ones.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

Told = dict[str, Any]


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def bare(line: str) -> str:
    """A line without the mark of a list, a heading or a quotation."""
    first, _, rest = line.partition(" ")
    listed = first in ("-", "*", "+", "•") or (first[:-1].isdigit() and first[-1] in ".)") or set(first) == {"#"}
    return rest if listed and rest else line[1:].strip() if line.startswith(">") else line


def core(token: str) -> str:
    """A token without the signs around it."""
    inside = [at for at, sign in enumerate(token) if sign.isalnum()]
    return token[inside[0] : inside[-1] + 1] if inside else ""


def words(text: str) -> list[str]:
    return [core(token) for line in lines(text) for token in bare(line).split() if core(token)]


def sentences(text: str) -> list[str]:
    found = []
    for line in lines(text):
        held = list[str]()
        for token in bare(line).split():
            held.append(token)
            if token.rstrip("\"')]*_")[-1:] in (".", "!", "?"):
                found.append(" ".join(held))
                held = []
        found.append(" ".join(held))
    return [sentence for sentence in found if words(sentence)]


def paragraphs(text: str) -> list[str]:
    found, held = list[str](), list[str]()
    for line in [*text.splitlines(), ""]:
        if line.strip():
            held.append(line)
        elif held:
            found.append("\n".join(held))
            held = []
    return found


def often(text: str, phrase: str, case: bool = False) -> int:
    """How often words stand in a text, whole."""
    flat = " ".join(text.split())
    if not case:
        flat, phrase = flat.lower(), phrase.lower()
    return len(re.findall(rf"(?<![^\W_]){re.escape(phrase)}(?![^\W_])", flat))


def first(text: str, word: str) -> int:
    """Where a word stands first, whole, among the words of the text."""
    return lower(text).index(word.lower())


def lower(text: str) -> list[str]:
    return [word.lower() for word in words(text)]


def opens(text: str, phrase: str) -> bool:
    return often(text[: text.lower().find(phrase.lower()) + len(phrase)], phrase) == 1 and not words(
        text[: max(0, text.lower().find(phrase.lower()))]
    )


def upper(word: str) -> bool:
    return letters(word) > 1 and word == word.upper()


def capitals(text: str) -> list[str]:
    return list(filter(upper, words(text)))


def heads(text: str) -> list[str]:
    """The first words of the sentences."""
    return [lower(sentence)[0] for sentence in sentences(text)]


def tails(text: str) -> list[str]:
    return [lower(sentence)[-1] for sentence in sentences(text)]


def ends(text: str) -> list[str]:
    return [sentence.rstrip("\"')]*_ ")[-1] for sentence in sentences(text)]


def letters(word: str) -> int:
    return sum(map(str.isalpha, word))


def marked(text: str, pattern: str) -> list[str]:
    return [line for line in lines(text) if re.match(pattern, line)]


def unfenced(text: str) -> Any:
    return json.loads(re.sub(r"^```\w*\n|\n```$", "", text.strip()))


def numbers(text: str) -> int:
    return sum(any(map(str.isdigit, word)) for word in words(text))


def rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines(text) if line.startswith("|")]


def bold(text: str) -> int:
    return len(re.findall(r"\*\*[^*\n]+\*\*", text))


def quotations(text: str) -> int:
    return sum(bool(words(part)) for part in text.split('"')[1::2])


def each(text: str, parts: Callable[[str], list[str]], least: int, right: Callable[[str], bool]) -> bool:
    found = parts(text)
    return len(found) >= least and all(map(right, found))


def chained(text: str) -> bool:
    return all(tail == head for tail, head in zip(tails(text), heads(text)[1:], strict=False))


def rivals(text: str) -> bool:
    """Whether two neighbours in a sentence begin alike."""
    return any(a[0] == b[0] for sentence in sentences(text) for a, b in pairwise(lower(sentence)))


def longest_run(text: str, letter: str) -> int:
    """Most different words in a row, within a sentence, that begin with a letter."""
    best = 0
    for sentence in sentences(text):
        run = list[str]()
        for word in lower(sentence):
            run = [*run, word] if word[0] == letter else []
            best = max(best, len(set(run)))
    return best


def quoted_lines(text: str) -> int:
    return len(marked(text, r"> *\S"))


def points_then(text: str, number: int, phrase: str) -> bool:
    *points, last = lines(text)
    return len(points) == number and all(re.match(r"[-*] \S", point) for point in points) and opens(last, phrase)


def sections(text: str, label: str, number: int) -> bool:
    at = [n for n, line in enumerate(lines(text)) if re.fullmatch(rf"{label} \d+", line, re.IGNORECASE)]
    told = [int(lines(text)[n].split()[-1]) for n in at]
    return told == list(range(1, number + 1)) and all(b - a > 1 for a, b in pairwise([*at, len(lines(text))]))


def grown(text: str) -> bool:
    sizes = [len(words(part)) for part in paragraphs(text)]
    return all(a < b for a, b in pairwise(sizes))


RECOUNT: dict[str, Callable[[str, Told], bool]] = {
    "length/words_at_least": lambda t, p: len(words(t)) >= p["least"],
    "length/words_at_most": lambda t, p: len(words(t)) <= p["most"] and len(set(lower(t))) >= 12,
    "length/words_between": lambda t, p: p["least"] <= len(words(t)) <= p["most"],
    "length/words_exactly": lambda t, p: len(words(t)) == p["number"] and all(map(str.isalpha, words(t))),
    "length/sentences_at_least": lambda t, p: len(sentences(t)) >= p["least"],
    "length/sentences_at_most": lambda t, p: len(sentences(t)) <= p["most"],
    "length/sentences_exactly": lambda t, p: len(sentences(t)) == p["number"],
    "length/paragraphs_exactly": lambda t, p: len(paragraphs(t)) == p["number"],
    "length/paragraphs_between": lambda t, p: p["least"] <= len(paragraphs(t)) <= p["most"],
    "length/lines_exactly": lambda t, p: len(lines(t)) == p["number"],
    "length/characters_at_most": lambda t, p: len(t) <= p["most"],
    "length/characters_between": lambda t, p: p["least"] <= len(t) <= p["most"],
    "length/sentence_words_at_most": lambda t, p: each(t, sentences, 3, lambda s: len(words(s)) <= p["most"]),
    "length/sentence_words_between": lambda t, p: each(
        t, sentences, 3, lambda s: p["least"] <= len(words(s)) <= p["most"]
    ),
    "length/paragraph_sentences_exactly": lambda t, p: each(
        t, paragraphs, 2, lambda s: len(sentences(s)) == p["number"]
    ),
    "length/paragraph_words_at_most": lambda t, p: each(t, paragraphs, 2, lambda s: len(words(s)) <= p["most"]),
    "keywords/include": lambda t, p: all(often(t, word) for word in p["words"]),
    "keywords/exclude": lambda t, p: not any(often(t, word) for word in p["words"]),
    "keywords/some_of": lambda t, p: sum(often(t, word) > 0 for word in p["words"]) >= p["least"],
    "keywords/phrase": lambda t, p: often(t, p["phrase"]) > 0,
    "keywords/at_least": lambda t, p: often(t, p["word"]) >= p["number"],
    "keywords/between": lambda t, p: p["least"] <= often(t, p["word"]) <= p["most"],
    "keywords/exactly": lambda t, p: often(t, p["word"]) == p["number"],
    "keywords/more_than": lambda t, p: often(t, p["more"]) > often(t, p["less"]) > 0,
    "keywords/in_order": lambda t, p: (
        (at := [first(t, word) for word in p["words"]]) == sorted(at) and all(often(t, w) for w in p["words"])
    ),
    "keywords/together": lambda t, p: any(all(often(s, word) for word in p["words"]) for s in sentences(t)),
    "keywords/in_sentence": lambda t, p: often(sentences(t)[p["number"] - 1], p["word"]) > 0,
    "keywords/every_paragraph": lambda t, p: each(t, paragraphs, p["paragraphs"], lambda s: often(s, p["word"]) > 0),
    "keywords/every_sentence": lambda t, p: each(t, sentences, p["sentences"], lambda s: often(s, p["word"]) > 0),
    "casing/lower": lambda t, p: t == t.lower(),
    "casing/upper": lambda t, p: t == t.upper(),
    "casing/title": lambda t, p: all(word == word.capitalize() for word in words(t)),
    "casing/sentence_case": lambda t, p: (
        len(sentences(t)) >= 3
        and all(core(s)[0].isupper() for s in sentences(t))
        and sum(map(str.isupper, t)) == len(sentences(t))
    ),
    "casing/capitals_at_least": lambda t, p: len(capitals(t)) >= p["least"],
    "casing/capitals_between": lambda t, p: p["least"] <= len(capitals(t)) <= p["most"],
    "casing/capitals_exactly": lambda t, p: len(capitals(t)) == p["number"],
    "casing/sentence_edge": lambda t, p: each(
        t, sentences, 3, lambda s: capitals(s) == [words(s)[0 if p["edge"] == "first" else -1]]
    ),
    "casing/every_second": lambda t, p: (
        len(words(t)) >= 10 and all(w == w.upper() for w in words(t)[1::2]) and not any(map(upper, words(t)[::2]))
    ),
    "casing/word": lambda t, p: often(t, p["word"]) == often(t, p["word"].upper(), case=True) >= p["least"],
    "punctuation/never": lambda t, p: p["mark"] not in t,
    "punctuation/at_least": lambda t, p: t.count(p["mark"]) >= p["least"],
    "punctuation/exactly": lambda t, p: t.count(p["mark"]) == p["number"],
    "punctuation/every_end": lambda t, p: len(ends(t)) >= 3 and set(ends(t)) == {p["mark"]},
    "punctuation/last_asks": lambda t, p: ends(t)[-1] == "?" and t.count("?") == 1,
    "punctuation/all_ends": lambda t, p: set(".!?") <= set(ends(t)),
    "punctuation/alternate_ends": lambda t, p: (
        len(ends(t)) >= 4 and all(end == ".!"[n % 2] for n, end in enumerate(ends(t)))
    ),
    "punctuation/sentence_commas": lambda t, p: each(t, sentences, 3, lambda s: s.count(",") == p["number"]),
    "punctuation/brackets_at_least": lambda t, p: len(re.findall(r"\([^()]*\w[^()]*\)", t)) >= p["least"],
    "punctuation/quotations_at_least": lambda t, p: quotations(t) >= p["least"],
    "punctuation/no_digits": lambda t, p: not any(map(str.isdigit, t)),
    "punctuation/numbers_at_least": lambda t, p: numbers(t) >= p["least"],
    "punctuation/numbers_exactly": lambda t, p: numbers(t) == p["number"],
    "punctuation/bare": lambda t, p: all(sign.isalnum() or sign.isspace() for sign in t),
    "structure/json": lambda t, p: bool(unfenced(t)) and isinstance(unfenced(t), (dict, list)),
    "structure/json_object": lambda t, p: set(unfenced(t)) == set(p["keys"]) and all(map(words, unfenced(t).values())),
    "structure/json_list": lambda t, p: len(set(unfenced(t))) == len(unfenced(t)) == p["number"],
    "structure/bullets": lambda t, p: len(marked(t, r"[-*] +\S")) == p["number"],
    "structure/numbered": lambda t, p: (
        [line.split(".")[0] for line in marked(t, r"\d+\. +\S")] == [str(n + 1) for n in range(p["number"])]
    ),
    "structure/checklist": lambda t, p: len(marked(t, r"- \[[ xX]\] +\S")) == p["number"],
    "structure/headings": lambda t, p: len(marked(t, r"#{1,6} +\S")) == p["number"],
    "structure/table": lambda t, p: (
        len(rows(t)) == p["rows"] + 2
        and {len(row) for row in rows(t)} == {p["columns"]}
        and all(cell for row in rows(t) for cell in row)
        and all(set(cell) <= set(":-") for cell in rows(t)[1])
    ),
    "structure/comma_list": lambda t, p: (
        len(lines(t)) == 1
        and len({part.strip(" .").lower() for part in t.split(",")}) == t.count(",") + 1 == p["number"]
    ),
    "structure/tagged": lambda t, p: (
        t.startswith(f"<{p['tag']}>") and t.endswith(f"</{p['tag']}>") and len(re.findall(f"</?{p['tag']}>", t)) == 2
    ),
    "structure/quoted": lambda t, p: t[0] == t[-1] == '"' and len(t) > 2,
    "structure/labelled": lambda t, p: (
        [bare(line).partition(":")[0].lower() for line in lines(t)] == [label.lower() for label in p["labels"]]
    ),
    "structure/divided": lambda t, p: (
        lines(t).count("***") == p["number"] - 1 and all(words(part) for part in re.split(r"\n\*\*\*\n", t))
    ),
    "structure/sections": lambda t, p: sections(t, p["label"], p["number"]),
    "structure/option": lambda t, p: sum(often(t, option) > 0 for option in p["options"]) == 1,
    "markup/title": lambda t, p: re.search(r"<<[^<>\n]*\w[^<>\n]*>>", t) is not None,
    "markup/heading": lambda t, p: lines(t)[0].startswith("# ") and len(marked(t, r"# ")) == 1,
    "markup/bold": lambda t, p: bold(t) == p["number"],
    "markup/highlighted": lambda t, p: bold(t) + len(re.findall(r"(?<!\*)\*[^*\s][^*\n]*\*(?!\*)", t)) >= p["least"],
    "markup/code_blocks": lambda t, p: len(marked(t, r"```")) == 2 * p["number"],
    "markup/block_quote": lambda t, p: 0 < quoted_lines(t) == p["number"] < len(lines(t)),
    "markup/placeholders": lambda t, p: len(re.findall(r"\[(?![ xX]\])[^\[\]]*\w[^\[\]]*\]", t)) >= p["least"],
    "markup/postscript": lambda t, p: p["mark"].lower() in lines(t)[-1].lower() and len(lines(t)) > 1,
    "letters/letter_at_least": lambda t, p: t.lower().count(p["letter"]) >= p["least"],
    "letters/letter_at_most": lambda t, p: t.lower().count(p["letter"]) <= p["most"] and len(words(t)) >= 20,
    "letters/never": lambda t, p: p["letter"] not in t.lower() and len(words(t)) >= 12,
    "letters/word_letters_at_most": lambda t, p: all(letters(w) <= p["most"] for w in words(t)) and len(words(t)) >= 12,
    "letters/long_words_at_least": lambda t, p: (
        sum(letters(word) >= p["letters"] for word in set(lower(t))) >= p["least"]
    ),
    "letters/sentences_begin": lambda t, p: each(t, sentences, 3, lambda s: lower(s)[0][0] == p["letter"]),
    "letters/acrostic": lambda t, p: "".join(head[0] for head in heads(t)) == p["word"],
    "letters/words_begin_at_least": lambda t, p: sum(w[0] == p["letter"] for w in lower(t)) >= p["least"],
    "letters/words_begin_never": lambda t, p: not any(w[0] == p["letter"] for w in lower(t)) and len(words(t)) >= 20,
    "letters/words_end_at_least": lambda t, p: sum(w[-1] == p["letter"] for w in set(lower(t))) >= p["least"],
    "position/begin": lambda t, p: opens(t, p["phrase"]),
    "position/end": lambda t, p: " ".join(lower(t)[-len(p["phrase"].split()) :]) == p["phrase"],
    "position/paragraph_begins": lambda t, p: (
        len(paragraphs(t)) == p["paragraphs"] and lower(paragraphs(t)[p["number"] - 1])[0] == p["word"]
    ),
    "position/sentence_begins": lambda t, p: heads(t)[p["number"] - 1] == p["word"],
    "position/sentences_begin": lambda t, p: len(heads(t)) >= p["sentences"] and set(heads(t)) == {p["word"]},
    "position/sentences_end": lambda t, p: len(tails(t)) >= p["sentences"] and set(tails(t)) == {p["word"]},
    "position/lines_begin": lambda t, p: each(t, lines, p["lines"], lambda s: lower(s)[0] == p["word"]),
    "position/nth_word": lambda t, p: lower(t)[p["number"] - 1] == p["word"],
    "position/same_ends": lambda t, p: lower(t)[0] == lower(t)[-1],
    "position/last_sentence": lambda t, p: sentences(t)[-1].strip('"*_') == p["text"] and len(sentences(t)) > 1,
    "repetition/words_at_most": lambda t, p: (
        (counts := Counter(w for w in lower(t) if letters(w) >= p["letters"])).total() >= 10
        and max(counts.values()) <= p["most"]
    ),
    "repetition/different_at_least": lambda t, p: len(set(lower(t))) >= p["least"],
    "repetition/mostly_different": lambda t, p: len(set(lower(t))) >= 0.9 * len(words(t)) and len(words(t)) >= 50,
    "repetition/sentence_words_differ": lambda t, p: each(
        t, sentences, 3, lambda s: len(set(lower(s))) == len(lower(s)) >= 5
    ),
    "repetition/openers_differ": lambda t, p: len(heads(t)) == len(set(heads(t))) >= 5,
    "repetition/openers_same": lambda t, p: len(set(heads(t))) == 1 and len(heads(t)) >= 4,
    "repetition/chain": lambda t, p: len(heads(t)) >= 3 and chained(t),
    "repetition/neighbours_differ": lambda t, p: not rivals(t) and len(words(t)) >= 20,
    "repetition/alliteration": lambda t, p: longest_run(t, p["letter"]) >= p["least"],
    "repetition/phrase_exactly": lambda t, p: often(t, p["phrase"]) == p["number"],
    "combination/two_answers": lambda t, p: t.count("*" * 6) == 1 and all(map(words, t.split("*" * 6))),
    "combination/repeat": lambda t, p: t.lower().startswith(p["text"].lower()) and len(t) > len(p["text"]),
    "combination/divisible": lambda t, p: len(words(t)) >= p["least"] and len(words(t)) % p["by"] == 0,
    "combination/grid": lambda t, p: (
        [len(sentences(part)) for part in paragraphs(t)] == [p["sentences"]] * p["paragraphs"]
    ),
    "combination/growing": lambda t, p: len(paragraphs(t)) == p["paragraphs"] and grown(t),
    "combination/longest_last": lambda t, p: (
        len(sentences(t)) == p["sentences"]
        and len(words(sentences(t)[-1])) > max(len(words(s)) for s in sentences(t)[:-1])
    ),
    "combination/frame": lambda t, p: (
        len(sentences(t)) == p["sentences"] and lower(sentences(t)[0]) == lower(sentences(t)[-1])
    ),
    "combination/word_in_sentence": lambda t, p: any(
        often(s, p["word"]) and len(words(s)) == p["length"] for s in sentences(t)
    ),
    "combination/staircase": lambda t, p: (
        [len(words(line)) for line in lines(t)] == list(range(p["first"], p["first"] + p["lines"]))
    ),
    "combination/points_then": lambda t, p: points_then(t, p["points"], p["phrase"]),
}


def recounted(text: str, told: Told) -> bool | None:
    """Whether a text keeps to what a row asks; None where it is not known how to count that."""
    count = RECOUNT.get(told["id"])
    return None if count is None else count(text, told)
