"""Responses of a model to rows, by one of two engines: transformers everywhere, vLLM where it is installed.

Both sample from the model's own distribution at a temperature: what a published generation config adds to that (a
repetition penalty, a top k) is left out, as it is in training, and no token that stands for a picture is ever written.
"""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from transformers import GenerationConfig

from ssrl_data.core import SsrlError
from ssrl_data.registry import suggest
from ssrl_data.rng import Rng
from ssrl_train.models import adapter_base, device, load_model
from ssrl_train.processes import world
from ssrl_train.rows import conversation, encode, tokenizer_of
from ssrl_train.sharding import whole

ENGINES = ("auto", "transformers", "vllm")


@dataclass(frozen=True, slots=True)
class Sampling:
    """How responses are sampled.

    Attributes:
        k: responses a row.
        temperature: 0 is greedy, so that all of a row's responses are the same one.
        top_p: the share of probability, most likely tokens first, that is sampled from; in (0, 1].
        max_new_tokens: after so many tokens a response is cut off.
        batch: rows answered at once, each `k` times. It is part of what is drawn: a batch has one stream of draws.
        seed: of the draws.
    """

    k: int = 1
    temperature: float = 0.0
    top_p: float = 1.0
    max_new_tokens: int = 256
    batch: int = 32
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be sampled, or would only repeat itself."""
        for name in ("k", "max_new_tokens", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}: it must be at least 1")
        if not 0 <= self.temperature < float("inf"):
            raise ValueError(f"temperature is {self.temperature:g}: it must be at least 0")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is {self.top_p:g}: it must be above 0 and at most 1")
        if self.seed < 0:
            raise ValueError(f"seed is {self.seed}: it must be at least 0")
        if self.k > 1 and self.temperature == 0:
            raise ValueError(f"k is {self.k} at temperature 0, where all responses are one: raise the temperature")


@dataclass(frozen=True, slots=True)
class Response:
    """What a model wrote.

    Attributes:
        text: without special tokens.
        tokens: how many it wrote, the one that ends the response included.
        stopped: whether it ended by itself, before it was cut off.
    """

    text: str
    tokens: int
    stopped: bool


class Engine(Protocol):
    """A loaded model that answers."""

    def respond(self, rows: Sequence[Mapping[str, Any]], seed: int) -> list[list[Response]]:
        """`k` responses to each row with decoded pictures, in the order of the rows; the same ones for the same seed.

        Args:
            rows: what is asked at once.
            seed: of the draws, in [0, 2**63).
        """


def engine_for(name: str, model: str) -> str:
    """`transformers` or `vllm`.

    Args:
        name: one of `ENGINES`; `auto` is vLLM where it is installed, there is a GPU, this process is alone and the
            model is no adapter, else transformers.
        model: folder or hub name.

    Raises:
        SsrlError: no such engine, or vLLM is asked for and cannot be used.
    """
    if name not in ENGINES:
        raise SsrlError(f"no engine is called {name!r}: {suggest(name, ENGINES)}")
    reason = _no_vllm(model)
    if name == "vllm" and reason is not None:
        raise SsrlError(f"the engine vllm cannot be used here: {reason}; use the engine transformers")
    return "transformers" if name == "transformers" or reason is not None else "vllm"


def load_engine(
    name: str, model: str, processor: Any, sampling: Sampling, forbidden: Sequence[int], pictures: int
) -> Engine:
    """Load a model to answer with.

    Args:
        name: `transformers` or `vllm`.
        model: folder or hub name.
        processor: its processor, or its tokenizer.
        sampling: how to sample.
        forbidden: ids of tokens that are never written (`models.vision_tokens`).
        pictures: the most pictures that one row shows.

    Raises:
        SsrlError: the model does not load.
    """
    if name == "vllm":
        return Vllm(model, processor, sampling, forbidden, pictures)
    return Transformers(load_model(model), processor, sampling, forbidden)


def _no_vllm(model: str) -> str | None:
    """Why vLLM cannot answer; None where it can."""
    if importlib.util.find_spec("vllm") is None:
        return "vllm is not installed"
    if not torch.cuda.is_available():
        return "there is no GPU"
    if world() > 1:
        return "several processes share the work, and each would start its own"
    if adapter_base(model) is not None:
        return f"{model} is an adapter, which it does not merge"
    return None


class Transformers:
    """`generate` of transformers, on the first GPU or the CPU.

    Args:
        model: the model, as loaded; its generation config is replaced by a plain one.
        processor: its processor.
        sampling: how to sample.
        forbidden: ids of tokens that are never written.
    """

    def __init__(self, model: Any, processor: Any, sampling: Sampling, forbidden: Sequence[int]) -> None:
        self.model, self.processor, self.sampling = model.eval(), processor, sampling
        self.tokenizer = tokenizer_of(processor)
        ends = model.generation_config.eos_token_id
        self.ends = {ends} if isinstance(ends, int) else set(ends or [self.tokenizer.eos_token_id])
        pad = self.tokenizer.pad_token_id
        if pad is None:
            raise SsrlError("the model's tokenizer has no padding token, so rows cannot be answered together: set one")
        # A model that takes encoded pictures has each encoded once and then repeated. Of any other `generate` repeats
        # each picture where it stands, which mixes up those of a row that shows several: so the row is repeated.
        pictured = hasattr(model.config, "vision_config")
        self.expands = not pictured or "mm_encoder_outputs" in inspect.signature(model.forward).parameters
        chosen = {"temperature": sampling.temperature, "top_k": 0, "top_p": sampling.top_p}
        model.generation_config = GenerationConfig(
            max_new_tokens=sampling.max_new_tokens,
            eos_token_id=sorted(self.ends),
            pad_token_id=pad,
            suppress_tokens=list(forbidden) or None,
            do_sample=sampling.temperature > 0,
            **(chosen if sampling.temperature > 0 else {}),
        )

    @torch.inference_mode()
    def respond(self, rows: Sequence[Mapping[str, Any]], seed: int) -> list[list[Response]]:
        """See `Engine.respond`."""
        k, here = self.sampling.k, device()
        shown = rows if self.expands else [row for row in rows for _ in range(k)]
        inputs = encode(self.processor, shown).to(self.model.device)
        with whole(), torch.random.fork_rng(devices=[here] if here.type == "cuda" else []):
            torch.manual_seed(seed)
            written = self.model.generate(**inputs, num_return_sequences=k if self.expands else 1)
        written = written[:, inputs["input_ids"].shape[1] :].cpu()
        texts = self.tokenizer.batch_decode(written, skip_special_tokens=True)
        ended = torch.isin(written, torch.tensor(sorted(self.ends))).int()
        stopped = ended.any(dim=1)
        tokens = torch.where(stopped, ended.argmax(dim=1) + 1, written.shape[1])
        found = [
            Response(text, count, end)
            for text, count, end in zip(texts, tokens.tolist(), stopped.tolist(), strict=True)
        ]
        return [found[i : i + k] for i in range(0, len(found), k)]


class Vllm:
    """vLLM on one GPU; written against its offline interface (`LLM.generate`, `SamplingParams`), not run in our tests.

    The prompt is rendered by the processor's own template and handed over as the tokens of that text, one placeholder a
    picture, which vLLM expands itself. Equal draws of a seed want equal batches of its scheduler, so a run that was
    resumed may differ in single tokens from one that was not.

    Args:
        model: folder or hub name.
        processor: its processor, or its tokenizer.
        sampling: how to sample.
        forbidden: ids of tokens that are never written.
        pictures: the most pictures that one row shows.
    """

    def __init__(self, model: str, processor: Any, sampling: Sampling, forbidden: Sequence[int], pictures: int) -> None:
        import vllm

        self.processor, self.sampling, self.params = processor, sampling, vllm.SamplingParams
        # vLLM forbids tokens by a bias alone; it is clipped to 100, which leaves them e^-100 of their odds.
        self.bias = dict.fromkeys(forbidden, -100.0) or None
        limit = {"limit_mm_per_prompt": {"image": pictures}} if pictures else {}
        self.model = vllm.LLM(model=model, seed=sampling.seed, **limit)

    def respond(self, rows: Sequence[Mapping[str, Any]], seed: int) -> list[list[Response]]:
        """See `Engine.respond`."""
        s, tokenizer = self.sampling, tokenizer_of(self.processor)
        # Each row has a seed of its own: with one for all, the draws of all rows would be the same.
        params = [
            self.params(
                n=s.k,
                temperature=s.temperature,
                top_p=s.top_p,
                max_tokens=s.max_new_tokens,
                seed=Rng("vllm", seed, i).below(1 << 31),
                logit_bias=self.bias,
            )
            for i in range(len(rows))
        ]
        prompts = []
        for row in rows:
            text = self.processor.apply_chat_template(conversation(row), tokenize=False, add_generation_prompt=True)
            prompt: dict[str, Any] = {"prompt_token_ids": tokenizer(text, add_special_tokens=False)["input_ids"]}
            if row.get("images"):
                prompt["multi_modal_data"] = {"image": list(row["images"])}
            prompts.append(prompt)
        return [
            [Response(o.text, len(o.token_ids), o.finish_reason == "stop") for o in answered.outputs]
            for answered in self.model.generate(prompts, params, use_tqdm=False)
        ]
