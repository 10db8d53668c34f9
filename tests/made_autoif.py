"""A scripted author of instructions, checkers, cases and responses, in place of a model that writes them.

Three functions for each instruction, written in different ways, and six cases that they are told to share. One
instruction (`QUARREL`) has functions that agree in nothing, another (`TWISTED`) a checker of something else.
"""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

SEEDS = (
    "Write exactly three lines.",
    "End your reply with a question mark and use no other question mark.",
    "Begin your reply with the word Indeed and end it with the word indeed.",
)
LIKE = (
    "Put your whole reply between two hash signs.",
    "Use the word lantern exactly twice.",
)
QUARREL = "Give your reply the length that suits it best."
TWISTED = "Write every line of a reply of two or more lines in capital letters."

_LINES = """
def evaluate(response):
    lines = [line for line in response.split("\\n") if line.strip()]
    return len(lines) == 3
"""
_QUESTION = """
def evaluate(response):
    text = response.strip()
    return len(text.split()) > 2 and text.endswith("?") and text.count("?") == 1
"""
_INDEED = """
import re

def evaluate(response):
    words = re.findall(r"[A-Za-z]+", response)
    return len(words) > 1 and words[0] == "Indeed" and words[-1].lower() == "indeed"
"""
_HASHES = """
def evaluate(response):
    text = response.strip()
    return len(text) > 2 and text[0] == "#" and text[-1] == "#"
"""
_LANTERN = """
import re

def evaluate(response):
    return len(re.findall(r"\\blantern\\b", response.lower())) == 2
"""
_CAPITALS = """
def evaluate(response):
    lines = [line for line in response.split("\\n") if line.strip()]
    return len(lines) >= 2 and all(line == line.upper() for line in lines)
"""

WRITTEN: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    SEEDS[0]: (
        (
            _LINES,
            """
def rows(text):
    return [row for row in text.splitlines() if row.strip() != ""]

def evaluate(response):
    return len(rows(response)) == 3
""",
            """
def evaluate(response):
    count = 0
    for line in response.split("\\n"):
        if line.strip():
            count += 1
    return count == 3
""",
        ),
        ("Bread is old.\nIt needs flour.\nAnd time.", "One.\nTwo.\nThree.", "The sea\nis wide\nand cold."),
        ("Bread is old.\nIt needs flour.", "One.\nTwo.\nThree.\nFour.", "The sea is wide and cold."),
    ),
    SEEDS[1]: (
        (
            _QUESTION,
            """
def evaluate(response):
    marks = [place for place, sign in enumerate(response.strip()) if sign == "?"]
    return len(response.split()) > 2 and marks == [len(response.strip()) - 1]
""",
            """
import re

def evaluate(response):
    return len(response.split()) > 2 and re.fullmatch(r"[^?]*\\?", response.strip()) is not None
""",
        ),
        ("Bread needs time. Do you have it?", "I like the sea, do you?", "Is that all you want to know?"),
        ("Why bread? Do you like it?", "I like the sea, do you? Yes.", "That is all you want to know."),
    ),
    SEEDS[2]: (
        (
            _INDEED,
            """
def bare(word):
    return "".join(sign for sign in word if sign.isalpha())

def evaluate(response):
    words = [bare(word) for word in response.split() if bare(word)]
    return len(words) >= 2 and words[0] == "Indeed" and words[-1].lower() == "indeed"
""",
            """
import re

def evaluate(response):
    text = response.strip()
    begins = re.match(r"Indeed\\b", text) is not None
    ends = re.search(r"(?i)\\bindeed[^A-Za-z]*$", text) is not None
    return begins and ends and len(text.split()) > 1
""",
        ),
        ("Indeed, bread is old indeed.", "Indeed the sea is wide, indeed!", "Indeed it is so, indeed"),
        ("Indeed, bread is old.", "The sea is wide, indeed!", "Indeedy, it is so indeed"),
    ),
    LIKE[0]: (
        (
            _HASHES,
            """
def evaluate(response):
    text = response.strip()
    return text.startswith("#") and text.endswith("#") and len(text) >= 3
""",
            """
import re

def evaluate(response):
    return re.fullmatch(r"#.+#", response.strip(), re.DOTALL) is not None
""",
        ),
        ("#Bread is old.#", "# The sea is wide. #", "#Yes,\nit is.#"),
        ("#Bread is old.", "The sea is wide. #", "Yes, # it # is."),
    ),
    LIKE[1]: (
        (
            _LANTERN,
            """
def evaluate(response):
    words = ["".join(sign for sign in word if sign.isalpha()) for word in response.lower().split()]
    return words.count("lantern") == 2
""",
            """
import re
from collections import Counter

def evaluate(response):
    return Counter(re.findall(r"[a-z]+", response.lower()))["lantern"] == 2
""",
        ),
        ("A lantern beside a lantern.", "Lantern after lantern went out.", "The lantern was the only lantern there."),
        ("A lantern.", "Lantern, lantern, lantern.", "The lanterns were near the lantern."),
    ),
    TWISTED: (
        (
            _CAPITALS,
            """
def evaluate(response):
    lines = [line.strip() for line in response.split("\\n") if line.strip()]
    return len(lines) > 1 and not any(sign.islower() for line in lines for sign in line)
""",
            """
def evaluate(response):
    lines = [line for line in response.splitlines() if line.strip()]
    low = [line for line in lines if any(sign.islower() for sign in line)]
    return len(lines) >= 2 and low == []
""",
        ),
        ("BREAD IS OLD.\nIT NEEDS TIME.", "THE SEA\nIS WIDE.", "ONE.\nTWO.\nTHREE."),
        ("BREAD IS OLD. IT NEEDS TIME.", "THE SEA\nis wide.", "One.\nTWO."),
    ),
    QUARREL: (
        (
            "def evaluate(response):\n    return len(response) > 10",
            "def evaluate(response):\n    return 0 < len(response) <= 10",
            "def evaluate(response):\n    return 'long' in response",
        ),
        ("Yes.", "Bread is old and it needs time.", "It is long."),
        ("No.", "The sea is wide and it is cold.", "It is short."),
    ),
}
"""Instruction to functions, texts that are said to follow it, and texts that are not."""

