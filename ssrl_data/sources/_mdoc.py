"""The macros of mdoc(7) that stand inside sentences: what they print, and which spaces they leave out."""

from __future__ import annotations

from collections.abc import Callable

BLOCKS = frozenset(["Ss", "Pp", "Lp", "Bl", "El", "It", "Bd", "Ed", "D1", "Dl", "Dd", "Dt", "Os", "Nd"])
"""Macros that end a paragraph; their arguments are no running text."""

HIDDEN = {"Rs": "Re"}
"""What begins and what ends a part that is no running text."""

_AROUND = {"Dq": "“”", "Sq": "‘’", "Pq": "()", "Bq": "[]", "Brq": "{}", "Aq": "<>", "Qq": '""', "Ql": "‘’", "Op": "[]"}
_OPEN = {"Do": "“", "So": "‘", "Po": "(", "Bo": "[", "Bro": "{", "Ao": "<", "Qo": '"', "Oo": "["}
_CLOSE = {"Dc": "”", "Sc": "’", "Pc": ")", "Bc": "]", "Brc": "}", "Ac": ">", "Qc": '"', "Oc": "]"}
_SYSTEMS = {
    "At": "AT&T UNIX",
    "Bx": "BSD",
    "Bsx": "BSD/OS",
    "Nx": "NetBSD",
    "Fx": "FreeBSD",
    "Ox": "OpenBSD",
    "Ux": "UNIX",
}
_WORDS = frozenset(
    {
        *("Ar", "Cm", "Ic", "Pa", "Ev", "Em", "Sy", "Li", "Va", "Vt", "Ft", "Dv", "Er", "Ad", "An", "Tn", "No", "Ms"),
        *("Cd", "Lb", "Me", "Mt", "Fa", "Fl", "Nm", "Xr", "Fn", "Lk", "In", "Ns", "Ap", "Pf", "Sx", "St"),
    }
)
_CALLABLE = frozenset({*_WORDS, *_AROUND, *_OPEN, *_CLOSE, *_SYSTEMS})
_BEHIND = frozenset(".,:;?!)]")
_BEFORE = frozenset("([")
# Stands behind a sign that the page says is none, so that a space comes before it; no paragraph keeps it.
_NO_SIGN = "\u200b"


class Sentence:
    """What is being said, a piece at a time, with a space between two pieces where mdoc puts one."""

    def __init__(self, text: Callable[[str], str]) -> None:
        self._text = text
        self._pieces: list[str] = []
        self._glued = True
        self._spaced = True
        self._name = ""

    def take(self) -> str:
        """What was said since the last time."""
        said = "".join(self._pieces)
        self._pieces.clear()
        self._glued = True
        return said

    def put(self, piece: str, *, before: bool = True, behind: bool = True) -> None:
        """Say a piece; `before` and `behind` tell whether a space may stand there."""
        if not piece:
            return
        if before and not self._glued and piece not in _BEHIND:
            self._pieces.append(" ")
        self._pieces.append(piece)
        self._glued = not behind or piece in _BEFORE or not self._spaced

    def call(self, name: str, args: list[str]) -> None:
        """Say what a macro and those it calls in its arguments print; macros that stand in no sentence say nothing."""
        if name == "Sm":
            self._spaced = args != ["off"]
            self._glued = not self._spaced
        if name not in _CALLABLE:
            return
        closing: list[str] = []
        macro, words = name, list[str]()
        for arg in [*args, ""]:
            if arg and arg not in _CALLABLE:
                word = self._text(arg)
                words.append(word + _NO_SIGN if word in _BEHIND and word != arg else word)
                continue
            tail = []
            while not arg and words and words[-1] in _BEHIND:
                tail.append(words.pop())
            self._say(macro, words, closing)
            if not arg:
                for mark in reversed(closing):
                    self.put(mark, before=False)
                for sign in reversed(tail):
                    self.put(sign)
            macro, words = arg, []

    def _say(self, macro: str, words: list[str], closing: list[str]) -> None:
        """One macro with its own words; what must be closed at the line's end is noted."""
        if macro in _AROUND:
            self.put(_AROUND[macro][0], behind=False)
            closing.append(_AROUND[macro][1])
        elif macro in _OPEN:
            self.put(_OPEN[macro], behind=False)
        elif macro in _CLOSE:
            self.put(_CLOSE[macro], before=False)
        elif macro in _SYSTEMS:
            self.put(_SYSTEMS[macro])
        elif macro == "Ns":
            self._glued = True
        elif macro == "Ap":
            self.put("'", before=False, behind=False)
        elif macro == "Nm":
            self._name = self._name or " ".join(words[:1])
            words = words or [self._name]
        elif macro == "Fl":
            words = [word if word in _BEHIND else f"-{word}" for word in words] or ["-"]
        elif macro == "Ar":
            words = words or ["file", "..."]
        elif macro == "Xr" and len(words) > 1:
            words = [f"{words[0]}({words[1]})", *words[2:]]
        elif macro == "Fn" and words:
            signs = [word for word in words[1:] if word in _BEHIND]
            words = [f"{words[0]}({', '.join(word for word in words[1:] if word not in _BEHIND)})", *signs]
        elif macro == "Lk" and len(words) > 1 and words[1] not in _BEHIND:
            words = words[1:]
        elif macro == "In" and words:
            words = [f"<{words[0]}>", *words[1:]]
        for number, word in enumerate(words):
            self.put(word, behind=not (macro == "Pf" and number == 0))
