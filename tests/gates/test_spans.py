"""Which spans of prose may be hidden, of which kind, and which may not."""

from __future__ import annotations

import pytest

from ssrl_data.gates.spans import spaceless, spans

ASKED = [
    ("It was drawn by Thomas Telford himself.", "Thomas Telford", "name"),
    ("It was kept by the Bank of England then.", "Bank of England", "name"),
    ("It is one of Lord's own works, by Telford's hand.", "Telford", "name"),
    ("It goes to the root as ASCII first.", "ASCII", "capitals"),
    ("It calls synchronize_rcu before it ends.", "synchronize_rcu", "identifier"),
    ("It reads the file /etc/ssh/sshd_config once.", "/etc/ssh/sshd_config", "file"),
    ("It takes the option --count and stops.", "count", "option"),
    ("A page there has 4096 bytes in all.", "4096", "number"),
    ("However, Telford drew it.", "Telford", "name"),
    ("It works like the one of Telford then.", "Telford", "name"),
    ("It was paid for and added by Google alone.", "Google", "name"),
]
NOT_ASKED = {
    "first word": "Telford drew it.",
    "first word behind a colon": "He said: Tomorrow is fine.",
    "article": "It was an Ohio matter.",
    "list": "It runs on Linux, Solaris and Windows.",
    "pair": "It runs on Linux and Solaris.",
    "label": "It is told in Section 17 of it.",
    "version": "It was new in Python 3 then.",
    "date": "It was opened in 1824 by him.",
    "month": "It rained on Monday in January there.",
    "range": "It takes from 16 to 20 of them.",
    "manual section": "It is like mount(8) there.",
    "initial": "It was H. Keith Henson who did.",
    "number behind": "It was the Manchester Mark 1 then.",
    "cross reference": "It is odd; see also Great Worm.",
    "literature": "It is by T. Ito et al, Springer, pp. 3-4.",
    "any duration": "It waits for 30 seconds then.",
    "default": "The default size is 512 bytes.",
    "thanks": "It is faster now. (Contributed by Jane Doe in issue 12345.)",
    "courtesy": "It is faster now. Pull request courtesy Jane Doe.",
    "thanks with one name": "It is faster now. (Contributed by Doe in issue 12345.)",
    "suggestion": "It is faster now. (After a suggestion by Jane Doe.)",
    "example": "It needs a strict language such as Pascal to do.",
    "example in brackets": "It needs a strict language (e.g., Pascal) to do.",
    "like beside it": "It runs on others (say GNU/Linux, Solaris) too.",
    "particle": "It is the work of Just van Rossum alone.",
    "two names in one": "It is due to Tcl/Tk itself.",
    "plain words": "It is a rather low-level way of doing things.",
    "small numbers": "It has two large factors.",
}
TOLD = {
    "There are three kinds of it: stored, virtual and mixed.": ["three"],
    "There are four kinds of it: stored, virtual and mixed.": [],
    "It has three flags (bold, red and wide) at most.": ["three"],
    "It has two flags (see bold and wide) at most.": [],
    "It returns 0 for none, 1 for one, 2 for some or 3 for all.": ["1"],
    "With 12 bits there are 4096 of them.": ["4096"],
}


def found(text: str) -> list[tuple[str, str]]:
    return [(text[span.start : span.end], span.kind) for span in spans(text)]


@pytest.mark.parametrize(("text", "span", "kind"), ASKED)
def test_spans_of_closed_kinds_are_asked(text: str, span: str, kind: str) -> None:
    assert (span, kind) in found(text)


@pytest.mark.parametrize("why", NOT_ASKED)
def test_what_nobody_could_tell_is_not_asked(why: str) -> None:
    assert found(NOT_ASKED[why]) == []


@pytest.mark.parametrize("text", TOLD)
def test_a_number_that_its_sentence_tells_is_marked(text: str) -> None:
    told = [text[span.start : span.end] for span in spans(text) if span.told]
    assert set(TOLD[text]) <= set(told)
    assert bool(TOLD[text]) == bool(told)


def test_places_are_those_of_the_paragraph() -> None:
    text = "First it rained. Then it was drawn by Thomas Telford himself, in Wales. He left for Dover again."
    for span in spans(text):
        assert text[span.start : span.end] in {"Thomas Telford", "Wales", "Dover"}
    assert [span.sentence for span in spans(text)] == [1, 1, 2]
    assert next((span.first, span.last) for span in spans(text)) == (8, 10)


def test_text_without_spaces_is_told_by_its_script() -> None:
    assert spaceless("桥梁是由工程师设计的")
    assert not spaceless("Ein Satz mit Wörtern und einem 字")
