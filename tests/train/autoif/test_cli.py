"""`ssrl autoif` as a user runs it: going on after a kill, saying how it stands, and what it says of mistakes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from autoif_runs import refusal, run, write_config
from command import published, ssrl
from loopback_model import Model, served
from made_autoif import SEEDS, author

from ssrl_train.tiny import Tiny, build_model, build_processor

pytest_plugins = ("autoif_runs",)


def begun(config: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    """The command in a process group of its own."""
    command = [str(Path(sys.executable).parent / "ssrl"), "autoif", str(config), "--out", str(out), "--workers", "1"]
    return subprocess.Popen(
        [*command, *more], start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def end(process: subprocess.Popen[str], sign: signal.Signals) -> str:
    """End all its processes; what it said."""
    assert process.poll() is None
    os.killpg(process.pid, sign)
    return process.communicate(timeout=10)[1]


def stored(out: Path) -> set[tuple[str, int]]:
    """Prompt and seed of each call that is stored."""
    return {
        (json.loads(path.read_text())["prompt"], int(path.stem[:8], 16) >> 1) for path in out.glob("calls/*/*.json")
    }


def lines(folder: Path) -> dict[str, str]:
    """The content of the folder, but for what a build notes for itself."""
    return {name: digest for name, digest in published(folder).items() if name != ".lock"}


def test_a_run_that_is_killed_goes_on_and_asks_nothing_again(finished: Path, scribe: Model, tmp_path: Path) -> None:
    scribe.wait = 0.05
    config, out = write_config(tmp_path, f"server: '{scribe.url}'"), tmp_path / "out"
    known: set[tuple[str, int]] = set()
    for count in (3, 19, 43):
        first = len(scribe.asked)
        process = begun(config, out)
        while len(scribe.asked) < first + count:
            assert process.poll() is None
            time.sleep(0.01)
        end(process, signal.SIGKILL)
        now = stored(out)
        assert now >= known
        asked = {(body["messages"][0]["content"], body["seed"]) for body in scribe.asked[first:]}
        assert not asked & known
        assert len(asked - now) <= 2  # under way at the kill, and so answered and not stored
        known = now
    first = len(scribe.asked)
    run(config, out)
    assert not {(body["messages"][0]["content"], body["seed"]) for body in scribe.asked[first:]} & known
    assert lines(out) == lines(finished)
    total = scribe.calls
    run(config, out)
    assert scribe.calls == total


def test_an_interrupt_waits_for_no_reply(scribe: Model, tmp_path: Path) -> None:
    config, out = write_config(tmp_path, f"server: '{scribe.url}'"), tmp_path / "out"
    run(config, out, "expand")
    scribe.wait = 30.0
    process = begun(config, out)
    while scribe.calls < 2:
        assert process.poll() is None
        time.sleep(0.01)
    said = end(process, signal.SIGINT)
    assert process.returncode == 130
    assert said.splitlines()[-1] == f"interrupted: run the same command again to go on in {out}"
    assert "Traceback" not in said


def test_a_validation_that_is_killed_goes_on(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, out = write_config(tmp_path, f"recorded: '{finished / 'calls'}'"), tmp_path / "out"
    for step in ("expand", "write"):
        run(config, out, step)
    process = begun(config, out, "--step", "validate")
    journal = out / "steps/validate.journal"
    while not journal.is_file() or journal.read_bytes().count(b"\n") < 3:
        assert process.poll() is None
        time.sleep(0.001)
    end(process, signal.SIGKILL)
    run(config, out, "validate")
    assert " of 7 instructions are done" in capsys.readouterr().err
    assert (out / "validated.jsonl").read_bytes() == (finished / "validated.jsonl").read_bytes()
    assert (out / "dropped/validate.jsonl").read_bytes() == (finished / "dropped/validate.jsonl").read_bytes()


def test_status_says_how_each_step_stands(finished: Path) -> None:
    config = finished.parent / "autoif.yaml"
    said = ssrl("autoif", config, "--out", finished, "--status")
    assert said.returncode == 0, said.stderr
    found = said.stdout.splitlines()
    assert [line.split()[0] for line in found] == [
        *("expand", "write", "validate", "backtranslate", "attach", "rl", "answer", "sft", "dpo"),
    ]
    assert all(" done: " in line for line in found)
    assert "7 kept, 3 dropped (needs how words sound 1, repeats another 1, too short 1)" in found[0]
    assert "5 kept, 1 dropped (a checker contradicts it 1)" in found[3]
    assert "repeats another 1, too long 1, too short 1, usable 12" in found[4]


def test_steps_run_alone_and_in_order(finished: Path, tmp_path: Path) -> None:
    config, out = write_config(tmp_path, f"recorded: '{finished / 'calls'}'"), tmp_path / "out"
    assert "step validate reads what step write makes, and that is to do: run it with --step write" in refusal(
        config, out, "validate"
    )
    for step in ("expand", "write", "validate"):
        run(config, out, step)
    assert (out / "validated.jsonl").read_bytes() == (finished / "validated.jsonl").read_bytes()
    said = ssrl("autoif", config, "--out", out, "--status").stdout
    assert Counter(line.split()[1].rstrip(":") for line in said.splitlines()) == {"done": 3, "to": 6}


def test_what_is_stale_is_said_and_made_again_when_named(finished: Path, tmp_path: Path) -> None:
    config, out = write_config(tmp_path, f"recorded: '{finished / 'calls'}'"), tmp_path / "out"
    for step in ("expand", "write", "validate", "backtranslate", "attach"):
        run(config, out, step)
    config.write_text(config.read_text().replace("queries_each: 4", "queries_each: 5"))
    assert refusal(config, out) == (
        f"{out}: step attach is stale, since queries_each was 4 and is 5: run it with --step attach, which makes it "
        "and what follows again, or choose another --out"
    )
    assert "stale: 5 kept" in ssrl("autoif", config, "--out", out, "--status").stdout
    run(config, out, "attach")
    assert all(len(json.loads(line)["queries"]) == 5 for line in (out / "checkers.jsonl").read_text().splitlines())
    (tmp_path / "seeds.txt").write_text(f"{SEEDS[0]}\n{SEEDS[1]}\n")
    assert "step expand is stale, since seeds was" in refusal(config, out)
    (out / "validated.jsonl").write_text("")
    (tmp_path / "seeds.txt").write_text("# ours\n" + "".join(f"{text}\n" for text in SEEDS))
    assert "step validate is stale, since validated.jsonl is missing or was changed" in refusal(config, out)


def test_a_missing_call_is_named(finished: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path, f"recorded: '{finished / 'calls'}'")
    config.write_text(config.read_text().replace("outputs: 6", "outputs: 7"))
    said = refusal(config, tmp_path / "out")
    assert "holds no recorded call for a checker of 'Write exactly three lines.', 7 of 7 (call " in said
    assert "\n" not in said


def test_a_tiny_model_writes_nothing_of_use_and_the_run_says_so(tmp_path: Path) -> None:
    settings = Tiny("qwen3")
    processor = build_processor(settings, SEEDS)
    build_model(settings, processor, 0).save_pretrained(tmp_path / "tiny")
    processor.save_pretrained(tmp_path / "tiny")
    config = write_config(tmp_path, f"local: '{tmp_path / 'tiny'}'")
    text = config.read_text().replace("temperature: 0.8", "temperature: 0.8, max_tokens: 20")
    config.write_text(text.replace("outputs: 6", "outputs: 2"))
    assert "checkers.jsonl holds no instruction" in refusal(config, tmp_path / "out")
    lost = [json.loads(line) for line in (tmp_path / "out/dropped/validate.jsonl").read_text().splitlines()]
    assert {row["instruction"] for row in lost} >= set(SEEDS)
    written = (tmp_path / "out/written.jsonl").read_bytes()
    run(config, tmp_path / "again", "expand")
    run(config, tmp_path / "again", "write")
    assert (tmp_path / "again/written.jsonl").read_bytes() == written


def mistake(*arguments: str | Path, **environment: str) -> str:
    """What the command says of a mistake: one sentence, no traceback, exit code 2."""
    done = ssrl("autoif", *arguments, **environment)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    *before, last = done.stderr.splitlines()
    assert last.startswith("ssrl: "), done.stderr
    assert not any("Error" in line for line in before)
    return last


def test_mistakes_of_a_new_user(tmp_path: Path) -> None:
    config, out = write_config(tmp_path, "server: 'http://127.0.0.1:9/v1'"), tmp_path / "out"
    assert "no server answers at http://127.0.0.1:9/v1/chat/completions (Connection refused)" in mistake(
        config, "--out", out
    )
    assert "holds no run of `ssrl autoif`" in mistake(config, "--out", tmp_path / "none", "--status")
    (tmp_path / "taken").write_text("a file")
    assert "taken cannot be a folder: a file is in its place" in mistake(config, "--out", tmp_path / "taken")
    assert "none.yaml: cannot be read: No such file or directory" in refusal(tmp_path / "none.yaml", out)
    assert "no step 'validat': did you mean 'validate'?" in refusal(config, out, "validat")
    (tmp_path / "seeds.txt").write_text("\n")
    assert "seeds.txt: holds no instruction: write one a line" in refusal(config, tmp_path / "other")
    (tmp_path / "seeds.txt").unlink()
    assert "seeds.txt: cannot be read (No such file or directory)" in refusal(config, tmp_path / "other")


def test_a_file_that_is_missing_later_is_said_first(scribe: Model, tmp_path: Path) -> None:
    config = write_config(tmp_path, f"server: '{scribe.url}'")
    (tmp_path / "queries.txt").unlink()
    assert "queries.txt: cannot be read (No such file or directory)" in refusal(config, tmp_path / "out")
    assert scribe.calls == 0


def test_a_wrong_key_is_said_and_not_shown(tmp_path: Path) -> None:
    model = Model(author, key="sk-right")
    with served(model) as url:
        config = write_config(tmp_path, f"server: '{url}', key: SCRIBE_KEY")
        assert "the environment variable SCRIBE_KEY is not set" in refusal(config, tmp_path / "out")
        said = mistake(config, "--out", tmp_path / "out", SCRIBE_KEY="sk-wrong-5678")
        assert (
            "refuses the key (status 401: Incorrect API key provided: Bearer ***): check the key in SCRIBE_KEY" in said
        )
        done = ssrl("autoif", config, "--out", tmp_path / "out", "--step", "expand", SCRIBE_KEY="sk-right")
        assert done.returncode == 0, done.stderr
    kept = [path.read_text() for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert kept
    assert "sk-" not in "".join(kept)


@pytest.mark.parametrize("step", ["expand", "answer"])
def test_a_step_that_a_config_has_no_use_for_is_off(step: str, finished: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path, f"recorded: '{finished / 'calls'}'")
    config.write_text(config.read_text().replace("answer: {answers: 8}", "").replace("expand: {calls: 1}", ""))
    run(config, tmp_path / "out", "expand")
    if step == "expand":
        assert len((tmp_path / "out/instructions.jsonl").read_text().splitlines()) == len(SEEDS)
    else:
        said = ssrl("autoif", config, "--out", tmp_path / "out", "--step", "answer")
        assert said.stdout.split(maxsplit=1)[1].strip() == "off: the config has no `answer`"
