"""The methods page is what the settings say, and says all of them, with nothing left empty."""

from __future__ import annotations

import dataclasses
import importlib
import re
import typing
from typing import Any

import pytest
from command import ROOT

from ssrl_data.core import SsrlError
from ssrl_train.about import About
from ssrl_train.fields import is_union
from ssrl_train.methods import HEADINGS, SINGLE, Method, attributes, methods, page, show
from ssrl_train.presets import PRESETS
from ssrl_train.stages import KEYED, METHODS

EVERY = methods()


def names(method: Method) -> str:
    return f"{method.key}-{method.name}"


def test_the_page_is_what_the_settings_say() -> None:
    said = (ROOT / "docs/methods.md").read_text(encoding="utf-8")
    assert said == page(), "write it anew: python -m ssrl_train.methods > docs/methods.md"


def parts(hint: Any) -> tuple[Any, ...]:
    return typing.get_args(hint) if is_union(hint) else (hint,)


def test_every_key_of_a_stage_that_is_a_method_is_on_the_page() -> None:
    keys = {
        field.name
        for stage in METHODS.values()
        for field in dataclasses.fields(stage)
        if any(
            "about" in getattr(part, "__annotations__", ()) for part in parts(typing.get_type_hints(stage)[field.name])
        )
    }
    assert keys == {*KEYED, *SINGLE} == set(HEADINGS) - {"preset"}
    held = [*SINGLE.values(), *PRESETS.values(), *(cls for kinds in KEYED.values() for cls in kinds.values())]
    assert len(EVERY) == len(held)
    assert all(any(method.settings is one for one in held) for method in EVERY)


@pytest.mark.parametrize("method", EVERY, ids=names)
def test_nothing_is_left_empty(method: Method) -> None:
    about = method.about
    assert isinstance(about, About)
    for field in dataclasses.fields(About):
        if field.name != "differs":  # which is empty where nothing does
            assert getattr(about, field.name) not in ("", ()), f"{field.name} of {names(method)} is empty"
    assert "`" in about.measured or not any(sign.isdigit() for sign in about.measured), "a number and no command"
    if isinstance(method.settings, type):
        told = attributes(method.settings)
        assert [field.name for field in dataclasses.fields(method.settings) if not told.get(field.name)] == []
    assert method.stages


@pytest.mark.parametrize("name", sorted({name for method in EVERY for name in method.about.trl}))
def test_every_class_of_trl_is_there(name: str) -> None:
    module, _, cls = name.rpartition(".")
    assert module.partition(".")[0] == "trl"
    assert isinstance(getattr(importlib.import_module(module), cls), type)


def test_every_link_of_the_page_leads_to_a_heading() -> None:
    text = page()
    linked = re.findall(r"\]\(#(.+?)\)", text)
    headings = [re.sub(r"[`:(),.]", "", line[4:].lower()) for line in text.splitlines() if line.startswith("### ")]
    assert len(linked) == len(EVERY)
    assert linked == [heading.replace(" ", "-") for heading in headings]


def test_optimism_claims_no_theorem() -> None:
    (ucb,) = (method for method in EVERY if method.name == "ucb")
    assert ucb.about.differs.startswith("Only the optimism carries over.")


def test_the_command_lists_and_shows(capsys: pytest.CaptureFixture[str]) -> None:
    show()
    listed = capsys.readouterr().out.splitlines()
    assert len(listed) == len(EVERY)
    show("preview")
    shown = capsys.readouterr().out
    assert shown.startswith("### `reward: preview`: Preview and self-check\n\nIn a stage of `grpo`; experimental.\n")
    assert "| `form` | number | `0.5` | what is lost without the form" in shown
    with pytest.raises(SsrlError, match="there is no method 'previw': did you mean 'preview'"):
        show("previw")
