"""The gates over many rows: bounds that hold, guessers that are caught, probes that see what leaks and only that."""

from __future__ import annotations

import io
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from ssrl_data.answers.choice import Choice
from ssrl_data.answers.interval import Interval
from ssrl_data.answers.number import Number
from ssrl_data.answers.permutation import Permutation
from ssrl_data.check.bounds import divergence, lower_bound, rows_needed
from ssrl_data.check.guess import judge_level
from ssrl_data.check.pictures import anatomy
from ssrl_data.check.probe import FAMILIES, SOURCES, answer_class, features, probe
from ssrl_data.check.report import KEPT, Faults
from ssrl_data.check.run import _leak
from ssrl_data.check.scan import Facts
from ssrl_data.check.seen import duplicates, looks_if_able, near_pairs, overlaps
from ssrl_data.core import Answer, Row
from ssrl_data.curate.alike import Look
from ssrl_data.media.image import Picture, encode
from ssrl_data.rng import Rng
from ssrl_data.row import digest, pack_answer

OPTIONS = ["left", "right", "above", "below"]


def facts(i: int, answer: Answer, groups: int = 50, wording: str = "", **features: list[float]) -> Facts:
    group = str(i % groups)
    return Facts(
        id=digest(str(i)),
        name="image/x/easy",
        split="train",
        answer=pack_answer(answer),
        chance=answer.chance,
        group_id=group,
        set_id=str(i),
        license="",
        sources=(group,),
        prompt=digest(wording),
        pictures=str(i),
        sizes=(),
        encodings=(),
        echo=0.0,
        features={family: np.array(values, np.float32) for family, values in features.items()},
    )


def test_bound_covers_what_it_must() -> None:
    """Over many samples of a fair guesser the bound is above the truth in at most 1% (here far fewer)."""
    rng = np.random.default_rng(7)
    for p, n in ((0.25, 300), (0.05, 200), (0.5, 1000)):
        hits = rng.binomial(n, p, 4000)
        above = sum(lower_bound(k / n, n, 1) > p for k in hits)
        assert above <= 40


def test_bound_is_close_to_the_exact_one() -> None:
    from scipy.stats import beta

    for k, n in ((30, 100), (300, 1000), (5, 500)):
        exact = beta.ppf(0.01, k, n - k + 1)
        assert exact - 0.03 < lower_bound(k / n, n, 1) <= exact
    assert lower_bound(0.0, 10, 1) == 0
    assert lower_bound(1.0, 100, 1) == pytest.approx(0.01 ** (1 / 100))
    assert lower_bound(0.4, 100, 50) < lower_bound(0.4, 100, 1)


def test_rows_needed_are_enough_to_catch() -> None:
    for chance in (0.0, 1 / 23, 0.25, 0.5, 0.9):
        n = rows_needed(chance, 12)
        assert lower_bound(min(1.0, chance + 0.12), n, 12) >= chance + 0.02 - 1e-9
        assert n < 2000
    assert divergence(0.5, 1.0) == math.inf


def level(picks: Callable[[Rng, int], Answer], n: int = 1200, **wording: Callable[[int], str]) -> dict[str, bool]:
    """Guesser to whether it beats chance, over rows whose answers `picks` draws."""
    word = wording.get("wording", lambda i: "")
    found = judge_level([facts(i, picks(Rng(i), i), wording=word(i)) for i in range(n)])
    assert found is not None
    return {guess.name: guess.beats for guess in found.guesses} | {"": found.status == "failed"}


def test_fair_answers_pass() -> None:
    assert not any(level(lambda rng, i: Choice().answer(rng.choice(OPTIONS), OPTIONS)).values())
    orders = [[2, 1, 3], [1, 3, 2], [3, 2, 1], [2, 3, 1], [3, 1, 2]]
    assert not any(level(lambda rng, i: Permutation().answer(rng.choice(orders))).values())


def test_constant_is_caught() -> None:
    skewed = level(lambda rng, i: Choice().answer(OPTIONS[0] if rng.below(2) else rng.choice(OPTIONS), OPTIONS))
    assert skewed[""]
    assert skewed["always <answer>left</answer>"]


def test_constant_is_caught_through_partial_credit() -> None:
    """Places 1 to 6 always in order: no order repeats often, the partly right constant still scores."""

    def fixed(rng: Rng, i: int) -> Answer:
        tail = rng.shuffled([7, 8, 9])
        while tail == [7, 8, 9]:
            tail = rng.shuffled(tail)
        return Permutation().answer([1, 2, 3, 4, 5, 6, *tail])

    assert level(fixed)[""]


