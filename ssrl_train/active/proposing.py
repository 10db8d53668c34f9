"""One generation batch with proposers and predictors in it (PretrainZero, arXiv 2512.03442).

    rows drawn:  | passages | slots                                        |   groups of `generations` rows each
    asked:       | propose  | what is hidden? (a proposal)  | (built mask) |

Of every `1 + generations` prompts of a process one asks to propose, so each proposal finds a slot. Proposals are
generated first; each different one that is taken replaces the row of a slot. Then the trainer generates for the slots
alone and trains on all. A process pays its own proposers from its own slots, and nothing is drawn at random here.

What is logged shows the known ways to collapse: a proposer that always names what stands first (`propose/first`), that
says one thing (`propose/distinct`: different spans among those taken), or what nobody or everybody finds
(`propose/unsolved`, `propose/solved`), all of which earn nothing or the same, so that nothing leads out of them.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, TypeAlias

from datasets import Dataset

from ssrl_train.active.masks import REFUSALS, Mask, Passage, mask, passage_of, possible, predictor, proposal, proposer
from ssrl_train.active.settings import Propose
from ssrl_train.preflight import extremes
from ssrl_train.processes import rank
from ssrl_train.rewards import response_text
from ssrl_train.samples import Reward

Generated: TypeAlias = tuple[Any, ...]
"""What TRL's `_generate` returns: lists with an item for each prompt, or what is no list and the same for all."""


@dataclass(slots=True)
class _Proposal:
    """A response to a proposer's prompt; `slot` is the number of the predictor group that its span got."""

    id: str
    passage: Passage
    response: str
    span: str | None
    refused: str = ""
    slot: int | None = None


@dataclass(slots=True)
class _Batch:
    """What a process has under way: its proposals, how many slots they fill, and what TRL is to be given for them."""

    proposals: list[_Proposal]
    asked: int
    generated: Generated | None


