"""What an export is given, a row and what was answered to it, and what it gives back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ssrl_data.row import digest


@dataclass(frozen=True, slots=True)
class Response:
    """One judged response: the columns of `rollouts.ROLLOUTS` that exports go by."""

    text: str
    score: float
    exact: bool
    read: bool
    stopped: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """One row and the different responses to it.

    Attributes:
        id: the row's.
        answer: its `answer` column.
        meta: its `meta` column.
        responses: judged ones, no text twice, in a random order that depends on the seed and the texts alone.
        preamble: what was shown before the prompt when they were sampled; empty where nothing was.
        seed: of an export's own draws.
    """

    id: str
    answer: str
    meta: str
    responses: Sequence[Response]
    preamble: str
    seed: int

    @property
    def right(self) -> list[Response]:
        """Those that the verifier accepts."""
        return [response for response in self.responses if response.exact]

    @property
    def wrong(self) -> list[Response]:
        """Those that it does not."""
        return [response for response in self.responses if not response.exact]


@dataclass(frozen=True, slots=True)
class Example:
    """One example of TRL's.

    Attributes:
        says: `completion`, or `chosen` and `rejected`, to the text of it.
        shows: whether the row's right answer stands in what is to be learnt.
        more: further columns.
    """

    says: Mapping[str, str]
    shows: bool
    more: Mapping[str, str | int | float] = field(default_factory=dict)


def drawn(responses: Iterable[Response], id: str, seed: int) -> list[Response]:
    """Different responses in a random order that depends on the seed, the row and the texts alone."""
    found = {response.text: response for response in responses}
    return [found[text] for text in sorted(found, key=lambda text: digest("response", str(seed), id, text))]