def test_option_that_stands_out_is_caught() -> None:
    def longest(rng: Rng, i: int) -> Answer:
        options = rng.shuffled([f"cat {i}", f"dog {i}", f"cow {i}", f"elephants and mice {i}"])
        right = max(options, key=len) if rng.below(2) else rng.choice(options)
        return Choice().answer(right, options)

    found = level(longest)
    assert found["longest"]
    assert not found["shortest"]


def test_wording_that_tells_is_caught() -> None:
    found = level(
        lambda rng, i: Choice().answer(OPTIONS[i % 4], OPTIONS), wording=lambda i: f"wording {i % 4 if i % 3 else 0}"
    )
    assert found["most frequent for the wording"]
    assert not any(beats for name, beats in found.items() if name.startswith("always"))


def test_too_few_rows_are_not_a_pass_and_still_can_fail() -> None:
    few = judge_level([facts(i, Choice().answer(OPTIONS[i % 4], OPTIONS)) for i in range(40)])
    assert few is not None
    assert few.status == "not run"
    assert few.needed > 40
    one = judge_level([facts(i, Choice().answer("left", OPTIONS)) for i in range(40)])
    assert one is not None
    assert one.status == "failed"


def unit(*key: str | int) -> float:
    """A draw in [0, 1)."""
    return Rng(*key).below(1 << 20) / (1 << 20)


def labelled(n: int, groups: int, show: Callable[[int, int], list[float]], family: str) -> list[Facts]:
    rows = []
    for i in range(n):
        label = Rng("label", i).below(4)
        rows.append(facts(i, Choice().answer(OPTIONS[label], OPTIONS), groups, **{family: show(i, label)}))
    return rows


@pytest.mark.parametrize("family", FAMILIES)
def test_probe_sees_a_leak_and_measures_what_is_declared(family: str) -> None:
    def leak(i: int, label: int) -> list[float]:
        return [unit(i), label + 1.2 * unit("noise", i) - 0.6]

    rows = labelled(800, 80, leak, family)
    found = probe(rows, frozenset())[family]
    assert found.status == "failed"
    declared = probe(rows, frozenset({family}))[family]
    assert declared == replace(found, status="declared")
    assert declared.accuracy is not None
    assert declared.accuracy > declared.blind + 0.3


def test_a_declared_family_takes_no_part_in_the_correction() -> None:
    rows = labelled(800, 80, lambda i, label: [unit(i), unit("b", i)], "bytes")
    both = [replace(row, features={**row.features, "sizes": row.features["bytes"][:1]}) for row in rows]
    alone = probe(rows, frozenset())["bytes"]
    assert probe(both, frozenset({"sizes"}))["bytes"] == alone
    corrected = probe(both, frozenset())["bytes"]
    assert corrected.lower is not None
    assert alone.lower is not None
    assert corrected.lower < alone.lower


def marked(regions: object) -> Row:
    """A row that draws marks at these boxes."""
    meta = {"make": {"regions": regions}, "sources": []}
    answer = Choice().answer("left", OPTIONS)
    return Row("", "image/x", 1, "easy", "Which?", (), answer, "", "", "", "", meta)


def test_marks_tell_by_where_they_lie() -> None:
    """The nearest of three marks is always the lowest one: no coordinate alone says which, their places together do."""
    rows = []
    for i in range(800):
        places = [[Rng("x", i, k).below(300), Rng("y", i, k).below(300)] for k in range(3)]
        low = max(range(3), key=lambda k: places[k][1])
        found = features(marked([[x, y, x + 20, y + 20] for x, y in places]), [])
        rows.append(replace(facts(i, Choice().answer(OPTIONS[low], OPTIONS[:3]), 80), features=found))
    outcome = probe(rows, frozenset())["marks"]
    assert outcome.status == "failed"
    assert outcome.accuracy is not None
    assert outcome.accuracy > 0.8


def test_rows_without_marks_have_none_of_the_family() -> None:
    assert "marks" in features(marked([[0, 0, 8, 8.5]]), [])
    for nothing in (None, [], {}, "no", [[1, 2, 3]], [[1, 2, 3, True]], [[1, 2, 3, math.inf]], [[1, 2, 3, "4"]]):
        assert "marks" not in features(marked(nothing), [])


def test_probe_passes_noise_and_what_only_names_the_source() -> None:
    noise = probe(labelled(1200, 80, lambda i, label: [unit(i), unit("b", i)], "bytes"), frozenset())
    assert noise["bytes"].status == "passed"
    assert (noise["bytes"].rows, noise["bytes"].sources) == (1200, 80)
    source = probe(labelled(1200, 80, lambda i, label: [float(i % 80)], "bytes"), frozenset())
    assert source["bytes"].status == "passed"
    constant = probe(labelled(60, 10, lambda i, label: [224.0, 224.0], "sizes"), frozenset())
    assert constant["sizes"].status == "passed"


