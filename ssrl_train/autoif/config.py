"""An AutoIF run as one YAML file: where instructions come from, who writes, and what is made of it.

    seeds: seeds.txt                # instructions to begin with: text, one a line, or JSON lines with `instruction`
    import: written.jsonl           # checkers that are written already: ours, or QwenLM/AutoIF's own records
    seed: 0
    writer:
      server: http://127.0.0.1:8000/v1      # any OpenAI-compatible address; or `local: MODEL`; or `recorded: CALLS`
      model: Qwen/Qwen3-8B
      key: OPENAI_API_KEY                   # the environment variable that holds the key; never the key itself
      parameters: {temperature: 0.8, max_tokens: 4096}
    expand: {calls: 20}             # 20 times ask for 50 instructions like the seeds
    write: {outputs: 8}             # functions and cases for each instruction
    validate: {preset: paper}       # and any of its thresholds
    backtranslate: true
    attach: {queries: queries.jsonl, queries_each: 8, against: [ifeval.jsonl]}
    rl: {rows: 2000, split: {test: 0.1}}
    answer: {answers: 8}            # or {recorded: responses.jsonl}; without this key, no SFT rows and no DPO pairs

Files are looked for beside the config first. A key that nothing knows is an error that names the closest one.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ssrl_data.core import Json, SsrlError
from ssrl_data.registry import suggest
from ssrl_data.yaml_file import read_yaml
from ssrl_train.autoif.thresholds import PRESETS, Thresholds
from ssrl_train.fields import filled, mapping, only_known

WAYS = ("server", "local", "recorded")
"""How a writer can be reached; a config names one."""

OWNED = frozenset({"messages", "model", "n", "seed", "stream"})
"""Parameters of a call that the run sets itself."""

_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,99}")


@dataclass(frozen=True, slots=True)
class Writer:
    """The model that writes, and how it is reached.

    Attributes:
        server: an OpenAI-compatible address, up to `/v1`; None for another way.
        local: a model that transformers loads here: a folder or hub name.
        recorded: a folder `calls` of another run, or such calls as JSON lines: nothing is asked of any model.
        model: its name, as the server knows it and as every stored call states it; that of `local` by default.
        key: name of the environment variable that holds the server's key.
        parameters: of each call, passed on as they are (`temperature`, `top_p`, `max_tokens`, ...).
        timeout: seconds that a whole reply may take.
        retries: times that a call is tried again after a failure that can pass.
        parallel: calls under way at once, of a server.
    """

    server: str | None = None
    local: str | None = None
    recorded: str | None = None
    model: str | None = None
    key: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=lambda: {"temperature": 0.8, "max_tokens": 4096})
    timeout: float = 300.0
    retries: int = 5
    parallel: int = 8

    def __post_init__(self) -> None:
        """Refuse what cannot be asked."""
        if sum(getattr(self, way) is not None for way in WAYS) != 1:
            raise ValueError("wants one of server, local and recorded")
        if self.model is None and self.local is None:
            raise ValueError("model is missing: name the model as its server or the recorded calls do")
        if self.key is not None and not _VARIABLE.fullmatch(self.key):
            raise ValueError(
                "key must be the name of an environment variable, like OPENAI_API_KEY, and never the key itself"
            )
        if self.server is not None:
            _address(self.server)
        for name in sorted(OWNED & self.parameters.keys()):
            raise ValueError(f"parameters: {name} is set by the run: leave it out")
        for name, low, high in (("timeout", 1.0, 86_400.0), ("retries", 0, 100), ("parallel", 1, 1_000)):
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} is {getattr(self, name)}: it must lie in {low:g}..{high:g}")

    @property
    def name(self) -> str:
        """What stored calls say of who wrote."""
        return self.model or self.local or ""

    def settings(self) -> Json:
        """What decides on its outputs; where it is reached does not."""
        return {"model": self.name, "parameters": dict(self.parameters)}


@dataclass(frozen=True, slots=True)
class Expand:
    """How many instructions are asked for, in the manner of Self-Instruct (arXiv 2212.10560).

    Attributes:
        calls: how often the writer is asked; 0 takes the seeds alone.
        each: instructions that a call asks for.
        shown: seeds that a call shows, drawn anew for each.
    """

    calls: int = 0
    each: int = 50
    shown: int = 8

    def __post_init__(self) -> None:
        """Check ranges."""
        _within(self, {"calls": (0, 100_000), "each": (1, 500), "shown": (1, 50)})


@dataclass(frozen=True, slots=True)
class Write:
    """How many outputs, each a function with cases, are asked for an instruction."""

    outputs: int = 8

    def __post_init__(self) -> None:
        """Check ranges."""
        _within(self, {"outputs": (1, 64)})


@dataclass(frozen=True, slots=True)
class Attach:
    """The requests that instructions are attached to.

    Attributes:
        queries: a file (`queries.read_queries`), or the address of a corpus of questions; None attaches none.
        queries_each: how many each instruction gets at most.
        against: benchmark files; a query or an instruction that shares `ngram` words in a row with one is left out.
        ngram: words of such a run.
    """

    queries: str | None = None
    queries_each: int = 8
    against: tuple[str, ...] = ()
    ngram: int = 13

    def __post_init__(self) -> None:
        """Check ranges."""
        _within(self, {"queries_each": (1, 1_000), "ngram": (8, 100)})


@dataclass(frozen=True, slots=True)
class Rl:
    """The dataset of `instruction/autoif` that is built of the checkers: keys as in a recipe.

    Attributes:
        rows: in all; None: one for each query of each instruction.
        levels: of the task; empty for all.
        split: name to fraction of the instructions, beside train.
        license: SPDX licence of what was written, which the writer's makers may have a say in.
    """

    rows: int | None = None
    levels: tuple[str, ...] = ()
    split: Mapping[str, float] = field(default_factory=dict)
    license: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Where the responses come from that SFT rows and DPO pairs are made of.

    Attributes:
        answers: how many the writer gives to each row's prompt.
        recorded: in place of the writer, a file of responses as `ssrl grade` takes it.
        relevance: what the writer must say at least, of 10, of how well a right response does what is asked beside its
            form (8 in the paper); 0 does not ask.
    """

    answers: int = 8
    recorded: str | None = None
    relevance: int = 8

    def __post_init__(self) -> None:
        """Check ranges."""
        _within(self, {"answers": (1, 64), "relevance": (0, 10)})


