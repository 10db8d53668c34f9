"""Rows that a signal cannot pay for, looked for before a model is loaded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from datasets import Dataset

from ssrl_data.answers.supposed import same_question, view_of
from ssrl_data.row import unpack_answer
from ssrl_train.rows import column
from ssrl_train.signals.settings import CoVote, Preview, Signal, TeacherVote, Voting


def vote_faults(signal: Signal, rows: Dataset, args: Any, environment: Mapping[str, str]) -> Iterator[str]:
    """Faults of a stage that is paid by votes.

    Args:
        signal: its reward.
        rows: that it may draw.
        args: a `trl.GRPOConfig`.
        environment: variables, as `accelerate launch` sets them from its config.
    """
    if not isinstance(signal, Voting):
        return
    kinds: defaultdict[str, set[str]] = defaultdict(set)
    answers = column(rows, "answer")
    for task, answer in zip(column(rows, "task"), answers, strict=True):
        kind, _, _ = unpack_answer(answer)
        if kind.whole:
            kinds[task].add(kind.name)
    for task, names in sorted(kinds.items()):
        yield (
            f"rows of {task} answer with whole texts ({', '.join(sorted(names))}), of which hardly two are alike, so "
            "there is nothing to vote on: name other tasks in the stage's `tasks`"
        )
    if isinstance(signal, CoVote):
        yield from _set_faults(rows, answers)
    spread = any(environment.get(f"ACCELERATE_USE_{name}") == "true" for name in ("FSDP", "DEEPSPEED"))
    if isinstance(signal, TeacherVote) and (args.use_vllm or spread):
        yield (
            "reward teacher_vote swaps the model's weights to generate, which FSDP, DeepSpeed and vLLM do not let it: "
            "train whole models in each process and leave use_vllm out"
        )


def preview_faults(signal: Signal, rows: Dataset) -> Iterator[str]:
    """Faults of a stage that is paid for previews: the rows that it may draw are not all of constraints."""
    if not isinstance(signal, Preview):
        return
    answers = dict(zip(column(rows, "task"), column(rows, "answer"), strict=True))
    for task, answer in sorted(answers.items()):
        kind, _, _ = unpack_answer(answer)
        if kind.name != "constraints":
            yield (
                f"reward preview is for rows of constraints and those of {task} are answered by a {kind.name}: name "
                "tasks such as instruction/constraints in the stage's `tasks`"
            )


def _set_faults(rows: Dataset, answers: list[str]) -> Iterator[str]:
    sets: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for place, key in enumerate(zip(column(rows, "task"), column(rows, "set_id"), strict=True)):
        sets[key].append(place)
    metas = column(rows, "meta")
    tasks = {task for task, _ in sets}
    good = {
        task
        for (task, _), places in sets.items()
        if same_question([answers[i] for i in places], [view_of(metas[i]) for i in places])
    }
    for task in sorted(tasks - good):
        yield (
            f"reward co_vote wants views of one question that pay each other, and no set of {task} has two whose "
            "answers map onto each other: build it with views (text/final_answer with views: [original, permuted]), "
            "name other tasks in the stage's `tasks`, or take reward: majority"
        )
