"""Constraints judged by a classifier that no one labelled: the self-labelled soft constraints of verl-if.

The classifier is linear over the mean hidden state, in the frozen model that the stage starts from, of a text that
follows the sentence which asks for the constraint. It is fitted once, on a CPU if need be, and kept with the stage.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from accelerate.utils import gather_object
from datasets import Dataset
from safetensors.torch import load_file, save_file
from torch import Tensor

from ssrl_data.answers.reading import conclusion
from ssrl_data.core import SsrlError
from ssrl_data.instruct.constraint import constraint
from ssrl_train.artefacts import file_hash, write_json
from ssrl_train.models import load_model
from ssrl_train.processes import rank, world
from ssrl_train.rows import tokenizer_of
from ssrl_train.signals.base import Batch, Judge, Paid
from ssrl_train.signals.settings import Soft
from ssrl_train.signals.soft_labels import WITHOUT, figures, items_of, judged, rung, split_off

HEAD, REPORT = "soft.safetensors", "soft.json"
"""In a stage's folder: the classifier, and what it is worth on ladders that it did not learn from."""

YES = 0.5
"""Probability from which on a constraint counts as kept to, where a yes or no is asked for."""

TOGETHER = 16
"""Texts that are read at once."""

STEPS = 200
"""Of the fit, which is convex and ends earlier."""


@dataclass(frozen=True, slots=True)
class Head:
    """A logistic regression on standardised states.

    Attributes:
        centre: mean of each of the `width` states.
        scale: their standard deviation.
        weight: of each, standardised.
        bias: one number.
    """

    centre: Tensor
    scale: Tensor
    weight: Tensor
    bias: Tensor

    def probabilities(self, states: Tensor) -> Tensor:
        """That the constraint is kept to, from states (items, width): (items,) in [0, 1]."""
        return torch.sigmoid((states - self.centre) / self.scale @ self.weight + self.bias)

    def save(self, file: Path) -> None:
        """Write it."""
        save_file({name: getattr(self, name).contiguous() for name in Head.__slots__}, str(file))

    @classmethod
    def load(cls, file: Path) -> Head:
        """Read it."""
        return cls(**load_file(str(file)))


