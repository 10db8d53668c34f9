"""Thousands of proofs of Metamath databases, step by step as the `metamath` program shows them."""

from __future__ import annotations

import corpora
import pytest
from metamath_program import agree, labels, verified

# Database, theorems compared.
COMPARED = {"set.mm": 4000, "iset.mm": 1000, "nf.mm": 1000, "ql.mm": 1000, "hol.mm": 138}


@pytest.mark.prove
@pytest.mark.parametrize("name", COMPARED)
def test_metamath(name: str) -> None:
    program, databases = corpora.metamath()
    known = labels(databases / name)
    chosen = known[:: max(1, len(known) // COMPARED[name])]
    assert len(chosen) >= COMPARED[name]
    assert agree(databases / name, program, chosen) > 5 * len(chosen)
    assert verified(program, databases / name)
