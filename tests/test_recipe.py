from __future__ import annotations

from pathlib import Path

import pytest

from ssrl_data.core import SsrlError
from ssrl_data.recipe import Recipe, load_recipe, part, plain
from ssrl_data.yaml_file import read_yaml


def recipe(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_reads_tasks_levels_weights_and_sources_beside_it(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    fields = load_recipe(
        recipe(
            tmp_path,
            "tasks:\n  image/rotation: {levels: [easy], weight: 2, params: {side: 112}}\n  image/jigsaw:\n"
            "sources: [photos]\nrows: 10\nsplit: {test: 0.2}\n",
        )
    )
    built = Recipe(**fields)
    assert built.sources == (str(tmp_path / "photos"),)
    rotation, jigsaw = built.parts
    assert list(rotation.levels) == ["easy+custom"]
    assert rotation.levels["easy+custom"].side == 112
    assert rotation.weight == 2
    assert {"easy", "medium", "hard"} <= set(jigsaw.levels)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("taks: [image/jigsaw]", "did you mean 'tasks'"),
        ("tasks: [image/jigsow]", "did you mean 'image/jigsaw'"),
        ("tasks: {image/jigsaw: {level: [easy]}}", "did you mean 'levels'"),
        ("tasks: {image/jigsaw: {levels: [eazy]}}", "did you mean 'easy'"),
        ("tasks: {image/jigsaw: {params: {gird: 3}}}", "did you mean 'grid'"),
        ("tasks: {image/jigsaw: {params: {grid: 99}}}", "grid"),
        ("tasks: {image/jigsaw: {params: {grid: two}}}", "grid must be int"),
        ("tasks: {image/jigsaw: {weight: -1}}", "weight"),
        ("tasks: [image/jigsaw]\nrows: many", "rows must be int"),
        ("tasks: [image/jigsaw]\nrows: true", "rows must be int"),
        ("tasks: [{image/jigsaw: {}}]", "tasks must list names"),
        ("tasks: [[a]]", "tasks must list names"),
        ("tasks: {image/jigsaw: {levels: [[a]]}}", "has no level"),
        ("tasks: {image/jigsaw: {levels: [1]}}", "has no level"),
        ("tasks: {image/jigsaw: {params: {1: 2}}}", "has no parameter"),
        ("tasks: {image/tile_anomaly: {params: {kinds: [[1]]}}}", "kinds must be str"),
        ("tasks: [", "not valid YAML"),
        ("- a\n- b", "expected a mapping"),
        ("a: &x [1]\nb: *x", "alias"),
        ("rows: 1\nrows: 2", "'rows' is repeated"),
        ("rows: 2026-02-31", "not valid YAML"),
        ("tasks: " + "[" * 10_000, "nested more than"),
        ("rows: !!python/object/apply:os.getcwd []", "not valid YAML"),
    ],
)
def test_a_mistake_is_one_sentence_with_file_and_key(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SsrlError) as caught:
        load_recipe(recipe(tmp_path, text))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_yaml_bomb_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with pytest.raises(SsrlError, match="at most"):
        read_yaml(recipe(tmp_path, "a: " + "x" * (1 << 20)))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rows": 0}, "rows is 0"),
        ({"rows": 10**12}, "rows is"),
        ({"rows": 1, "split": {"test": 0.4}}, "too few to give"),
        ({"split": {"te/st": 0.5}}, "letters, digits"),
        ({"split": {"test-a": 0.5}}, "letters, digits"),
        ({"split": {"": 0.5}}, "letters, digits"),
        ({"split": {1: 0.5}}, "letters, digits"),
        ({"split": {"test": "0.2"}}, "must be a fraction"),
        ({"license": "MIT; DROP"}, "SPDX"),
        ({"parts": ()}, "names no task"),
        ({"sources": ()}, "no corpus is named"),
        ({"split": {"test": 1.5}}, "split test"),
        ({"split": {"train": 0.5}}, "split 'train'"),
        ({"split": {"a": 0.6, "b": 0.5}}, "leave none to train"),
        ({"split": {"test": 0.2}, "only": "tst"}, "only is 'tst': did you mean 'test'"),
        ({"only": "test"}, "only is 'test'"),
        ({"max_rejects": 2.0}, "max_rejects"),
    ],
)
def test_what_cannot_be_built_is_refused(change: dict[str, object], words: str) -> None:
    fields: dict[str, object] = {"parts": (part("image/rotation", ["easy"], {}),), "sources": ("x",)}
    with pytest.raises(SsrlError, match=words):
        Recipe(**(fields | change))  # type: ignore[arg-type]


def test_resolved_spells_out_parameters_and_leaves_addresses_out() -> None:
    built = Recipe((part("image/rotation", ["easy"], {}),), ("/somewhere/photos",))
    resolved = built.resolved()
    assert "/somewhere" not in str(resolved)
    assert resolved["tasks"][0]["levels"]["easy"] == plain(built.parts[0].levels["easy"])