def fitted_head(states: Tensor, labels: Tensor, penalty: float) -> Head:
    """The minimum of the mean cross-entropy plus half the penalty times the squared weights; the same every time.

    Args:
        states: (items, width), float64.
        labels: (items,), 0 or 1.
        penalty: above 0, so that there is one minimum.
    """
    centre, scale = states.mean(0), states.std(0).clamp_min(1e-6)
    inputs, labels = (states - centre) / scale, labels.to(states.dtype)
    weight = torch.zeros(states.shape[1], dtype=states.dtype, requires_grad=True)
    bias = torch.zeros(1, dtype=states.dtype, requires_grad=True)
    search = torch.optim.LBFGS([weight, bias], max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss() -> float:
        search.zero_grad()
        logits = inputs @ weight + bias
        value = torch.nn.functional.binary_cross_entropy_with_logits(logits, labels)
        total = value + penalty / 2 * weight.square().sum()
        total.backward()  # type: ignore[no-untyped-call]
        return float(total.detach())

    with torch.enable_grad():
        search.step(loss)  # type: ignore[no-untyped-call]
    return Head(centre, scale, weight.detach(), bias.detach())


class Reader:
    """The frozen model that reads a text after what is asked of it.

    Args:
        model: from `models.load_model`.
        processor: its processor or tokenizer.
    """

    def __init__(self, model: Any, processor: Any) -> None:
        self.model = model.eval().requires_grad_(False)
        self.tokenizer = tokenizer_of(processor)
        self.limit = int(model.config.get_text_config().max_position_embeddings)

    @torch.no_grad()
    def states(self, asked: Sequence[str], texts: Sequence[str]) -> Tensor:
        """The mean last hidden state over each text: (items, width), float64, on the CPU.

        Args:
            asked: sentences that ask for a constraint.
            texts: what follows each; its tokens beyond the model's positions are not read.
        """
        pairs = [self._tokens(sentence, text) for sentence, text in zip(asked, texts, strict=True)]
        order = sorted(range(len(pairs)), key=lambda i: len(pairs[i][0]))
        width = int(self.model.config.get_text_config().hidden_size)
        out = torch.zeros(len(pairs), width, dtype=torch.float64)
        for first in range(0, len(order), TOGETHER):
            places = order[first : first + TOGETHER]
            out[places] = self._means([pairs[i] for i in places])
        return out

    def _tokens(self, sentence: str, text: str) -> tuple[list[int], int]:
        """Ids, and where the text begins: at the end of the sentence, so that there is one even of an empty text."""
        before = self.tokenizer(f"{sentence}\n\n", add_special_tokens=False)["input_ids"]
        after = self.tokenizer(text, add_special_tokens=False)["input_ids"] if text else []
        return (before + after)[: self.limit], min(len(before), self.limit) - 1

    def _means(self, pairs: Sequence[tuple[list[int], int]]) -> Tensor:
        longest = max(len(ids) for ids, _ in pairs)
        ids = torch.zeros(len(pairs), longest, dtype=torch.long)
        there, counted = torch.zeros_like(ids), torch.zeros_like(ids)
        for i, (tokens, begin) in enumerate(pairs):
            ids[i, : len(tokens)] = torch.tensor(tokens)
            there[i, : len(tokens)] = 1
            counted[i, begin : len(tokens)] = 1
        device = self.model.device
        read = self.model.get_decoder()(input_ids=ids.to(device), attention_mask=there.to(device))
        states: Tensor = read.last_hidden_state.double().cpu()
        return (states * counted[..., None]).sum(1) / counted.sum(1, keepdim=True)


def fit(model: str, processor: Any, rows: Dataset, rollouts: pa.Table, settings: Soft, seed: int, out: Path) -> None:
    """Learn the classifier from what ladders say of themselves, and write it and what it is worth to a folder.

    Args:
        model: that the stage starts from.
        processor: its processor.
        rows: those that were answered, all rungs.
        rollouts: the responses.
        settings: the signal's.
        seed: which ladders are held out.
        out: the folder; `soft.json` there holds `figures` on the ladders held out, and the classifier's hash.

    Raises:
        SsrlError: there are too few ladders.
    """
    learnt, held = split_off(items_of(rows, rollouts), settings.held, seed)
    reader = Reader(load_model(model), processor)
    seen, other = (reader.states([i.asked for i in part], [i.text for i in part]) for part in (learnt, held))
    head = fitted_head(seen, torch.tensor([item.label for item in learnt]), settings.penalty)
    head.save(out / HEAD)
    accepted = (head.probabilities(other) >= YES).tolist()
    report = {"learnt_from": len(learnt), **figures(held, accepted), "classifier": file_hash(out / HEAD)}
    write_json(out / REPORT, report)


def summed_up(folder: Path) -> str:
    """A line of what a classifier is worth, from the folder that `fit` wrote to."""
    report = json.loads((folder / REPORT).read_text(encoding="utf-8"))
    of = report["all"]
    share = {key: "-" if of[key] is None else f"{of[key]:.3f}" for key in of if key not in ("items", "violated")}
    return (
        f"soft constraints: on {of['items']} answers of {report['ladders']} ladders held out, {of['violated']} of them "
        f"in violation, the classifier agrees with the rules on {share['agreement']} and accepts "
        f"{share['false_accept']} of the violated ones; of the labels that ladders give them {share['true_positives']} "
        f"of the yes and {share['true_negatives']} of the no are true"
    )


class Softly(Judge):
    """The signal at work: pays the mean probability over the constraints of a row, and nothing for an empty answer.

    The rules are asked too, and only logged: `soft/agreement`, and `soft/false_accept`, the share of the constraints
    that responses violate and the classifier accepts. Each process reads its share of the batch.

    Args:
        reader: the frozen start model.
        head: from `fit`.
    """

    def __init__(self, reader: Reader, head: Head) -> None:
        self.reader, self.head = reader, head

    @classmethod
    def of(cls, model: str, processor: Any, folder: Path) -> Softly:
        """From the stage's start model and the folder that `fit` wrote to."""
        return cls(Reader(load_model(model), processor), Head.load(folder / HEAD))

    def pay(self, batch: Batch) -> Paid:
        """Rewards in [0, 1]."""
        mine = range(rank(), len(batch.texts), world())
        found = [(i, *pair) for i, pair in zip(mine, self._judge(batch, mine), strict=True)]
        every = sorted(gather_object(found), key=lambda item: item[0])
        rewards = [sum(likely) / len(likely) for _, likely, _ in every]
        pairs = [
            (value >= YES, kept)
            for _, likely, truth in every
            for value, kept in zip(likely, truth, strict=True)
            if kept is not None
        ]
        metrics = {}
        if pairs:
            metrics["soft/agreement"] = sum(yes == kept for yes, kept in pairs) / len(pairs)
        if violated := [yes for yes, kept in pairs if not kept]:
            metrics["soft/false_accept"] = sum(violated) / len(violated)
        return Paid(rewards, metrics)

    def _judge(self, batch: Batch, mine: Sequence[int]) -> list[tuple[list[float], list[bool | None]]]:
        """Of some responses, for each constraint of the row, how likely it is kept to, and whether it is."""
        asked: list[str] = []
        texts: list[str] = []
        truth: list[list[bool | None]] = []
        for i in mine:
            step = rung(batch.rows[i])
            if step is None:
                raise SsrlError(
                    f"the reward `soft` wants rungs of ladders, and row {batch.rows[i]['id']} is none: {WITHOUT}"
                )
            told = [constraint(item).tell() for item in step.value["constraints"]]
            asked += told
            texts += [conclusion(batch.texts[i]).strip()] * len(told)
            truth.append(judged(step.value, batch.texts[i]))
        likely = self.head.probabilities(self.reader.states(asked, texts)).tolist()
        given = iter(value if text else 0.0 for value, text in zip(likely, texts, strict=True))
        return [([next(given) for _ in kept], kept) for kept in truth]
