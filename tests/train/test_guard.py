"""A guard stops a stage that collapses, on its log alone, says so again, and lets a healthy one be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import planted
import pytest

from ssrl_data.core import SsrlError
from ssrl_data.rng import Rng
from ssrl_train.config import Config, parse
from ssrl_train.guard import Guard, alarm
from ssrl_train.run import run
from ssrl_train.stages import Grpo, guard_of

pytest_plugins = ("train_rows",)


def one(**keys: Any) -> Config:
    """A config of one grpo stage."""
    return parse({"data": "d", "out": "o", "model": "m", "stages": [{"method": "grpo", **keys}]}, "test")


def history(steps: int, **metrics: Any) -> list[dict[str, float]]:
    """Logged steps, each metric a function of the share of the run that is over, with other entries between."""
    entries: list[dict[str, float]] = []
    for step in range(steps):
        entries.append({name: of(step / steps) for name, of in metrics.items()} | {"step": step, "reward": 0.5})
        entries.append({"eval_loss": 1.0, "step": step})
    return entries


def first_alarm(guard: Guard, entries: list[dict[str, float]]) -> tuple[int, str] | None:
    for end in range(1, len(entries) + 1):
        found = alarm(guard, entries[:end])
        if found:
            return int(entries[end - 1]["step"]), found
    return None


def falls(high: float, low: float) -> Any:
    """A metric that drops half-way."""
    return lambda at: high if at < 0.5 else low


HEALTHY: dict[str, Any] = {
    "answer_entropy": lambda at: 0.9 - 0.4 * at,
    "exact": lambda at: 0.25 + 0.7 * at,
    "frac_reward_zero_std": lambda at: at,
    "completions/mean_length": lambda at: 200 - 190 * at,
    "completions/clipped_ratio": lambda at: 0.2,
}
LEVEL = HEALTHY | {
    "exact": lambda at: 0.4,
    "frac_reward_zero_std": lambda at: 0.3,
    "completions/mean_length": lambda at: 50.0,
}


def test_a_task_that_is_learnt_trips_nothing() -> None:
    assert first_alarm(Guard(), history(200, **HEALTHY)) is None
    assert first_alarm(Guard(), history(200, **LEVEL)) is None
    # Without gold the same lengths and groups say that something went wrong.
    blind = {name: of for name, of in HEALTHY.items() if name != "exact"}
    alarms = [first_alarm(guard, history(400, **blind)) for guard in (Guard(), Guard(shorter=0))]
    said = ("responses end at once", "no group tells better from worse")
    for found, sign in zip(alarms, said, strict=True):
        assert found is not None
        assert found[1].startswith(sign)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"answer_entropy": falls(0.9, 0.02)}, "answers to different prompts are alike"),
        ({"exact": falls(0.5, 0.1)}, "fewer answers are right"),
        ({"frac_reward_zero_std": falls(0.3, 1.0)}, "no group tells better from worse"),
        ({"completions/mean_length": falls(50, 2)}, "responses end at once"),
        (
            {"completions/mean_length": falls(50, 100), "completions/clipped_ratio": falls(0.1, 1.0)},
            "responses run to the cap",
        ),
    ],
)
def test_each_sign_of_a_collapse_is_told_with_its_values(change: dict[str, Any], says: str) -> None:
    found = first_alarm(Guard(window=10), history(200, **LEVEL | change))
    assert found is not None
    step, told = found
    assert says in told
    assert told.count("over the last 10 logged steps") == 1, "the other signs are as they were"
    # Half of the run is over before it begins, and a window later at the latest it is told.
    assert 100 <= step < 110
    late = first_alarm(Guard(window=180), history(200, **LEVEL | change))
    assert late is None, "there is no window beside the first steps yet"


def test_longer_responses_and_full_caps_alone_are_no_sign() -> None:
    longer = LEVEL | {"completions/mean_length": falls(50, 100)}
    assert first_alarm(Guard(window=10), history(200, **longer)) is None
    capped = LEVEL | {"completions/clipped_ratio": falls(0.1, 1.0)}
    assert first_alarm(Guard(window=10), history(200, **capped)) is None


def test_the_end_of_a_range_never_stops_a_run() -> None:
    worst = {name: falls(0.9, 0.0) for name in ("answer_entropy", "exact")}
    worst |= {"frac_reward_zero_std": falls(0.0, 1.0), "completions/mean_length": falls(50, 0)}
    assert first_alarm(Guard(window=10, entropy=0, fall=1, dead=1, shorter=0), history(100, **worst)) is None
    assert first_alarm(Guard(window=10), history(100, **worst)) is not None


def test_the_scatter_of_small_batches_is_no_fall() -> None:
    """Two prompts a step, right or wrong by chance: windows differ by much more than `fall` from the best one."""
    rng = Rng("scatter")
    shares = [sum(rng.uniform() < 0.6 for _ in range(2)) / 2 for _ in range(500)]
    entries = [{"reward": share, "exact": share, "step": float(i)} for i, share in enumerate(shares)]
    means = [sum(shares[i : i + 20]) / 20 for i in range(481)]
    assert max(max(means[:i]) - means[i] for i in range(1, 481)) > 1.5 * Guard().fall
    assert first_alarm(Guard(), entries) is None
    assert first_alarm(Guard(), [*entries, *({"exact": 0.0, "reward": 0.0, "step": 500.0},) * 20]) is not None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"window": 1}, "guard: window is 1: it must be at least 2"),
        ({"entropy": 1.5}, "guard: entropy is 1.5: it must be from 0 to 1"),
        ({"longer": 0.5}, "guard: longer is 0.5: it must be at least 1"),
        ({"windows": 20}, "guard: unknown key 'windows': did you mean 'window'?"),
        ({"about": "me"}, "guard: unknown key 'about'"),
        ("no", "guard is 'no': it must be auto, none or a mapping of its fields"),
        ([], "guard: expected a mapping of keys to values"),
    ],
)
def test_what_a_guard_may_be(given: Any, message: str) -> None:
    with pytest.raises(SsrlError, match="stage 1: ") as raised:
        one(guard=given)
    assert message in str(raised.value)


def test_it_is_on_where_nothing_else_says_what_is_right() -> None:
    def guard(**keys: Any) -> Guard | None:
        (stage,) = one(**keys).stages
        assert isinstance(stage, Grpo)
        return guard_of(stage)

    assert guard() is None
    assert guard(reward="form") is None
    assert guard(guard={}) == Guard()
    assert guard(guard={"window": 7}) == Guard(window=7)
    assert guard(reward="majority") == Guard()
    assert guard(reward="majority", guard="auto") == Guard()
    assert guard(reward="majority", guard="none") is None
    assert guard(reward="majority", guard=None) is None


def test_a_planted_collapse_stops_the_run_and_keeps_the_checkpoint(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted.plant(monkeypatch)
    config = planted.config(dataset, tmp_path / "run", guard={"window": 5})
    said: list[str] = []
    with pytest.raises(SsrlError, match="the guard stopped training at step") as stopped:
        run(config, said.append)
    message = str(stopped.value)
    assert "answers to different prompts are alike" in message
    step = int(message.partition("at step ")[2].partition(",")[0])
    work = config.out / "checkpoints" / "2-grpo"
    kept = sorted(int(path.name.rpartition("-")[2]) for path in work.glob("checkpoint-*"))
    assert kept
    assert kept[-1] < step
    assert f"checkpoint-{kept[-1]} is kept" in message
    assert not (config.out / "stages" / "2-grpo").exists()
    assert not (config.out / "result.json").exists()

    # Started again it says the same and trains nothing.
    lines = len(said)
    with pytest.raises(SsrlError) as again:
        run(config, said.append)
    assert str(again.value) == message
    assert not any("resuming" in line for line in said[lines:])

    # A resumed run finds what an unbroken one does.
    (work / "guard.json").unlink()
    with pytest.raises(SsrlError) as resumed:
        run(config, said.append)
    assert str(resumed.value) == message
    assert any("resuming" in line for line in said[lines:])

    # Under another guard it goes on from the checkpoint, and ends.
    history = json.loads((work / f"checkpoint-{kept[-1]}" / "trainer_state.json").read_text())["log_history"]
    result = run(planted.config(dataset, config.out, guard="none"), said.append)
    assert result["steps"] == planted.STEPS
    after = json.loads((config.out / "stages" / "2-grpo" / "trainer_state.json").read_text())["log_history"]
    assert after[: len(history)] == history