@dataclass(frozen=True, slots=True)
class Config:
    """A resolved run; see the module. `where` is the file, for messages."""

    where: str
    seeds: Path | None = None
    imported: Path | None = None
    seed: int = 0
    writer: Writer | None = None
    expand: Expand = field(default_factory=Expand)
    write: Write = field(default_factory=Write)
    validate: Thresholds = field(default_factory=Thresholds)
    backtranslate: bool = True
    attach: Attach = field(default_factory=Attach)
    rl: Rl = field(default_factory=Rl)
    answer: Answer | None = None


_KEYS = ("import", *(f.name for f in dataclasses.fields(Config) if f.name not in ("where", "imported")))

_SECTIONS: Mapping[str, type[Any]] = {
    "writer": Writer,
    "expand": Expand,
    "write": Write,
    "attach": Attach,
    "rl": Rl,
    "answer": Answer,
}
_FILES = {"writer": ("recorded",), "attach": ("queries", "against"), "answer": ("recorded",)}


def load_config(path: Path) -> Config:
    """Read a config file.

    Raises:
        SsrlError: it is not one; the message names file, key and value.
    """
    where = str(path)
    body = mapping(read_yaml(path), where)
    only_known(body, _KEYS, where)
    found: dict[str, Any] = {"where": where}
    for key, name in (("seeds", "seeds"), ("import", "imported")):
        if body.get(key) is not None:
            found[name] = _file(body[key], path, key)
    if not found.keys() & {"seeds", "imported"}:
        raise SsrlError(f"{where}: names no instructions: add `seeds: FILE`, or `import: FILE` of written checkers")
    for key, kind in (("seed", int), ("backtranslate", bool)):
        if key in body:
            if type(body[key]) is not kind:
                raise SsrlError(f"{where}: {key} must be {kind.__name__}, got {body[key]!r}")
            found[key] = body[key]
    for key, cls in _SECTIONS.items():
        if body.get(key) is not None:
            found[key] = filled(cls, body[key], f"{where}: {key}")
    if body.get("validate") is not None:
        found["validate"] = _thresholds(body["validate"], f"{where}: validate")
    for key, files in _FILES.items():
        if key in found:
            there = {name: _beside(getattr(found[key], name), path) for name in files}
            found[key] = dataclasses.replace(found[key], **there)
    config = Config(**found)
    writer = config.writer
    if writer is None and (asking := _asking(config)):
        raise SsrlError(f"{where}: {asking} asks a model and there is no writer: add `writer:`, or switch that off")
    return config


def _asking(config: Config) -> str:
    """What of a config cannot be done without a writer."""
    if config.expand.calls:
        return "expand"
    if config.imported is None:
        return "write"
    if config.backtranslate:
        return "backtranslate (true unless it says otherwise)"
    if config.answer is None:
        return ""
    if config.answer.recorded is None:
        return "answer"
    return "answer: relevance (8 unless it says otherwise)" if config.answer.relevance else ""


def _thresholds(body: Any, where: str) -> Thresholds:
    """A preset with what is changed of it."""
    changes = dict(mapping(body, where))
    preset = changes.pop("preset", "paper")
    if preset not in PRESETS:
        raise SsrlError(f"{where}: preset is {preset!r}: {suggest(preset, PRESETS)}")
    thresholds: Thresholds = filled(Thresholds, dataclasses.asdict(PRESETS[preset]) | changes, where)
    return thresholds


def _file(value: Any, config: Path, key: str) -> Path:
    if not isinstance(value, str):
        raise SsrlError(f"{config}: {key} must be a file, got {value!r}")
    return Path(_beside(value, config))


def _beside(value: Any, config: Path) -> Any:
    """An address, or each of several, as what lies beside the config where there is such a thing."""
    if isinstance(value, tuple):
        return tuple(_beside(item, config) for item in value)
    if isinstance(value, str) and (config.parent / value).exists():
        return str(config.parent / value)
    return value


def _address(server: str) -> None:
    try:
        parts = urlsplit(server)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("server must be an address like http://127.0.0.1:8000/v1")
    if parts.username is not None or parts.password is not None:
        raise ValueError(
            "server holds a user name or password: put the key into an environment variable, name it in key"
        )
    if parts.query or parts.fragment:
        raise ValueError("server must end with its path, like /v1, without ? or #")


def _within(found: Any, ranges: Mapping[str, tuple[int, int]]) -> None:
    for name, (low, high) in ranges.items():
        if not low <= getattr(found, name) <= high:
            raise ValueError(f"{name} is {getattr(found, name)}: it must lie in {low}..{high}")