QUERIES = tuple(
    f"Tell me {what} {subject}."
    for what in ("what you know about", "a short story about", "what a child should know about")
    for subject in ("the bread of the village", "a bridge over the river", "the old lighthouse", "winter in the north")
)


def output(instruction: str, number: int) -> str:
    """What the author says when asked for a checker of an instruction: one function of it, and all cases."""
    functions, right, wrong = WRITTEN[instruction]
    cases = [{"input": text, "output": truth} for texts, truth in ((right, True), (wrong, False)) for text in texts]
    found = {"func": functions[number % len(functions)].strip(), "cases": cases}
    return f"Here it is.\n\n```json\n{json.dumps(found, indent=1)}\n```"


def author(prompt: str, seed: int) -> str:
    """The reply to any prompt of `ssrl autoif`; where there are several, the seed says which."""
    shown = re.findall(r"<instruction>\n(.*?)\n</instruction>", prompt, re.DOTALL)
    if "new instructions" in prompt:
        lines = (*LIKE, TWISTED, QUARREL, "Write a haiku about it.", "Write exactly three lines!", "Short one.")
        return "Here are some:\n" + "\n".join(f"{n}. {line}" for n, line in enumerate(lines, 1))
    if "Write a program" in prompt:
        return output(shown[0], seed)
    if "which texts `evaluate` accepts" in prompt:
        about = next(text for text, made in WRITTEN.items() if any(same(prompt, source) for source in made[0]))
        return f"It accepts texts for which this holds: {'nothing of the kind' if about == TWISTED else about}"
    if "whole number from 0 to 10" in prompt:
        return "3" if any(f"<reply>\n{made[1][1]}\n" in prompt for made in WRITTEN.values()) else "I say 8/10."
    if "Does the program check" in prompt:
        return "CONTRADICTS" if "nothing of the kind" in prompt else "SAME."
    return respond(shown, seed)


def respond(shown: list[str], seed: int) -> str:
    """A response to a row: right, wrong or nothing."""
    right = [text for text, made in WRITTEN.items() if text in shown for text in made[1]]
    wrong = [text for text, made in WRITTEN.items() if text in shown for text in made[2]]
    return ["<think>So be it.</think>" + right[0], wrong[0], right[1], wrong[1], ""][seed % 5]


def same(prompt: str, source: str) -> bool:
    """Whether a prompt shows a source, however it is laid out."""
    return ast.unparse(ast.parse(source)) == prompt.split("```")[1].removeprefix("python").strip()


def write_records(path: Path, instructions: list[str], outputs: int = 3) -> Path:
    """A file of written checkers in the form of QwenLM/AutoIF."""
    lines = [
        {"prompt": "as they asked", "instruction": text, "gpt-answer": [output(text, n) for n in range(outputs)]}
        for text in instructions
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path
