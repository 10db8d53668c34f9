"""Responses that no answer kind may score 1, raise on or take long over; shared by the tests and the benchmark."""

from __future__ import annotations

MEGABYTE = 1 << 20

_HIDDEN = (
    *(0x00, 0x01, 0x08, 0x0B, 0x0C, 0x1B, 0x1C, 0x1F, 0x7F, 0x85, 0xAD, 0x34F, 0x61C, 0x115F, 0x17B4, 0x180E),
    *range(0x200B, 0x2010),
    *range(0x2028, 0x202F),
    *(0x2060, 0x2061, 0x2064, 0x2066, 0x2067, 0x2068, 0x2069, 0x206F, 0x3164, 0xFE00, 0xFE0F, 0xFEFF, 0xFFA0, 0xFFF9),
    *(0xFFFF, 0xD800, 0xDBFF, 0xDC00, 0xDFFF, 0x1BCA0, 0x1D173, 0xE0001, 0xE0020, 0xE01EF),
)

_DIGITS = {
    "full-width": 0xFF10,
    "Arabic": 0x0660,
    "Persian": 0x06F0,
    "Devanagari": 0x0966,
    "bold": 0x1D7CE,
    "double-struck": 0x1D7D8,
}


def megabytes() -> dict[str, str]:
    """One response of about 1 MB for each shape that makes some reader slow."""
    shapes = {
        "spaces in an unclosed tag": "<answer>" + " " * MEGABYTE,
        "spaces in a closed tag": "<answer>" + " " * MEGABYTE + "</answer>",
        "spaces at the end of the window": "<answer>" + " " * 60_000 + "x</answer>",
        "spaces in a short answer": "<answer>1" + " " * 1000 + "x</answer>",
        "opening tags": "<answer>" * (MEGABYTE // 8),
        "closing tags": "</answer>" * (MEGABYTE // 9),
        "empty answers": "<answer></answer>" * (MEGABYTE // 17),
        "equal answers": "<answer>x</answer>" * (MEGABYTE // 18),
        "different answers": "".join(f"<answer>{i}</answer>" for i in range(MEGABYTE // 22)),
        "one answer in many spellings": "".join(
            f"<answer>{' ' * (i % 40)}77{'.' * (i // 40)}</answer>" for i in range(1600)
        ),
        "nested answers": "<answer>" * 60_000 + "</answer>" * 58_000,
        "unclosed boxes": "\\boxed{" * (MEGABYTE // 7),
        "closed boxes": "\\boxed{}" * (MEGABYTE // 8),
        "different boxes": "".join(f"\\boxed{{{i}}}" for i in range(MEGABYTE // 13)),
        "nested boxes": "\\boxed{" * 7000 + "}" * 7000,
        "nested boxes of 1 MB": "\\boxed{" * 131_000 + "}" * 131_000,
        "a box and open braces": "\\boxed{" + "{" * MEGABYTE,
        "a box and closed braces": "\\boxed{" + "}" * MEGABYTE,
        "a box around braces": "\\boxed{" + "{" * 32_000 + "}" * 32_001,
        "backslashes": "\\boxed{" + "\\" * MEGABYTE,
        "thoughts": "<think>" * (MEGABYTE // 7),
        "ends of thoughts": "</think>" * (MEGABYTE // 8),
        "almost ends of thoughts": "</think" * (MEGABYTE // 7),
        "almost closing tags": "<answer>" + "</answer" * (MEGABYTE // 8),
        "brackets": "[" * 100_000,
        "closed brackets": "<answer>" + "[" * 100_000 + "]" * 100_000 + "</answer>",
        "brackets in a short answer": "<answer>" + "[" * 500 + "77" + "]" * 500 + "</answer>",
        "digits": "9" * MEGABYTE,
        "digits in a tag": "<answer>" + "9" * MEGABYTE + "</answer>",
        "digits in a short answer": "<answer>" + "9" * 1000 + "</answer>",
        "numbers": "<answer>" + "1, " * 340 + "</answer>",
        "numbers of 1 MB": "<answer>" + "1, " * (MEGABYTE // 3) + "</answer>",
        "commas": "<answer>" + "," * 1000 + "</answer>",
        "semicolons": "<answer>" + ";" * 1000 + "</answer>",
        "line breaks": "<answer>1" + "\n" * 1000 + "2</answer>",
        "dashes": "<answer>" + "1-" * 500 + "</answer>",
        "slashes": "<answer>" + "1/" * 500 + "</answer>",
        "long ligatures many times": _many("\ufdfa" * 1000, 60),
        "short ligatures many times": _many("\ufb03" * 1000, 60),
        "long ligatures a few times": _many("\ufdfa" * 1000, 7),
        "short ligatures a few times": _many("\ufb03" * 1000, 7),
        "accents a few times": _many("\u1fb7" * 1000, 7),
        "marks a few times": _many("a" + "\u0301\u0323" * 500, 7),
        "runs of marks a few times": _many(("a" + "\u0301\u0323" * 14) * 34, 7),
        "semicolons a few times": _many("1;" * 500, 7),
        "words": "<answer>" + "a " * 500 + "</answer>",
        "letters": "<answer>" + "a" * 1000 + "</answer>",
        "long ligatures": "<answer>" + "\ufdfa" * 1000 + "</answer>",
        "combining marks": "<answer>a" + "\u0301" * 1000 + "</answer>",
        "mixed combining marks": "<answer>a" + "\u0301\u0323" * 500 + "</answer>",
        "ligatures of 1 MB": "\ufdfa" * MEGABYTE,
        "NUL": "\x00" * MEGABYTE,
        "right-to-left marks": "\u202e" * MEGABYTE,
        "surrogates": "\ud800" * MEGABYTE,
        "emoji": "\U0001f600" * MEGABYTE,
        "prose": "The tile in the middle looks blurred, so it may be that one. " * (MEGABYTE // 60),
    }
    return {f"1 MB of {name}" if len(text) > 99_999 else name: text for name, text in shapes.items()}


def _many(text: str, times: int) -> str:
    return "".join(f"<answer>{text}{i}</answer>" for i in range(times))


def aimed(right: str, ask: str) -> dict[str, str]:
    """Responses made from the text of a right answer and the sentence of the prompt, none of which answers.

    Args:
        right: the right answer's text, 1 character or more.
        ask: what the prompt says about answering.
    """
    gold = f"<answer>{right}</answer>"
    out = {
        "nothing": "",
        "a space": " ",
        "the prompt echoed": ask,
        "the prompt echoed twice": ask + "\n" + ask,
        "the prompt in tags": f"<answer>{ask}</answer>",
        "empty tags": "<answer></answer>",
        "blank tags": "<answer> \n\t</answer>",
        "an empty box": "\\boxed{}",
        "unclosed tag": f"So the answer is <answer>{right}",
        "closing tag alone": f"So the answer is {right}</answer>",
        "tags the wrong way round": f"</answer>{right}<answer>",
        "other case of tags": f"<ANSWER>{right}</ANSWER>",
        "other tag": f"<ans>{right}</ans>",
        "attribute in the tag": f"<answer id=1>{right}</answer>",
        "spaced tag": f"< answer>{right}</ answer>",
        "unclosed box": f"so \\boxed{{{right}",
        "right only in the reasoning": f"<think>{gold}</think>",
        "right only in the reasoning, in the open": f"<think>{right}</think> I cannot tell.",
        "right only in reasoning begun by the prompt": f"It must be {gold}.</think>",
        "right only in reasoning never ended": f"<think>It must be {gold}.",
        "reasoning begun again": f"<think>a</think> <think>{gold}",
        "right then empty": f"{gold} <answer></answer>",
        "right then a sentence": f"{gold} <answer>I am not sure about it?!</answer>",
        "right far from the end": gold + " x" * (1 << 15),
        "cut by the window": gold + "x" * ((1 << 16) - len(gold) + 1),
        "right in a sentence": f"<answer>The answer is clearly this: {right}, I would say</answer>",
        "right in prose": f"The answer is {right}, I would say.",
        "right doubled": f"<answer>{right} {right} {right}</answer>",
        "right denied": f"<answer>not {right}</answer>",
        "everything": "<answer>0, 1, 2, 3, 4, 5, 6, 7, 8, 9, A, B, C, D, yes, no</answer>",
        "all of them": "<answer>all of them</answer>",
        "too long": f"<answer>{right}{'!' * 1025}</answer>",
        "JSON": '<answer>{"answer": ' + '"' + right + '"}</answer>',
        "nested JSON": "<answer>" + "[" * 400 + right + "]" * 400 + "x</answer>",
        "script": f"<answer><script>{right}</script></answer>",
        "format string": "<answer>%s%n{0}{answer}</answer>",
        "NaN": "<answer>NaN</answer>",
        "infinity": "<answer>-inf</answer>",
        "exponent": "<answer>1e10000000</answer>",
        "hexadecimal": "<answer>0x10</answer>",
        "underscored": "<answer>1_000</answer>",
        "division by zero": "<answer>1/0</answer>",
        "zero by zero": "<answer>0/0</answer>",
        "huge integer": f"<answer>{'9' * 19}</answer>",
        "huge fraction": f"<answer>1/{'9' * 19}</answer>",
        "huge frac": f"<answer>\\frac{{1}}{{{'9' * 900}}}</answer>",
        "superscript": "<answer>\u00b2, \u00b9, \u2074, \u00b3</answer>",
        "circled": "<answer>\u2461 \u2460 \u2463 \u2462</answer>",
        "Roman": "<answer>\u2162</answer>",
        "half": "<answer>\u00bd</answer>",
        "None": "<answer>None</answer>",
        "null": "<answer>null</answer>",
        "True": "<answer>True</answer>",
        "dots": "<answer>...</answer>",
        "dash": "<answer>-</answer>",
        "question mark": "<answer>?</answer>",
        "only brackets": "<answer>[[()]]</answer>",
        "emoji keycap": "<answer>3\ufe0f\u20e3</answer>",
        "a lone surrogate alone": "\ud83d",
        "a LaTeX word": "<answer>\\text{}</answer>",
        "boxes in boxes": "\\boxed{" * 5 + right + "}" * 5,
    }
    for code in _HIDDEN:
        mark, point = chr(code), f"U+{code:04X}"
        out[f"{point} in the answer"] = f"<answer>{right[:1]}{mark}{right[1:]}</answer>"
        out[f"{point} before the answer"] = f"<answer>{mark}{right}</answer>"
    for name, zero in _DIGITS.items():
        spelled = right.translate({ord("0") + i: zero + i for i in range(10)})
        if spelled != right:
            out[f"{name} digits"] = f"<answer>{spelled}</answer>"
    if right == "none":
        del out["None"]  # no attack there
    return out