class Proposing:
    """Proposers and predictors of one stage.

    Args:
        settings: which proposals are taken.
        generations: responses to each prompt.
        folder: where proposals are kept, a file of JSON lines for each process.
    """

    def __init__(self, settings: Propose, generations: int, folder: Path) -> None:
        self.settings, self.generations = settings, generations
        self._batch: _Batch | None = None
        self._file: Path | None = None
        self._folder = folder

    def rows(self, drawn: Sequence[dict[str, Any]], generate: Callable[[list[Any]], Generated]) -> list[dict[str, Any]]:
        """The rows that a process trains on in place of those drawn, after proposals were generated.

        Args:
            drawn: this process's slice of the generation batch, one for each response; whole groups.
            generate: the trainer's own.
        """
        asking = passages(len(drawn) // self.generations, self.generations) * self.generations
        rows = [proposer(row, self.settings) for row in drawn[:asking]]
        generated = generate([row["prompt"] for row in rows])
        proposals: list[_Proposal] = []
        slots: dict[tuple[str, str], int] = {}
        for row, completion in zip(drawn[:asking], generated[3], strict=True):
            passage, response = passage_of(row), response_text(completion)
            if passage is None:
                raise ValueError(f"row {row['id']} has no passage with one gap")
            one = _Proposal(row["id"], passage, response, proposal(response))
            proposals.append(one)
            made = "unreadable" if one.span is None else mask(passage, one.span, self.settings)
            if not isinstance(made, Mask):
                one.refused = made
                continue
            one.slot = slots.get((passage.text, made.span))
            if one.slot is None:
                one.slot = slots[passage.text, made.span] = len(slots)
                first = asking + one.slot * self.generations
                rows += [predictor(row, passage, made) for row in drawn[first : first + self.generations]]
        rows += drawn[len(rows) :]
        self._batch = _Batch(proposals, len(slots), generated)
        return rows

    def generate(self, prompts: list[Any], generate: Callable[[list[Any]], Generated]) -> Generated:
        """The proposals of the batch, which are there, and new responses to the rest of its prompts."""
        batch = self._batch
        if batch is None or batch.generated is None:
            return generate(prompts)
        first, batch.generated = batch.generated, None
        rest = generate(prompts[len(batch.proposals) :])
        return tuple(a + b if isinstance(a, list) else b for a, b in zip(first, rest, strict=True))

    def built(self, count: int) -> list[bool]:
        """Of each of a process's `count` responses, whether it answers the row that was drawn, with its built mask."""
        if self._batch is None:
            return [True] * count
        asked = len(self._batch.proposals) + self._batch.asked * self.generations
        return [place >= asked for place in range(count)]

    def paid(self, reward: Reward) -> Reward:
        """A reward function that pays predictors by `reward`, which sees them alone, and proposers by these."""

        @functools.wraps(reward)
        def scored(prompts: Sequence[Any], completions: Sequence[Any], **columns: Any) -> Sequence[float | None]:
            batch = self._batch
            if batch is None:
                return reward(prompts=prompts, completions=completions, **columns)
            first = len(batch.proposals)
            rest = {
                name: values[first:] if isinstance(values, list) and len(values) == len(prompts) else values
                for name, values in columns.items()
            }
            scores = list(reward(prompts=prompts[first:], completions=completions[first:], **rest))
            groups = [scores[at : at + self.generations] for at in range(0, len(scores), self.generations)]
            rates = [fmean(score == 1 for score in group) for group in groups]
            pays = [0.0 if one.slot is None else pay(rates[one.slot]) for one in batch.proposals]
            for name, value in self._told(batch, rates, pays):
                columns["log_metric"](name, value)
            self._keep(columns["trainer_state"].global_step + 1, batch, prompts, completions, rates, pays)
            return [*pays, *scores]

        return scored

    def _told(self, batch: _Batch, rates: list[float], pays: list[float]) -> Iterator[tuple[str, float]]:
        """What to log; a metric is left out where there is nothing to take a mean of."""
        proposals, asked = batch.proposals, batch.asked
        taken = [one for one in proposals if one.slot is not None]
        yield "propose/reward", fmean(pays)
        yield "propose/taken", len(taken) / len(proposals)
        for reason in REFUSALS:
            yield f"propose/refused/{reason}", fmean(one.refused == reason for one in proposals)
        if taken:
            yield "propose/pass_rate", fmean(rates[:asked])
            yield "propose/unsolved", fmean(rate == 0 for rate in rates[:asked])
            yield "propose/solved", fmean(rate == 1 for rate in rates[:asked])
            yield "propose/distinct", len({one.span for one in taken}) / len(taken)
            yield "propose/first", fmean(one.span == possible(one.passage, self.settings)[0] for one in taken)
        if rates[asked:]:
            yield "propose/built_pass_rate", fmean(rates[asked:])

    def _keep(
        self,
        step: int,
        batch: _Batch,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        rates: list[float],
        pays: list[float],
    ) -> None:
        """Add the proposals to this process's file; what an earlier process did of this step on is dropped first."""
        if self._file is None:
            self._file = self._folder / f"{rank():05d}.jsonl"
            _cut(self._file, step)
        first, size = len(batch.proposals), self.generations
        with self._file.open("a", encoding="utf-8") as file:
            for one, reward in zip(batch.proposals, pays, strict=True):
                line: dict[str, Any] = {"step": step, "id": one.id, "proposed": one.response}
                line |= {"span": one.span, "refused": one.refused, "reward": reward}
                if one.slot is not None:
                    at = first + one.slot * size
                    line["asked"] = prompts[at][-1]["content"]
                    line["answers"] = [response_text(said) for said in completions[at : at + size]]
                    line["pass_rate"] = rates[one.slot]
                file.write(json.dumps(line, ensure_ascii=False) + "\n")


def pay(rate: float) -> float:
    """What a taken proposal earns by the pass rate of its predictors: nothing where nobody finds it, else 1 - rate."""
    return 1 - rate if rate > 0 else 0.0


def passages(prompts: int, generations: int) -> int:
    """How many of a process's prompts ask to propose: as many as leave a slot for each proposal."""
    return prompts // (1 + generations)


def proposers(rows: Dataset, settings: Propose) -> Dataset:
    """The longest rows and some others, as their passages are shown to proposers.

    Args:
        rows: rows with passages.
        settings: which proposals are taken.
    """
    return Dataset.from_list([proposer(rows[i], settings) for i in extremes(rows)], features=rows.features)


def row_faults(rows: Dataset) -> Iterator[str]:
    """Whether rows are what proposals can be asked for; the first one that is not.

    Args:
        rows: the rows of a stage with `propose`.
    """
    columns = rows.select_columns([name for name in ("id", "task", "prompt", "answer") if name in rows.column_names])
    for row in columns:
        if passage_of(row) is None:
            yield (
                f"propose wants passages with one gap and a span for an answer, as rows of text/masked_span have, and "
                f"row {row['id']} of {row['task']} is none: name the tasks of the stage under `tasks`"
            )
            return


def batch_faults(args: Any) -> Iterator[str]:
    """Whether a generation batch holds proposers and a slot for each proposal, in each process.

    Args:
        args: a `trl.GRPOConfig`.
    """
    processes = max(1, args.world_size)
    own, size = args.generation_batch_size // processes, args.num_generations
    least = (1 + size) * size
    if own % size or own < least:
        yield (
            f"a process generates {own} responses at once, and propose wants a multiple of num_generations = {size}, "
            f"at least {least}: a passage's {size} proposals, and {size} answers to each of these: raise "
            "per_device_train_batch_size or steps_per_generation, or lower num_generations"
        )


def _cut(file: Path, step: int) -> None:
    """Leave the lines of earlier steps alone in a file that may not be there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True) if file.is_file() else []
    partial = file.with_suffix(".partial")
    kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] < step]
    partial.write_text("".join(kept), encoding="utf-8")
    os.replace(partial, file)
