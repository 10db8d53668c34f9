"""Writers: a server and its troubles, a model in this process, recorded calls; and the store of calls."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback_model import Model, served

from ssrl_data.core import SsrlError
from ssrl_train.autoif import writers
from ssrl_train.autoif.calls import Ask, Calls, Recorded
from ssrl_train.autoif.config import Writer
from ssrl_train.autoif.writers import Local, Server, writer_of
from ssrl_train.tiny import Tiny, build_model, build_processor

KEY = "sk-very-secret-1234"
HELLO = Ask("Say hello.", 0, "a greeting")


@pytest.fixture
def model() -> Iterator[Model]:
    found = Model(lambda prompt, seed: f"You said: {prompt}")
    with served(found):
        yield found


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Lines that writers say; pauses are short meanwhile."""
    monkeypatch.setattr(writers, "PAUSE", 0.01)
    return []


def writer(model: Model, said: list[str], **changes: object) -> Server:
    fields = {"server": model.url, "model": "scribe", "parameters": {"temperature": 0.5}, "timeout": 1.0, "retries": 3}
    return Server(Writer(**fields | changes), said.append)  # type: ignore[arg-type]


def ask(server: Server, prompt: Ask = HELLO) -> str:
    return server(prompt, "0" * 32, 7)


def test_a_server_is_asked_in_the_form_that_it_knows(model: Model, said: list[str]) -> None:
    assert ask(writer(model, said)) == "You said: Say hello."
    message = {"role": "user", "content": "Say hello."}
    assert model.asked == [{"model": "scribe", "messages": [message], "temperature": 0.5, "seed": 7}]
    assert said == []


def test_an_address_may_end_with_a_slash(model: Model, said: list[str]) -> None:
    assert ask(writer(model, said, server=model.url + "/")) == "You said: Say hello."


@pytest.mark.parametrize("trouble", ["429", "500", "503", "slow", "trickle", "cut", "junk", "empty", "gone"])
def test_a_failure_that_can_pass_is_tried_again(trouble: str, model: Model, said: list[str]) -> None:
    model.troubles = [trouble, trouble]
    assert ask(writer(model, said)) == "You said: Say hello."
    assert model.calls == 3
    assert len(said) == 2
    assert said[0].startswith("a greeting: ")
    assert said[1].endswith("(2 of 3)")
    assert "\x1b" not in "".join(said)


def test_a_server_that_keeps_failing_ends_the_run_in_one_sentence(model: Model, said: list[str]) -> None:
    model.troubles = ["500"] * 10
    with pytest.raises(
        SsrlError, match=r"failed 4 times for a greeting, the last time with: status 500: busy"
    ) as found:
        ask(writer(model, said))
    assert model.calls == 4
    assert "\n" not in str(found.value)


def test_a_pause_is_the_servers_and_bounded(model: Model, said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    model.troubles = ["429 after 0.25", "429 after 86400", "429 after soon"]
    ask(writer(model, said))
    assert slept == [0.25, writers.LONGEST_PAUSE, writers.PAUSE * 4, 0.0]  # the last one is the model's own


def test_a_late_reply_costs_no_more_than_the_time_limit(model: Model, said: list[str]) -> None:
    model.troubles = ["trickle"] * 5
    start = time.monotonic()
    with pytest.raises(SsrlError, match=r"no whole reply in 1 s"):
        ask(writer(model, said, retries=0))
    assert time.monotonic() - start < 2.5


def test_a_model_that_only_thought_says_nothing(model: Model, said: list[str]) -> None:
    model.troubles = ["thought"]
    assert ask(writer(model, said)) == ""


def test_halves_of_characters_are_replaced(model: Model, said: list[str]) -> None:
    model.say = lambda prompt, seed: "half \ud83d and whole \U0001f600"
    assert ask(writer(model, said)) == "half \ufffd and whole \U0001f600"


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ("400", "refuses the call (status 400"),
        ("422", "refuses the call (status 422"),
        ("404", "knows no such path or no model 'scribe'"),
        ("403", "refuses the key (status 403"),
        ("elsewhere", "sends calls elsewhere (status 307): put that address under `server`"),
    ],
)
def test_what_cannot_pass_is_said_at_once(status: str, says: str, model: Model, said: list[str]) -> None:
    model.troubles = [status]
    with pytest.raises(SsrlError) as found:
        ask(writer(model, said))
    assert says in str(found.value)
    assert model.calls == 1


