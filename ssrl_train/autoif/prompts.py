"""What the model is asked. Each prompt is one message; a change of one is a change of every call made with it."""

from __future__ import annotations

import re
from collections.abc import Sequence

MODULES = (
    "re",
    "json",
    "math",
    "collections",
    "itertools",
    "functools",
    "unicodedata",
    "datetime",
    "decimal",
    "bisect",
    "typing",
)
"""What a checker may import: modules of the sandbox that depend on nothing but their arguments."""

LACKING = {
    "import string": "the module `string` (write out the characters that you need)",
    "map(str.lower, 'a')": "methods of a type as functions, like `str.lower` (write `lambda t: t.lower()`)",
    "'a'.translate(str.maketrans('a', 'b'))": "`str.maketrans`",
    "import re\nre.sub('a', lambda m: 'b', 'a')": "functions as the replacement in `re.sub`",
    "def f():\n    yield 1\nf()": "`yield`",
    "d = {1: 2}\ndel d[1]": "`del`",
    "class A: pass\nclass B(A): pass": "classes that inherit",
}
"""Code that the sandbox refuses, and how a prompt says so. Found by trial, as are `MODULES`, with pydantic-monty
1.4.0."""

PYTHON = f"""\
It runs in a small Python interpreter of its own. That knows functions (nested, recursive, lambda), loops, \
comprehensions, f-strings, slices, sets, dicts, try/except, regular expressions (look-around and back-references too) \
and the methods of str. It can import {", ".join(MODULES[:-1])} and {MODULES[-1]}, and nothing else. It does not know \
{"; ".join(LACKING.values())}. It has no files, no network, no clock and no random numbers, and a second of time."""

EXPAND = """\
A program will check, without any model and without a person, whether replies of a chat assistant follow instructions \
like these:

{shown}

Write {count} new instructions, each different from these and from each other in what it demands, not only in a word \
or a number.

The program is a short Python function that sees the text of the reply and nothing else. So each instruction must

- say how a reply has to be built: words, letters, digits, punctuation, lines, sentences, paragraphs, lists, tables, \
headings, JSON, Markdown, order, position, repetition, counts;
- be decided by the characters of the reply alone. Nothing about the request, the topic, truth, meaning, tone, style, \
grammar, rhyme, syllables, translations, today's date, pictures or links;
- fit almost any request, and be possible to follow in a helpful reply;
- be exact: two careful people never disagree whether a reply follows it. Say what counts where that could be doubted;
- be one or two plain sentences that speak to the assistant, with no blank to fill in.

Write one instruction a line and nothing else: no numbers, no bullets, no headings."""

WRITE = """\
Write a program that tells whether replies of a chat assistant follow this instruction:

<instruction>
{instruction}
</instruction>

The program is Python source that defines `evaluate(response)`. `response` is the whole reply as a string; return True \
when it follows the instruction and False when it does not. Judge what the instruction demands and nothing else: \
neither whether the reply is good, nor what it is about.

Take the instruction as its author would. A reply with nothing in it follows no instruction: return False for an empty \
reply and for one that is only a full stop, also where a rule such as "no letter e" or "every line ..." would hold of \
it. Where an instruction speaks of words, "Example," is the word "example"; ignore case unless the instruction is \
about case. Work for text in any language as far as the instruction allows. Never crash.

{python}

Then write six test cases: replies of one to five sentences, or of as many lines or items as the instruction demands, \
as the assistant could really give them to everyday requests on different topics. Three follow the instruction. Three \
break it narrowly, each in another way: one word too many, one line that differs, the right thing in the wrong place. \
Count before you decide; a wrong test case does harm.

Answer with one JSON object in this form and with nothing else:

{{"func": "def evaluate(response):\\n    ...", "cases": [{{"input": "a reply", "output": true}}, {{"input": "another \
reply", "output": false}}]}}"""

MEANING = """\
A program accepts or refuses texts with this Python function:

```python
{source}
```

Say in one or two plain sentences which texts `evaluate` accepts. Describe what the code does, exactly, with every \
number and every exception, and not what its names suggest that it should do. Write these sentences and nothing else."""

JUDGE = """\
An instruction for replies of a chat assistant:

<instruction>
{instruction}
</instruction>

What a program accepts, as somebody described it who saw the program and never the instruction:

<accepted>
{meaning}
</accepted>

Does the program check what the instruction demands? That it also refuses empty or trivial replies, and that the \
description uses other words, makes no difference.

- SAME: a reply that follows the instruction is accepted, and one that breaks it is refused.
- CONTRADICTS: some reply that follows the instruction is refused, or some reply that breaks it is accepted.
- OTHER: it checks something else, or the description does not let you tell.

Answer with one of the words SAME, CONTRADICTS and OTHER, and nothing else."""

RELEVANCE = """\
A chat assistant was given this message:

<message>
{prompt}
</message>

It replied:

<reply>
{reply}
</reply>

Programs have checked whether the reply is built as the message demands. Judge the other half alone: does the reply do \
what the query asks, with content that is to the point, sensible, and of use to whoever asked? 10 is as well as that \
form allows, 5 in part, 0 not at all.

Answer with one whole number from 0 to 10 and nothing else."""

SAME, CONTRADICTS, OTHER = "SAME", "CONTRADICTS", "OTHER"

_SCORE = re.compile(r"(?<![\d.])(10|\d)(?:\s?/\s?10)?(?!\d|[./]\d)")
_VERDICT = re.compile(rf"\b({SAME}|{CONTRADICTS}|{OTHER})\b")


def expand(shown: Sequence[str], count: int) -> str:
    """Ask for `count` instructions like those shown."""
    return EXPAND.format(shown="\n".join(f"- {text}" for text in shown), count=count)


def write(instruction: str) -> str:
    """Ask for a checker and its cases."""
    return WRITE.format(instruction=instruction, python=PYTHON)


def meaning(source: str) -> str:
    """Ask what a checker accepts."""
    return MEANING.format(source=source)


def judge(instruction: str, said: str) -> str:
    """Ask whether a checker of that meaning checks the instruction."""
    return JUDGE.format(instruction=instruction, meaning=said)


def relevance(prompt: str, reply: str) -> str:
    """Ask how well a reply does what the query of a row asks."""
    return RELEVANCE.format(prompt=prompt, reply=reply)


def score(said: str) -> int | None:
    """The one score that a reply to `relevance` names, 0 to 10; None where it names none, or several."""
    found = set(_SCORE.findall(said))
    return int(found.pop()) if len(found) == 1 else None


def verdict(said: str) -> str | None:
    """The one verdict that a reply to `judge` names; None where it names none, or several."""
    found = set(_VERDICT.findall(said))
    return found.pop() if len(found) == 1 else None
