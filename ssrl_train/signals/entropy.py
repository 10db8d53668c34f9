"""How much the answers to different questions differ, by which a collapse onto one answer is seen before accuracy."""

from __future__ import annotations

import json
import math
from collections import Counter

from ssrl_data.row import canonical, unpack_answer
from ssrl_train.signals.base import Batch


def answer_entropy(batch: Batch) -> float | None:
    """The entropy of the prompts' most frequent answers, as a share of the greatest there could be.

    Of each question the answer that most of its responses read as counts, the first of equally many; of several views
    of one question, the first view with an answer. The entropy is in nats, divided by the logarithm of the number of
    questions, or of possible answers where these are fewer.

    Args:
        batch: of all processes.

    Returns:
        In [0, 1]: 0 where all questions are answered alike; None where fewer than two are answered.
    """
    answers, possible = dict[str, str](), 0.0
    for start in range(0, len(batch.rows), batch.generations):
        row = batch.rows[start]
        question = row["set_id"] if "view" in (json.loads(row.get("meta") or "{}").get("make") or {}) else row["id"]
        kind, value, _ = unpack_answer(row["answer"])
        read = [kind.read(text, value).given for text in batch.texts[start : start + batch.generations]]
        said = Counter(canonical(given) for given in read if given is not None)
        if said and question not in answers:
            answers[question] = said.most_common(1)[0][0]
            luck = kind.luck(value)
            possible = max(possible, 1 / luck if luck else math.inf)
    if len(answers) < 2:
        return None
    counts = Counter(answers.values()).values()
    entropy = -sum(count / len(answers) * math.log(count / len(answers)) for count in counts)
    return max(0.0, min(1.0, entropy / math.log(min(len(answers), possible))))