def test_nobody_there_is_said_at_once(said: list[str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    server = Server(Writer(server=url, model="m"), said.append)
    with pytest.raises(SsrlError, match=r"no server answers at .*Connection refused"):
        ask(server)
    assert said == []


def test_the_key_comes_from_the_environment_and_stays_there(
    model: Model, said: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model.key = KEY
    monkeypatch.delenv("SCRIBE_KEY", raising=False)
    with pytest.raises(SsrlError, match="the environment variable SCRIBE_KEY is not set"):
        ask(writer(model, said, key="SCRIBE_KEY"))
    monkeypatch.setenv("SCRIBE_KEY", KEY)
    server = writer(model, said, key="SCRIBE_KEY")
    assert Calls(tmp_path, "scribe", {}, server).output(HELLO) == "You said: Say hello."
    assert KEY not in "".join(path.read_text() for path in tmp_path.rglob("*.json"))
    monkeypatch.setenv("SCRIBE_KEY", "sk-wrong-5678")
    with pytest.raises(SsrlError, match=r"refuses the key .*check the key in SCRIBE_KEY") as found:
        ask(writer(model, said, key="SCRIBE_KEY"))
    assert "sk-wrong" not in str(found.value)
    with pytest.raises(SsrlError, match="name the environment variable of its key"):
        ask(writer(model, said))
    monkeypatch.setenv("SCRIBE_KEY", "two\nlines")
    with pytest.raises(SsrlError, match="holds no key"):
        ask(writer(model, said, key="SCRIBE_KEY"))


def test_calls_are_asked_once_and_kept(model: Model, said: list[str], tmp_path: Path) -> None:
    calls = Calls(tmp_path, "scribe", {"temperature": 0.5}, writer(model, said), 4)
    asks = [Ask(f"Say {n % 5}.", n // 5, "a number") for n in range(20)]
    outputs = list(calls.outputs(asks))
    assert outputs == [f"You said: Say {n % 5}." for n in range(20)]
    assert calls.asked == len(model.asked) == 20
    assert len({body["seed"] for body in model.asked}) == 20  # repeated calls of one prompt differ in their seed
    assert list(calls.outputs(asks)) == outputs
    assert calls.asked == 20
    stored = [json.loads(path.read_text()) for path in tmp_path.rglob("*.json")]
    assert sorted(stored[0]) == ["k", "model", "output", "parameters", "prompt"]
    assert all(path.parent.name == path.stem[:2] for path in tmp_path.rglob("*.json"))


def test_other_parameters_are_other_calls(tmp_path: Path) -> None:
    keys = {
        Calls(tmp_path, model, parameters, Recorded(str(tmp_path))).key(Ask(prompt, k, "anything"))
        for model in ("a", "b")
        for parameters in ({}, {"temperature": 0.5}, {"temperature": 1})
        for prompt in ("p", "q")
        for k in (0, 1)
    }
    assert len(keys) == 2 * 3 * 2 * 2


def test_calls_before_a_failure_are_kept(model: Model, said: list[str], tmp_path: Path) -> None:
    calls = Calls(tmp_path, "scribe", {}, writer(model, said, retries=0))
    model.troubles = ["", "", "500"]
    with pytest.raises(SsrlError, match="failed 1 times"):
        list(calls.outputs(Ask(f"Say {n}.", 0, "a number") for n in range(3)))
    assert len(list(tmp_path.rglob("*.json"))) == 2


def test_recorded_calls_stand_for_the_model(model: Model, said: list[str], tmp_path: Path) -> None:
    folder, file = tmp_path / "calls", tmp_path / "calls.jsonl"
    asks = [Ask(f"Say {n}.", 0, f"number {n}") for n in range(3)]
    first = Calls(folder, "scribe", {}, writer(model, said))
    outputs = list(first.outputs(asks))
    file.write_text("".join(json.dumps(json.loads(path.read_text())) + "\n" for path in folder.rglob("*.json")))
    for number, address in enumerate((folder, file)):
        again = Calls(tmp_path / f"again{number}", "scribe", {}, Recorded(str(address)))
        assert list(again.outputs(asks)) == outputs
        missing = Ask("Say 3.", 0, "number 3")
        with pytest.raises(SsrlError, match="holds no recorded call for number 3") as found:
            again.output(missing)
        assert again.key(missing) in str(found.value)
    assert len(model.asked) == 3


@pytest.mark.parametrize(
    "text", ["", "{}", '{"model": 1}', "[[", '{"model":"m","parameters":{},"prompt":"p","k":true,"output":""}']
)
def test_what_is_no_recorded_call_is_said(text: str, tmp_path: Path) -> None:
    calls = Calls(tmp_path / "calls", "m", {}, Recorded(str(tmp_path)))
    key = calls.key(HELLO)
    path = tmp_path / "calls" / key[:2] / f"{key}.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(SsrlError, match=f"{key}.json: is no call that was stored here: remove it"):
        calls.output(HELLO)
    file = tmp_path / "calls.jsonl"
    file.write_text(f"\n{text}\n")
    if text:
        with pytest.raises(SsrlError, match="line 2 is no recorded call"):
            Recorded(str(file))


def test_a_call_that_was_changed_is_not_taken(model: Model, said: list[str], tmp_path: Path) -> None:
    calls = Calls(tmp_path, "scribe", {}, writer(model, said))
    calls.output(HELLO)
    (path,) = tmp_path.rglob("*.json")
    path.write_text(path.read_text().replace("Say hello", "Say goodbye"))
    with pytest.raises(SsrlError, match="was changed after it was stored"):
        calls.output(HELLO)


def test_recorded_calls_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SsrlError, match="no recorded calls are there"):
        writer_of(Writer(recorded=str(tmp_path / "none"), model="m"), print)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny text model, saved."""
    folder = tmp_path_factory.mktemp("autoif") / "tiny"
    settings = Tiny("qwen3", spread=0.5)
    processor = build_processor(settings, ["Say hello to the world and to everybody in it."])
    build_model(settings, processor, 0).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def test_a_model_in_this_process_writes_by_its_seed(tiny: Path) -> None:
    local = Local(str(tiny), {"temperature": 1.0, "top_p": 0.9, "max_tokens": 12})
    outputs = [local(HELLO, "", seed) for seed in (1, 2, 1)]
    assert outputs[0] == outputs[2] != outputs[1]
    assert Local(str(tiny), {"temperature": 1.0, "top_p": 0.9, "max_tokens": 12})(HELLO, "", 1) == outputs[0]
    greedy = Local(str(tiny), {"temperature": 0, "max_tokens": 12})
    assert greedy(HELLO, "", 1) == greedy(HELLO, "", 2)
    assert writer_of(Writer(local=str(tiny)), print)[1] == 1


def test_a_prompt_that_does_not_fit_is_said(tiny: Path) -> None:
    with pytest.raises(
        SsrlError, match=r"a greeting takes \d+ tokens and max_tokens is 4096, but the model reads 2048"
    ):
        Local(str(tiny), {})(HELLO, "", 1)


def test_a_local_model_that_is_not_there_or_has_no_template(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(SsrlError, match="no model loads from"):
        Local(str(tmp_path / "none"), {})(HELLO, "", 1)
    with pytest.raises(SsrlError, match="did you mean 'max_tokens'"):
        Local(str(tiny), {"max_token": 3})
    bare = tmp_path / "bare"
    bare.mkdir()
    for path in tiny.iterdir():
        if path.name != "chat_template.jinja":
            (bare / path.name).write_bytes(path.read_bytes())
    with pytest.raises(SsrlError, match="has no chat template"):
        Local(str(bare), {"max_tokens": 3})(HELLO, "", 1)
