"""How much agreement a checker and its cases need: AutoIF's two sets of numbers, and what is asked on top."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_SHARES = ("case_agreement", "function_agreement", "mutation", "need")
_COUNTS = {"functions": (1, 32), "cases": (2, 128), "kept": (1, 16), "mutants": (0, 200)}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What `validate` asks of the functions and cases of one instruction. The defaults are the paper's.

    Attributes:
        case_agreement: a case is kept when more than this share of all functions that were run give the verdict that
            it states, in [0, 1). A crash agrees with nothing.
        function_agreement: a function is kept when more than this share of the kept cases have its verdict, in [0, 1].
        inclusive: whether that share itself is enough for a function.
        functions: distinct functions that an instruction needs before any is sifted, 1 to 32.
        cases: distinct cases that it needs before any is sifted, 2 to 128.
        kept: functions that it needs in the end, 1 to 16. One alone was checked by no other.
        mutation: share of its mutants that the kept cases must tell from a function, in [0, 1]. It measures the cases,
            not the function: among 181 functions of 48 hand-written instructions right ones reach 0.89 and wrong ones
            0.92. 0.5 leaves out 2% of them with all their cases (12 for most), and 9% with two; from 0.6 on, the most
            careful functions go first: 28, not 26, of 253 responses written against what is kept are misjudged.
        mutants: mutants of a function that are tried at most, 0 to 200.
        need: a response is right when more than this share of the kept functions accept it, in [0, 1).
    """

    case_agreement: float = 0.5
    function_agreement: float = 0.5
    inclusive: bool = False
    functions: int = 2
    cases: int = 4
    kept: int = 2
    mutation: float = 0.5
    mutants: int = 24
    need: float = 0.5

    def __post_init__(self) -> None:
        """Check ranges."""
        for name in _SHARES:
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} is {getattr(self, name)}: it must lie in 0..1")
        for name in ("case_agreement", "need"):
            if getattr(self, name) == 1.0:
                raise ValueError(f"{name} is 1: more than all is never reached, so it must lie below 1")
        if self.function_agreement == 1.0 and not self.inclusive:
            raise ValueError("function_agreement is 1: more than all is never reached without `inclusive`")
        for name, (low, high) in _COUNTS.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} is {getattr(self, name)}: it must lie in {low}..{high}")


PRESETS: Mapping[str, Thresholds] = {
    "paper": Thresholds(),
    "code": Thresholds(case_agreement=0.0, function_agreement=0.8, inclusive=True, functions=3, cases=10, kept=1),
    "strict": Thresholds(function_agreement=1.0, inclusive=True),
}
"""`paper`: arXiv 2406.13542. `code`: what QwenLM/AutoIF runs, where a case survives if any function agrees with it.
`strict`: a function that contradicts a case which most functions agree with is wrong, and is left out."""
