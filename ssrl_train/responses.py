"""What a model answered, as examples to train on: its right responses, and pairs of a right and a wrong one.

Rejection sampling keeps what the verifier accepts (as in OpenVLThinker's rounds); pairs are of one row, so they differ
in nothing that is asked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import pyarrow as pa
from datasets import Dataset

from ssrl_data.core import SsrlError
from ssrl_data.row import digest
from ssrl_train.memo import decoded_once
from ssrl_train.rows import column


def right_responses(
    rows: Dataset, rollouts: pa.Table, keep: Sequence[float] | None, each: int, limit: int, seed: int
) -> tuple[Dataset, list[str]]:
    """Prompts with right responses as completions.

    Args:
        rows: rows that may be taken, pictures encoded.
        rollouts: responses, as `rollouts.sample_rollouts` gives them.
        keep: the lowest and the highest pass rate of a row that is taken; None takes every row with a right response.
        each: at most so many different responses of a row.
        limit: at most so many rows; 0 takes all.
        seed: which rows and responses, where there are more.

    Returns:
        Rows of `prompt`, `images` where there are, and `completion`, pictures decoded on access; and the ids of the
        rows whose right answers they show.

    Raises:
        SsrlError: there is none.
    """
    taken = _taken(rows, rollouts, keep, limit, seed, wrong=False)
    places, said = [], []
    for place, id, right, _ in taken:
        for response in _drawn(right, id, seed)[:each]:
            places.append(place)
            said.append(_turn(response))
    return decoded_once(_asked(rows, places).add_column("completion", said)), [id for _, id, _, _ in taken]


def pairs(
    rows: Dataset, rollouts: pa.Table, keep: Sequence[float] | None, each: int, limit: int, seed: int
) -> tuple[Dataset, list[str]]:
    """Prompts with a right response as `chosen` and a wrong one as `rejected`.

    Arguments, results and errors are those of `right_responses`; a row needs one of either.
    """
    taken = _taken(rows, rollouts, keep, limit, seed, wrong=True)
    places, chosen, rejected = [], [], []
    for place, id, right, wrong in taken:
        for better, worse in list(zip(_drawn(right, id, seed), _drawn(wrong, id, seed), strict=False))[:each]:
            places.append(place)
            chosen.append(_turn(better))
            rejected.append(_turn(worse))
    table = _asked(rows, places).add_column("chosen", chosen).add_column("rejected", rejected)
    return decoded_once(table), [id for _, id, _, _ in taken]


def _taken(
    rows: Dataset, rollouts: pa.Table, keep: Sequence[float] | None, limit: int, seed: int, wrong: bool
) -> list[tuple[int, str, set[str], set[str]]]:
    """(place, id, right responses, wrong ones) of the rows that are taken, in the order of the rows."""
    right_of: defaultdict[str, list[str]] = defaultdict(list)
    wrong_of: defaultdict[str, list[str]] = defaultdict(list)
    columns = (rollouts[name].to_pylist() for name in ("id", "response", "score", "exact"))
    for id, response, score, exact in zip(*columns, strict=True):
        if score is not None:
            (right_of if exact else wrong_of)[id].append(response)
    low, high = keep or (0.0, 1.0)
    found = []
    for place, id in enumerate(column(rows, "id")):
        yes, no = right_of.get(id, []), wrong_of.get(id, [])
        if yes and (no or not wrong) and low <= len(yes) / (len(yes) + len(no)) <= high:
            found.append((place, id, set(yes), set(no)))
    if not found:
        what = "a right and a wrong response" if wrong else "a right response"
        raise SsrlError(f"no row has {what} within the pass rates {low:g} to {high:g}: sample more, or widen `keep`")
    if limit and len(found) > limit:
        found = sorted(
            sorted(found, key=lambda item: digest("taken", str(seed), item[1]))[:limit], key=lambda item: item[0]
        )
    return found


def _drawn(responses: set[str], id: str, seed: int) -> list[str]:
    """Different responses in a random order that depends on nothing else."""
    return sorted(responses, key=lambda text: digest("response", str(seed), id, text))


def _turn(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def _asked(rows: Dataset, places: Sequence[int]) -> Dataset:
    return rows.select(places).select_columns([name for name in ("prompt", "images") if name in rows.column_names])
