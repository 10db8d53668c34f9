"""Documents of prose: what is running text in each format, and that broken files cost only themselves."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import corpora
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssrl_data.core import Reject
from ssrl_data.registry import source_at
from ssrl_data.sources import _prose
from ssrl_data.sources._prose import plain, read_prose

PLAIN = """\
                        THE LIGHTHOUSE
                        ==============

  The keeper wound the clock every evening, since the lamp turned by its
weight and would stop within eleven hours if nobody came. On stormy well-
kept nights he slept beside it.

Tower     Height    Lit
Eddystone 49 m      1882
Skerry    48 m      1844

    def wind(clock):
        clock.weight = clock.top
        return clock

  * A first item, which is a whole sentence of its own.
  * rope
  * A second item is also a sentence, and it goes on over
    two lines of the list.

--wind
      Wind the clock before the light is lit, and never after it.

WHY DID HE NEVER LEAVE the tower before it was day?
---------------------------------------------------

Paul Allen, Bill Gates, Steve Jobs, Ada Lovelace, Grace Hopper.

Roses are red
Violets are blue
Short lines of verse
Are not for you.
"""

MARKDOWN = """\
---
title: The lamp that nobody ever sees in this document.
---

# The lamp of the lighthouse turns every night and day.

The *keeper* wound the [clock](http://example.org "a title") with `wind()`
every **evening**, and ![a picture](x.png) nobody else did.[^1]

- Each item that is a whole sentence is kept, <b>without</b> its tags.
- rope

| A table has cells of several words here. | It is dropped. |
| --- | --- |
| Another row of it has more words inside. | And so is this. |

```
This looks like a sentence, and it stands in a code block.
```

<p>This looks like a sentence, and it stands in a block of HTML.</p>

> A quotation is text &amp; it is kept with its characters as they read.

    This looks like a sentence, and it is indented as code is.

* `size` {number} How many bytes are read from the file at once.

[ref]: http://example.org "A definition is no text of the document."
"""

RST = """\
.. _lamp:

The lamp of the lighthouse turns every night and day.
=====================================================

.. module:: lamp
   :synopsis: This sentence of an option is not a part of the text.

The :class:`~lamp.Keeper` wound the *clock* with ``wind(all=True)`` every
**evening**, as `the book <http://example.org>`_ and :pep:`8` say [1]_::

    This looks like a sentence, and it stands in a literal block.

.. function:: wind(clock)
              unwind(clock)

   Wind the clock before the light is lit; return :const:`None` after it.

   :param clock: This sentence describes a parameter in a field list.

   >>> wind("This looks like a sentence, and it stands in a doctest.")
   It was wound and it turned again until the morning came.

.. versionchanged:: 3.2
   The weight of the clock is now taken from its own drawing.

.. code-block:: python

   # This looks like a sentence, and it stands in a code block.

.. This looks like a sentence, and it stands in a comment.

=========================  ========================
A simple table of columns  has cells that are text.
=========================  ========================
The keeper wound the lamp  before the evening came.
=========================  ========================

+--------------------------------------------+
| A drawn table has sentences of many words. |
+--------------------------------------------+

lamp
   A lamp is what the tower is built for, and it turns by a clock.
"""

INFO = """\
This is lamp.info, produced by makeinfo version 6.8 from lamp.texi.

   This manual is for the lamp, and this sentence stands before its nodes.

\x1f
File: lamp.info,  Node: Top,  Next: Winding,  Up: (dir)

1 The Lamp
**********

The lamp turns by a clock, and the _keeper_ winds it every evening.(1)  *Note
Winding::, for what he must not forget.

   A second paragraph begins with three columns of space, and it goes on
without them (see *note The weight: (clocks)Weight.), as is told in *note
Winding::.

     $ wind --all clock

 -- Function: void wind (clock_t *CLOCK)
     Wind the clock before the light is lit, and never after it.

‘--all’
     Wind all the clocks of the tower, also those that nobody needs.

   ---------- Footnotes ----------

   (1) Some keepers were known to wind it in the morning too.

* Menu:

* Winding::    This sentence of a menu is not a part of the text.

\x1f
File: lamp.info,  Node: Concept Index,  Prev: Winding,  Up: Top

\0\b[index\0\b]
* Menu:

* clock, winding of it every evening in the tower: Winding.  (line 6)

\x1f
Tag Table:
Node: Top\x7f215
\x1f
End Tag Table
"""

MAN = r"""
.\" This comment looks like a sentence, and nobody reads it ever.
.ds C+ C\v'-.1v'\h'-1p'\s-2+\h'-1p'+\s0
.de Vb \" this begins what is verbatim
.nf
..
.TH LAMP 1 "2024-01-01" "lamps 1.0"
.SH NAME
lamp \- this sentence says in a line what the page is for.
.SH SYNOPSIS
.B lamp
[this sentence looks like one and is a synopsis of it].
.SH DESCRIPTION
The
.B lamp
program winds the \fIclock\fR\-work every evening,
as
.BR keeper (8)
says \(em in \*(C+ and with the caf\['e]'s help.
.PP
.nf
This looks like a sentence, and it stands in a display.
.fi
.TP
.B \-\-all
Wind all the clocks of the tower, also
those that nobody needs.
.ie n \{\
.IP \(bu 2
A terminal takes this branch of the page, and it is read.
.\}
.el \{\
A typesetter takes this branch of the page, and it is not.
.\}
.TS
This looks like a sentence, and it stands in a table.
.TE
.SH "SEE ALSO"
The keeper's own page, which this sentence points to for more.
"""

MDOC = r"""
.Dd January 1, 2024
.Dt LAMP 1
.Os
.Sh NAME
.Nm lamp
.Nd this sentence says in a line what the page is for.
.Sh DESCRIPTION
.Nm
winds the clock, as
.Xr keeper 8 ,
the
.Fl all
option
.Pq see Dq Ar file
and
.Ns Em emphasis
say.
.Bl -tag -width Ds
.It Fl x Xo
.Ar hidden
.Xc
Wind all the clocks of the tower, also those that nobody needs.
.Bd -literal
This looks like a sentence, and it stands in a display.
.Ed
.El
.Sh AUTHORS
This sentence names those who wrote the page and the lamp.
"""

PYTHON = '''\
"""Wind the clocks of a lighthouse, every evening before it gets dark.

    $ python lamp.py --all

This looks at ``clock`` first.
"""

# This looks like a sentence, and it stands in a comment.
TEXT = "This looks like a sentence, and it stands in a string."

if TEXT:
    class Clock:
        """What turns the lamp, and what the keeper winds every evening.

        Args:
            weight: This sentence describes a parameter of the class.

        Raises:
            ValueError: This sentence describes an error of the class.

        A last paragraph stands behind the sections of the docstring.
        """

        async def wind(self):
            r"""Wind it to the top, and say so with a line that ends in '\\r\\n'.

            Parameters
            ----------
            all : bool
                This sentence describes a parameter in a table of them.

            >>> Clock().wind()
            'This looks like a sentence, and it is what a doctest prints.'
            """
'''

EXPECTED = {
    "txt": (
        PLAIN,
        [
            "The keeper wound the clock every evening, since the lamp turned by its weight and would stop within "
            "eleven hours if nobody came. On stormy well-kept nights he slept beside it.",
            "A first item, which is a whole sentence of its own.",
            "A second item is also a sentence, and it goes on over two lines of the list.",
            "Wind the clock before the light is lit, and never after it.",
        ],
    ),
    "md": (
        MARKDOWN,
        [
            "The keeper wound the clock with wind() every evening, and nobody else did.",
            "Each item that is a whole sentence is kept, without its tags.",
            "A quotation is text & it is kept with its characters as they read.",
        ],
    ),
    "rst": (
        RST,
        [
            "The Keeper wound the clock with wind(all=True) every evening, as the book and PEP 8 say:",
            "Wind the clock before the light is lit; return None after it.",
            "The weight of the clock is now taken from its own drawing.",
            "A lamp is what the tower is built for, and it turns by a clock.",
        ],
    ),
    "info": (
        INFO,
        [
            "The lamp turns by a clock, and the keeper winds it every evening. See Winding, for what he must not "
            "forget.",
            "A second paragraph begins with three columns of space, and it goes on without them (see The weight.), "
            "as is told in Winding.",
            "Wind the clock before the light is lit, and never after it.",
            "Wind all the clocks of the tower, also those that nobody needs.",
            "Some keepers were known to wind it in the morning too.",
        ],
    ),
    "1": (
        MAN,
        [
            "The lamp program winds the clock-work every evening, as keeper(8) says — in C++ and with the café's help.",
            "Wind all the clocks of the tower, also those that nobody needs.",
            "A terminal takes this branch of the page, and it is read.",
        ],
    ),
    "8ssl": (
        MDOC,
        [
            "lamp winds the clock, as keeper(8), the -all option (see “file”) andemphasis say.",
            "Wind all the clocks of the tower, also those that nobody needs.",
        ],
    ),
    "py": (
        PYTHON,
        [
            "Wind the clocks of a lighthouse, every evening before it gets dark.",
            "What turns the lamp, and what the keeper winds every evening.",
            "A last paragraph stands behind the sections of the docstring.",
            "Wind it to the top, and say so with a line that ends in '\\r\\n'.",
        ],
    ),
}
HEADS = {"md": "", "txt": "", "rst": "", "info": "\x1f\nFile: a, Node: b\n\n", "1": ".TH A 1\n.SH B\n", "py": '"""'}
HEADS["7"] = ".Dd A\n.Sh B\n"


def reason(key: str, data: bytes) -> str:
    """Why a file is rejected; empty where it is read."""
    try:
        read_prose(key, data)
    except Reject as reject:
        return reject.reason
    return ""


@pytest.mark.parametrize("suffix", EXPECTED)
def test_running_text_is_kept_and_nothing_else(suffix: str) -> None:
    source, expected = EXPECTED[suffix]
    assert list(read_prose(f"a.{suffix}", source.encode()).paragraphs) == expected


@pytest.mark.parametrize("suffix", EXPECTED)
def test_line_ends_and_compression_and_encoding_change_nothing(suffix: str) -> None:
    source, expected = EXPECTED[suffix]
    windows = source.replace("\n", "\r\n")
    for data in (
        windows.encode(),
        "\ufeff".encode() + source.encode(),
        "\ufeff".encode("utf-16-le") + source.encode("utf-16-le"),
        "\ufeff".encode("utf-16-be") + windows.encode("utf-16-be"),
    ):
        if suffix == "info" and b"I\0" in data:
            continue  # Texinfo writes no UTF-16, and its own NUL characters would not be told from those of it
        assert list(read_prose(f"A.{suffix.upper()}", data).paragraphs) == expected
        if suffix != "py":
            assert list(read_prose(f"a.{suffix}.gz", gzip.compress(data)).paragraphs) == expected


def test_text_is_latin_1_only_where_it_reads_as_text() -> None:
    said = "Der Leuchtturmwärter schläft tagsüber, und abends zieht er die Uhr auf."
    assert read_prose("a.txt", said.encode("latin-1")).paragraphs == (said,)
    for data in (
        b"\x89PNG\r\n\x1a\n" + bytes(range(1, 256)),
        said.encode() + b"\0",
        b"\xff\xfeabc",
        b"ELF\x7f\x80\x81",
    ):
        with pytest.raises(Reject, match="not text"):
            read_prose("a.txt", data)
    curly = "“Der Wärter” schläft heute – und wacht…".encode("cp1252")  # what Windows calls Latin-1
    with pytest.raises(Reject, match="not text"):
        read_prose("a.txt", curly)


def test_paragraphs_in_other_scripts_are_text() -> None:
    for said in (
        "灯台守は毎晩、時計のぜんまいを巻いた。誰も来なければ、灯は十一時間で止まってしまうからだ。",
        "Смотритель каждый вечер заводил часы, потому что лампа вращалась от их веса.",
        "كان الحارس يدير الساعة كل مساء لأن المصباح كان يدور بثقلها طوال الليل.",
    ):
        assert plain(said).paragraphs == (said,)


def test_lines_that_are_not_wrapped_are_paragraphs() -> None:
    long = "The keeper wound the clock every evening, since the lamp turned by its weight. " * 3
    assert plain(f"{long}\n{long}\n").paragraphs == (long.strip(),) * 2


def test_bold_letters_of_a_printed_page_are_letters() -> None:
    bold = "".join(f"{c}\b{c}" for c in "The keeper")
    assert plain(f"{bold} wound the clock every evening before dark.").paragraphs == (
        "The keeper wound the clock every evening before dark.",
    )


def test_broken_archives_are_rejected() -> None:
    whole = gzip.compress(PLAIN.encode())
    for data, reason in (
        (whole[:-9], "truncated"),
        (whole[:5], "truncated"),
        (b"no archive at all", "broken gzip"),
        (whole[:20] + b"\xff" * 40 + whole[60:], "broken gzip"),
        (whole + b"rest", "broken gzip"),
    ):
        with pytest.raises(Reject, match=reason):
            read_prose("a.txt.gz", data)
    twice = read_prose("a.txt.gz", whole + whole + b"\0\0").paragraphs
    assert twice == 2 * read_prose("a.txt", PLAIN.encode()).paragraphs


def test_a_bomb_is_left_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = gzip.compress(b"a" * (1 << 26), 9)
    assert len(bomb) < 1 << 17
    monkeypatch.setattr(_prose, "MAX_BYTES", 1 << 22)
    tracemalloc.start()
    try:
        with pytest.raises(Reject, match="too large unpacked"):
            read_prose("a.txt.gz", bomb)
        assert tracemalloc.get_traced_memory()[1] < 1 << 24
    finally:
        tracemalloc.stop()


def test_a_page_that_is_another_name_has_no_text_and_what_is_no_page_is_rejected() -> None:
    assert read_prose("a.3.gz", gzip.compress(b".so man3/printf.3\n")).paragraphs == ()
    with pytest.raises(Reject, match="not a manual page"):
        read_prose("photo.1", b"This sentence stands in a file with the number of a section.")


@pytest.mark.parametrize(
    "source", ["def wind(:\n", "x = " + "(" * 5000, "-" * 200_000 + "1", "a." * 100_000 + "b", "\0"]
)
def test_what_does_not_parse_is_no_python(source: str) -> None:
    assert reason("a.py", source.encode()) in ("", "not Python", "not text")


def test_a_source_too_large_for_a_syntax_tree_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssrl_data.sources._docstrings.MAX_CHARACTERS", 1000)
    with pytest.raises(Reject, match="too large for Python"):
        read_prose("a.py", b"x = 1\n" * 1000)


@pytest.mark.parametrize("suffix", HEADS)
@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=400))
def test_any_bytes_are_read_or_rejected(suffix: str, data: bytes) -> None:
    for content in (data, HEADS[suffix].encode() + data):
        assert reason(f"a.{suffix}", content) in ("", "not text", "not Python", "not a manual page")


MARKUP = [
    *("`", "``", "*", "**", "_", "[", "](", "![", "<", "<!--", "|", "\\", "\\f[", "\\h'", "\\*(", "\\{", "::", ":a:`"),
    *(
        "*note ",
        "::",
        "\n",
        "\n\n",
        "  ",
        "\t",
        "- ",
        "1. ",
        "> ",
        "===",
        "---",
        "```",
        ".. a::",
        ".if n ",
        ".el ",
        ".\\}",
    ),
    *(
        ".TP",
        ".Bl",
        ".It ",
        ".Op ",
        ".nf",
        "\x1f",
        "* Menu:",
        ">>> ",
        "'''",
        '"',
        "word ",
        "A sentence. ",
        "é",
        "\u200b",
    ),
]


@pytest.mark.parametrize("suffix", HEADS)
@settings(max_examples=80, deadline=None)
@given(parts=st.lists(st.sampled_from(MARKUP), max_size=60))
def test_any_markup_is_read_or_rejected(suffix: str, parts: list[str]) -> None:
    assert reason(f"a.{suffix}", (HEADS[suffix] + "".join(parts)).encode()) in ("", "not Python", "not a manual page")


@pytest.mark.parametrize("suffix", HEADS)
def test_repeated_markup_takes_time_in_proportion(suffix: str) -> None:
    # Any of these would take hours here if it took time that grows with the square of its length.
    for mark in MARKUP:
        length = 20_000 if suffix == "md" else 200_000
        repeated = HEADS[suffix] + mark * (length // len(mark))
        assert reason(f"a.{suffix}", repeated.encode()) in ("", "not Python", "not a manual page")


def test_real_documents_of_every_format_hold_running_text(tmp_path: Path) -> None:
    corpora.documents(tmp_path)
    source = source_at(str(tmp_path))
    counted: dict[str, int] = {}
    documents = 0
    for entry in source.entries():
        assert entry.license != "unknown", entry.key
        text = source.open(entry).text
        assert text is not None
        documents += 1
        folder = entry.key.partition("/")[0]
        counted[folder] = counted.get(folder, 0) + len(text.paragraphs)
        for paragraph in text.paragraphs:
            assert len(paragraph) <= 20_000
            assert ">>> " not in paragraph[:4], (entry.key, paragraph)
            assert not paragraph.startswith((".. ", "File: ", "* Menu", ".SH", "===", "# ", "| ")), (
                entry.key,
                paragraph,
            )
    assert documents > 500
    assert sum(counted.values()) > 50_000
    for folder, fewest in {"python": 25_000, "library": 3_000, "gnu": 4_000, "npm": 1_000, "perl": 2_000}.items():
        assert counted[folder] > fewest
