"""What a person must know of a method before using it; the methods page is written from these."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class About:
    """One method of a paper, as it is here. Texts are one or two plain sentences each.

    Attributes:
        title: what it is called.
        source: the paper, with its arXiv number.
        claim: what the paper says it does.
        differs: what is done otherwise here, and why; empty where nothing is.
        needs: which data or stages it needs.
        trl: dotted names of the classes of TRL that it runs on.
        stable: whether its key and its results may be relied on; an experimental one may change.
        measured: what was measured here, with the command that measures it again.
        avoid: when not to use it.
    """

    title: str
    source: str
    claim: str
    needs: str
    trl: tuple[str, ...]
    stable: bool
    measured: str
    avoid: str
    differs: str = ""
