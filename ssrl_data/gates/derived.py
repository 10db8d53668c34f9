"""Steps of a proof that can be hidden whole: rule and uses give each in one way, and nothing shows it."""

from __future__ import annotations

from collections.abc import Collection

from ssrl_data.gates.inference import results
from ssrl_data.media.worked import Inference, Worked

TOKENS = (4, 60)
"""Fewest and most tokens of a hidden formula, its `|-` included: shorter ones stand in others by accident."""


def derivable(worked: Worked) -> list[int]:
    """Numbers of the steps that follow from what they rest on by their rule in one way only."""
    found = []
    for number, step in enumerate(worked.steps):
        if not step.reason or not TOKENS[0] <= len(step.text.split()) <= TOKENS[1]:
            continue
        rule = Inference.read(worked.rules.get(step.reason, ""))
        if rule is None or rule.conclusion == step.text:  # a copy of the rule
            continue
        if results(worked, number, at_hand(worked, number)) == frozenset({step.text}):
            found.append(number)
    return found


def needs_premises(worked: Worked, number: int) -> bool:
    """Whether the rule of a step takes more than the steps that it rests on: then some premise of the theorem too."""
    step = worked.steps[number]
    rule = Inference.read(worked.rules.get(step.reason, ""))
    return bool(worked.given) and (rule is None or len(rule.premises) > len(set(step.uses or ())))


def at_hand(worked: Worked, number: int) -> list[str]:
    """What a step may rest on, as a prompt tells it: the steps that it uses, and all premises where it needs some."""
    uses = [worked.steps[use].text for use in worked.steps[number].uses or ()]
    return [*(worked.given if needs_premises(worked, number) else ()), *uses]


def shown_elsewhere(worked: Worked, hidden: Collection[int]) -> set[int]:
    """Which of the hidden steps stand, whole or in a longer formula, where their rule does not take them from.

    A formula may stand in a step that the hidden one rests on, as `ps` does in `( ph -> ps )`: to see that is the
    inference. In the theorem, its premises or another step it would be a copy.
    """
    leaking = set()
    for number in hidden:
        uses = worked.steps[number].uses or ()
        formula = worked.steps[number].text.split()
        body = " " + " ".join(formula[1:]) + " "
        others = [step.text for i, step in enumerate(worked.steps) if i not in hidden and i not in uses and i != number]
        # The rules of the hidden steps are stated, and one may happen to conclude what another step says.
        rules = [worked.rules.get(worked.steps[other].reason, "") for other in hidden]
        if any(body in f" {text} " for text in (worked.problem, *others, *rules)):
            leaking.add(number)
        if any(
            worked.steps[number].text == text for text in (*worked.given, *(worked.steps[use].text for use in uses))
        ):
            leaking.add(number)
    return leaking


def told_apart(worked: Worked) -> bool:
    """Whether no two tokens of the formulas differ in case alone, so that an answer without regard to case is sure."""
    tokens = {token for step in worked.steps for token in step.text.split()}
    return len({token.casefold() for token in tokens}) == len(tokens)
