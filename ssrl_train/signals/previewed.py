"""Whether a response previews what is asked, drafts, checks the draft and answers.

After Light-IF (arXiv 2508.03178): a model that only restates what is asked does not see whether it can keep to it. So
before it drafts it says what each constraint comes to, and afterwards it checks the draft against each of them:

    <think><preview>...</preview> the draft <check>...</check></think> the answer
"""

from __future__ import annotations

TAGS = ("<preview>", "</preview>", "<check>", "</check>")
BEGUN, ENDED = "<think>", "</think>"


def previewed(response: str) -> bool:
    """Whether a response previews, drafts, checks and answers, in this order, and says something in each part.

    The first three are inside its reasoning, each tag there once and none in the answer; the tag that begins the
    reasoning may be the prompt's. A part says something if it holds a letter or a digit.

    Args:
        response: any string; the time is linear in its length.
    """
    thought, ended, answer = response.rpartition(ENDED)
    before, _, reasoning = thought.rpartition(BEGUN)
    if not ended or ENDED in thought or before.strip() or any(tag in answer for tag in (*TAGS, BEGUN)):
        return False
    if any(reasoning.count(tag) != 1 for tag in TAGS):
        return False
    places = [reasoning.index(tag) for tag in TAGS]
    ends = [place + len(tag) for place, tag in zip(places, TAGS, strict=True)]
    if any(end > place for end, place in zip(ends, places[1:], strict=False)):
        return False
    parts = [reasoning[ends[i] : places[i + 1]] for i in range(3)]
    return all(any(map(str.isalnum, part)) for part in (*parts, answer))