def test_probe_says_when_sources_are_too_few() -> None:
    few = probe(labelled(800, SOURCES - 1, lambda i, label: [label], "bytes"), frozenset())["bytes"]
    assert (few.status, few.sources) == ("not run", SOURCES - 1)
    assert f"{SOURCES} needed" in few.reason


def test_class_is_the_first_element() -> None:
    assert answer_class(pack_answer(Permutation().answer([3, 1, 2]))) == 3
    assert answer_class(pack_answer(Choice().answer("left", OPTIONS))) == "left"
    assert isinstance(answer_class(pack_answer(Number().answer(4, low=0, high=9))), (int, float, str))


@pytest.fixture(scope="module")
def china(photos: Path) -> NDArray[np.uint8]:
    found = Picture((photos / "china.jpg").read_bytes())
    return found.view((0, 0, *found.size), (400, 300))


def test_near_pairs_through_turns_mirrors_and_encoders(china: NDArray[np.uint8], photos: Path) -> None:
    other = Picture((photos / "coffee.png").read_bytes())
    dark = china // 16
    pictures = {
        "test": {"flip": np.rot90(china)[:, ::-1], "dark flip": np.rot90(dark)[:, ::-1]},
        "train": {"china": china, "dark": dark, "coffee": other.view((0, 0, *other.size), (400, 300))},
    }
    looks = {
        split: {name: looks_if_able(np.ascontiguousarray(p)) for name, p in named.items()}
        for split, named in pictures.items()
    }
    assert looks["train"]["dark"][0].flat
    pairs = {(pair.name, pair.other): pair.difference for pair in near_pairs(looks)}
    assert set(pairs) == {("flip", "china"), ("dark flip", "dark")}
    assert pairs["flip", "china"].endswith(" of 256 bits")
    assert pairs["dark flip", "dark"] == "0.0 of 255 levels"


def test_near_pairs_do_not_depend_on_blocks() -> None:
    """More pictures than a block, two of them alike: found at their places."""
    rng = np.random.default_rng(3)
    hashes = [tuple(row.tobytes() for row in rng.integers(0, 256, (8, 32), dtype=np.uint8)) for _ in range(5300)]
    train = {f"{i:05d}": (Look(value, 100, b""),) for i, value in enumerate(hashes[:4700])}
    test = {f"t{i:05d}": (Look(value, 100, b""),) for i, value in enumerate(hashes[4700:])}
    last = test["t00599"][0].hashes
    test["t00599"] = (Look((*last[:5], train["04321"][0].hashes[0], *last[6:]), 100, b""),)
    assert [(p.name, p.other, p.difference) for p in near_pairs({"test": test, "train": train})] == [
        ("t00599", "04321", "0 of 256 bits")
    ]


def test_rows_that_repeat_or_cross() -> None:
    answer = Choice().answer("left", OPTIONS)
    rows = [facts(i, answer) for i in range(5)]
    assert list(duplicates(rows)) == []
    assert list(overlaps(rows)) == []
    again = replace(rows[2], id="another")
    assert [(rule, row.id) for rule, row, _ in duplicates([*rows, again])] == [("duplicate row", "another")]
    other = replace(again, answer=pack_answer(Choice().answer("right", OPTIONS)))
    assert [rule for rule, *_ in duplicates([*rows, other])] == ["two answers"]
    credited = replace(again, answer=again.answer.replace('"c":0.25', '"c":0.2'))
    assert credited.answer != again.answer
    assert [rule for rule, *_ in duplicates([*rows, credited])] == ["duplicate row"]
    written = [replace(row, pictures="", prompt=row.id) for row in (rows[0], replace(rows[0], id="b"))]
    written[1] = replace(written[1], prompt=written[0].prompt)
    assert [message for *_, message in duplicates(written)] == [f"row {rows[0].id} asks the same"]
    for crossing in ({"group_id": "2"}, {"set_id": "2"}, {"sources": ("9", "2")}, {"pictures": "2"}):
        apart = {"group_id": "a", "set_id": "b", "sources": ("c",), "pictures": "d"} | crossing
        assert [rule for rule, *_ in overlaps([*rows, replace(again, split="test", **apart)])] == ["split overlap"]


def save(pixels: NDArray[np.uint8], form: str, **options: object) -> bytes:
    kept = io.BytesIO()
    Image.fromarray(pixels).save(kept, form, **options)
    return kept.getvalue()


