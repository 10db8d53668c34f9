"""What counts as readable: every form in which an answer may stand elsewhere, and what is only like it."""

from __future__ import annotations

import pytest

from ssrl_data.gates.visible import visible

SEEN = [
    ("grep", "the tool egrep does it"),
    ("grep", "see fgrep.c for that"),
    ("grep", "GREP_OPTIONS is set"),
    ("three", "there are 3 of them"),
    ("3", "there are three of them"),
    ("3", "the third of them"),
    ("3", "under Louis III of old"),
    ("3", "at 3.0 volts"),
    ("3", "in the file part3.txt"),
    ("1,000", "some 1000 people"),
    ("1000", "some 1,000 people"),
    ("1000", "one thousand people"),
    ("24", "twenty-four of them"),
    ("5", "５ of them"),
    ("2", "x² and y"),
    ("copies", "a copy of it"),
    ("Telford", "in Telford's day"),
    ("Telford", "like TELFORD there"),
    ("Réaumur", "a REAUMUR scale"),
    ("file-name", "any filename will do"),
    ("file-name", "any file_name will do"),
    ("filename", "any file name will do"),
    ("file_name", "the FileName field"),
    ("IP", "the Internet Protocol of old"),
    ("Internet Protocol", "an IP datagram"),
    ("GPL", "the General Public License"),
    ("General Public License", "a GNU GPL text"),
    ("Bank of England", "the BoE and the BE"),
    ("BASIC", "Beginner's All-purpose Symbolic Instruction Code"),
    ("NeXT", "under NEXTSTEP, then"),
    ("CPUs", "each CPU of it"),
    ("ARPANET", "with money from ARPA"),
    ("PMODE", "the MODE of a file"),
    ("XHTML", "as HTML once was"),
    ("os.urandom", "some random bytes"),
    ("Japanese", "made in Japan"),
    ("JONL", "Jon L. White himself"),
    ("eof", "the end of file string"),
    ("promisify", "a promise of it"),
    ("Thomas Telford", "then Telford went"),
    ("/etc/passwd", "the passwd command"),
    ("PQfreemem", "a freemem call"),
    ("C", "written in C today"),
    ("Simulator", "it was simulated"),
]
UNSEEN = [
    ("grep", "the tool sed does it"),
    ("three", "the thrown ones"),
    ("3", "there are 13 or 30 or 33 of them"),
    ("12", "in 2012 and 1121"),
    ("C", "written in Pascal today"),
    ("Bank of England", "of the and of"),
    ("IP", "the icy pond"[:7]),
    ("Telford", "tell Ford of it"[:8]),
]


@pytest.mark.parametrize(("answer", "text"), SEEN)
def test_what_can_be_read_is_seen(answer: str, text: str) -> None:
    assert visible(answer, ["nothing here", text])
    assert visible(answer, [text])


@pytest.mark.parametrize(("answer", "text"), UNSEEN)
def test_what_is_only_like_it_is_not(answer: str, text: str) -> None:
    assert not visible(answer, [text])


def test_two_texts_do_not_join() -> None:
    assert visible("filename", ["any file name"])
    assert not visible("filename", ["any file", "name"])


def test_hostile_text_is_read_in_one_pass() -> None:
    for text in (
        "A" * 20_000,
        "a_" * 10_000,
        "1," * 10_000,
        "A B " * 5000,
        "e\u0301" * 10_000,
        "I" * 20_000,
        "2²" * 9000,
    ):
        visible("Thomas Telford 33 XIV", [text])
