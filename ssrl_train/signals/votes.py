"""Rewards by vote: what most responses answer is taken for right.

Answers are compared as their kind compares them (`ssrl_data.answers.supposed`), never as texts. A response that cannot
be read neither votes nor earns. Where no answer leads by more than the margin, as in a tie, nobody is paid: the whole
group abstains.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from statistics import fmean
from typing import NamedTuple

from ssrl_data.answers.supposed import PLAIN, UNLABELLED, Supposed, View, same_question, suppose, taken_over, view_of
from ssrl_data.row import unpack_answer
from ssrl_train.signals.base import Batch, Judge, Paid
from ssrl_train.signals.settings import CoVote, Majority


class Vote(NamedTuple):
    """How a group voted.

    Attributes:
        winner: the answer with most votes; None where none leads by more than the margin.
        lead: by what share of all responses it leads the best answer that is another one, in [0, 1].
    """

    winner: Supposed | None
    lead: float


def vote(said: Sequence[Supposed | None], margin: float = 0.0) -> Vote:
    """Count the votes of a group.

    An answer has the votes of all responses that would be right if it were. The order of the responses plays no part.

    Args:
        said: what each response answers; None where it cannot be read.
        margin: the winner must lead by more than this share of all responses.
    """
    spelled = {one.key: one for one in said if one is not None}
    times = Counter(one.key for one in said if one is not None)
    votes = {
        key: sum(times[other] for other, rival in spelled.items() if one.accepts(rival)) for key, one in spelled.items()
    }
    if not votes:
        return Vote(None, 0.0)
    first = min(votes, key=lambda key: (-votes[key], key))
    winner = spelled[first]
    rival = max((votes[key] for key, one in spelled.items() if not winner.accepts(one)), default=0)
    lead = (votes[first] - rival) / len(said)
    return Vote(winner if lead > margin else None, lead)


class Group(NamedTuple):
    """The responses to one row in a batch.

    Attributes:
        answer: the row's `answer` column.
        set: its `set_id`.
        view: how it words its question; None where it does not say.
        said: what each response answers.
    """

    answer: str
    set: str
    view: View | None
    said: Sequence[Supposed | None]


def groups(batch: Batch) -> list[Group]:
    """The groups of a batch, in its order, each response read once."""
    found = []
    for start in range(0, len(batch.rows), batch.generations):
        row = batch.rows[start]
        view = _view(row["meta"])
        texts = batch.texts[start : start + batch.generations]
        said = [suppose(row["answer"], text, view or PLAIN) for text in texts]
        found.append(Group(row["answer"], row["set_id"], view, said))
    return found


def by_majority(found: Sequence[Group], votes: Sequence[Vote]) -> list[float | None]:
    """Each group's winner pays its group: 1 for a response that says so, 0 for any other."""
    return [
        None if won.winner is None else float(one is not None and won.winner.accepts(one))
        for group, won in zip(found, votes, strict=True)
        for one in group.said
    ]


def by_other_views(found: Sequence[Group], votes: Sequence[Vote]) -> list[float | None]:
    """The winners of the other views of its set pay each view: the share of them that a response says.

    A view abstains where no other one has a winner that can be taken over to it; all of a set do where its rows are
    not views of one question.
    """
    sets = defaultdict(list)
    for place, group in enumerate(found):
        sets[group.set].append(place)
    paid: list[float | None] = []
    for place, group in enumerate(found):
        others = _winners(place, sets[group.set], found, votes)
        for one in group.said:
            share = fmean(one is not None and other.accepts(one) for other in others) if others else None
            paid.append(share)
    return paid


def _winners(place: int, places: Sequence[int], found: Sequence[Group], votes: Sequence[Vote]) -> list[Supposed]:
    """What the other views of a set say, as answers to the one at `place`."""
    here = found[place].view
    if here is None or not same_question([found[i].answer for i in places], [found[i].view for i in places]):
        return []
    said = []
    for i in places:
        winner, view = votes[i].winner, found[i].view
        other = taken_over(winner, view, here) if i != place and winner is not None and view is not None else None
        if other is not None:
            said.append(other)
    return said


def told(found: Sequence[Group], votes: Sequence[Vote], paid: Sequence[float | None]) -> Mapping[str, float]:
    """What to log of a batch.

    Returns:
        `vote_margin`, the mean lead; `abstained`, the share of responses that are not paid; and `vote_right`, the share
        of winners that are right, where there are winners and a truth is stored.
    """
    right = [
        _right(group.answer, won.winner) for group, won in zip(found, votes, strict=True) if won.winner is not None
    ]
    known = [one for one in right if one is not None]
    return {
        "vote_margin": fmean(won.lead for won in votes),
        "abstained": fmean(reward is None for reward in paid),
        **({"vote_right": fmean(known)} if known else {}),
    }


def _right(answer: str, winner: Supposed) -> bool | None:
    kind, value, credit = unpack_answer(answer)
    return None if kind.name == UNLABELLED else bool(kind.grade(winner.response, value, credit).exact)


class MajorityJudge(Judge):
    """Each group pays itself."""

    def __init__(self, settings: Majority) -> None:
        self.margin = settings.margin

    def pay(self, batch: Batch) -> Paid:
        """The rewards of a batch."""
        found = groups(batch)
        votes = [vote(group.said, self.margin) for group in found]
        paid = by_majority(found, votes)
        return Paid(paid, told(found, votes, paid))


class CoVoteJudge(Judge):
    """The views of a question pay each other."""

    def __init__(self, settings: CoVote) -> None:
        self.margin = settings.margin

    def pay(self, batch: Batch) -> Paid:
        """The rewards of a batch."""
        found = groups(batch)
        votes = [vote(group.said, self.margin) for group in found]
        paid = by_other_views(found, votes)
        return Paid(paid, told(found, votes, paid))


@lru_cache(maxsize=4096)
def _view(meta: str) -> View | None:
    return view_of(meta)