def test_anatomy_tells_encodings_apart(china: NDArray[np.uint8]) -> None:
    ours = anatomy(encode(china))
    assert ours is not None
    assert ours.size == (400, 300)
    assert ours.extras == ()
    assert ours.encoding == anatomy(encode(china[::-1].copy())).encoding  # type: ignore[union-attr]
    others = [
        save(china, "JPEG", quality=95, subsampling=2),
        save(china, "JPEG", quality=94, subsampling=0),
        save(china, "JPEG", quality=95, subsampling=0, progressive=True),
        save(china, "PNG"),
    ]
    found = [anatomy(data) for data in others]
    assert len({ours.encoding, *(a.encoding for a in found if a)}) == 5


def test_anatomy_finds_what_is_no_picture(china: NDArray[np.uint8]) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("answer", "3")
    cases = {
        "tEXt chunk": save(china, "PNG", pnginfo=info),
        "ICC profile": save(china, "JPEG", icc_profile=b"x" * 200),
        "EXIF": save(china, "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0"),
        "comment": save(china, "JPEG", comment=b"3"),
        "bytes after the picture": encode(china) + encode(china),
    }
    for extra, data in cases.items():
        found = anatomy(data)
        assert found is not None
        assert extra in found.extras, extra


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8\xff\xc0\0\4"]
)
def test_anatomy_of_what_is_broken(data: bytes) -> None:
    assert anatomy(data) is None


def test_anatomy_of_damaged_files_never_raises(china: NDArray[np.uint8]) -> None:
    data = encode(china)
    rng = np.random.default_rng(5)
    for _ in range(300):
        damaged = bytearray(data[: rng.integers(2, len(data))])
        for at in rng.integers(2, len(damaged), 8) if len(damaged) > 2 else ():
            damaged[at] = rng.integers(256)
        anatomy(bytes(damaged))


def test_faults_are_all_counted_and_few_kept() -> None:
    one, two = Faults(), Faults()
    for i in range(15):
        one.add("rows", "id", str(i), "", "")
        two.add("rows", "id", str(100 + i), "", "")
    one.extend(two)
    assert one.counts == Counter({("rows", "id"): 30})
    assert [finding.row for finding in one.kept] == [*map(str, range(15)), *map(str, range(100, 100 + KEPT - 15))]


def timed(prompt: str) -> Row:
    answer = Choice().answer("left", OPTIONS)
    return Row("", "", 1, "", prompt, (), answer, "", "", "", "", {})


def test_moments_are_read_out_of_the_prompt() -> None:
    clip = "Picture 1, 2.00 s: <image>\nPicture 2, 2.25 s: <image>\nPicture 3, 3.00 s: <image>\nPicture 4, 3.25 s: "
    found = features(timed(clip), [])["times"].tolist()
    assert found == [4, 2.0, 3.25, 0.25, 0.5, 0.0, pytest.approx(1 / 3), 0.0]
    assert "times" not in features(timed("Which of 4 squares, 12 shapes, version 1.2.3 so?"), [])


def test_probe_finds_a_time_that_tells() -> None:
    rows = labelled(1200, 80, lambda i, label: [8, 0.0, 3.5, 0.5, float(label == 1), 0.0, 0.0, 0.0], "times")
    assert probe(rows, frozenset())["times"].status == "failed"


def test_an_interval_is_counted_by_the_quarter_it_begins_in() -> None:
    for start, quarter in ((0.0, 0), (2.4, 0), (2.5, 1), (7.6, 3)):
        answer = Interval().answer(start, start + 1.5, (0, 10), c=0.3, chance=0.3)
        assert answer_class(pack_answer(answer)) == quarter


def sized(name: str, clip: str, *sizes: tuple[int, int]) -> Facts:
    row = facts(0, Choice().answer("left", OPTIONS))
    return replace(row, id=f"{clip} {sizes}", name=name, sources=(clip,), sizes=sizes)


def test_frames_have_the_size_of_their_clip_and_no_other() -> None:
    wide, tall = ((336, 184),) * 8, ((184, 336),) * 8
    clips = "video/jigsaw/easy"
    rows = [sized(clips, "a", *wide), sized(clips, "a", *wide), sized(clips, "b", *tall)]
    faults = Faults()
    _leak({clips: rows}, faults)
    assert not faults.counts
    odd = sized(clips, "a", *wide[1:], (336, 176))
    _leak({clips: [*rows, odd]}, faults)
    assert [(finding.row, finding.message) for finding in faults.kept] == [
        (odd.id, "pictures of 7 x 336x184, 336x176; most rows of the clip have 8 x 336x184")
    ]
    pictures = Faults()
    _leak({"image/jigsaw/easy": [replace(row, name="image/jigsaw/easy") for row in rows]}, pictures)
    assert pictures.counts == {("leak", "sizes"): 1}
