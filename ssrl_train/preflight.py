"""What silently breaks a training run, looked for before a model is loaded.

Each check yields one sentence: what, where, what to do. Every one of them stands for a run that would have trained on
nothing, on the wrong thing, or crashed after an hour.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import pyarrow.compute as pc
from datasets import Dataset, List, Value

from ssrl_data.answers.supposed import UNLABELLED
from ssrl_data.core import SsrlError
from ssrl_data.row import prompt_text, unpack_answer
from ssrl_train.pixels import length_faults
from ssrl_train.rows import column, conversation, divided, encode, of_tasks, tokenizer_of

RESERVED = frozenset(
    {
        *("chosen", "completion", "completion_ids", "completions", "environment", "environments"),
        *("log_extra", "log_metric", "messages", "prompts", "rejected", "trainer_state"),
    }
)
"""Column names that TRL uses itself: a clash, a value silently replaced, or rows taken for another type."""

HALF_RATE = 1e-5
"""Learning rate under which updates of typical weights (about 0.02) round away in 16-bit floats."""

PART_KEYS = {"type", "text"}


def require(faults: Iterable[str]) -> None:
    """Stop when there are faults.

    Raises:
        SsrlError: all of them, a line each.
    """
    if found := list(faults):
        raise SsrlError("\n".join(found))


Share: TypeAlias = tuple[int, Sequence[str]]
"""How many rows a stage takes, and of which tasks; of all where none is named."""


def row_faults(
    rows: Dataset, sampled: Sequence[Share], supervised: Sequence[Share] = (), truth: bool = True
) -> Iterator[str]:
    """Faults of the rows themselves.

    Args:
        rows: training rows, pictures not decoded.
        sampled: of each grpo stage, the distinct prompts that one generation batch takes.
        supervised: of each sft stage, the rows that it keeps to itself.
        truth: whether some stage wants to know what is right.

    Raises:
        SsrlError: a stage names a task that no row is of.
    """
    for name in sorted(RESERVED & set(rows.column_names)):
        yield f"column {name!r} is a name that TRL uses itself: rename it in the dataset"
    missing = [name for name in ("prompt", "answer") if name not in rows.column_names]
    if missing:
        yield f"the rows have no column {missing[0]!r}: build the dataset with `ssrl build`"
        return
    yield from _share_faults(rows, sampled, supervised)
    fault = _prompt_type(rows)
    if fault is not None:
        yield fault
        return
    yield from _first(fault for fault in _content_faults(rows) if truth or fault[0] != UNLABELLED)


def _share_faults(rows: Dataset, sampled: Sequence[Share], supervised: Sequence[Share]) -> Iterator[str]:
    taken = sum(count for count, _ in supervised)
    try:
        *_, rest = divided(rows, supervised, 0)
    except ValueError:
        yield f"the sft stages take {taken} rows and there are {len(rows)}: lower their `rows` or build more"
        return
    for prompts, tasks in sampled:
        left = len(of_tasks(rest, tasks))
        if left < prompts:
            beside = f" beside the {taken} of the sft stages" if taken else ""
            yield (
                f"{left} rows{beside} and one generation batch takes {prompts} prompts, so TRL would train zero "
                "steps without an error: build more rows or lower per_device_train_batch_size * steps_per_generation"
            )


def _prompt_type(rows: Dataset) -> str | None:
    pictures = "images" in rows.column_names or "image" in rows.column_names
    prompt = rows.features["prompt"]
    if not isinstance(prompt, List):
        return "picture rows need a conversational prompt (a list of messages), theirs is a text" if pictures else None
    content = prompt.feature["content"]
    if isinstance(content, List) and set(content.feature) != PART_KEYS:
        return (
            f"the parts of a prompt have the keys {', '.join(sorted(content.feature))} where TRL wants exactly text "
            "and type: with any other key it takes a picture's place for filled"
        )
    if isinstance(content, Value) and pictures:
        return "picture rows need prompts made of parts, theirs are texts, so TRL would move every picture to the front"
    return None


def _content_faults(rows: Dataset) -> Iterator[tuple[str, str]]:
    """(kind of fault, sentence), row by row."""
    with_images = "images" in rows.column_names
    plain = rows.with_format("arrow")
    some, none = False, False
    for start in range(0, len(rows), 1000):
        table = plain[start : start + 1000]
        columns = [table.column("prompt").to_pylist(), table.column("answer").to_pylist()]
        counts = pc.list_value_length(table.column("images")).to_pylist() if with_images else [0] * table.num_rows
        for i, (prompt, answer, count) in enumerate(zip(*columns, counts, strict=True), start):
            if prompt is None or answer is None:
                name = "prompt" if prompt is None else "answer"
                yield "null", f"row {i} has null in {name!r}, which the reward needs: build the dataset again"
                continue
            some, none = some or bool(count), none or not count
            if with_images and some and none:
                yield (
                    "mixed",
                    (
                        f"rows with pictures and rows without are mixed (up to row {i}), which TRL cannot batch: "
                        "train one modality at a time"
                    ),
                )
            parts = sum(
                part["type"] == "image" for m in prompt if isinstance(m["content"], list) for part in m["content"]
            )
            if parts != (count or 0):
                yield "parts", f"row {i} has {count or 0} pictures and {parts} places for them in its prompt"
            yield from _answer_faults(i, answer)


def _answer_faults(i: int, answer: str) -> Iterator[tuple[str, str]]:
    try:
        kind, _, _ = unpack_answer(answer)
    except ValueError as error:
        yield "answer", f"row {i} cannot be graded: {error}"
        return
    if kind.name == UNLABELLED:
        yield (
            UNLABELLED,
            f"row {i} is of the kind 'unlabelled', which has no truth and so no reward: leave such rows out, or train "
            "by votes alone (reward: majority)",
        )


def _is_unlabelled(answer: str) -> bool:
    try:
        return bool(unpack_answer(answer)[0].name == UNLABELLED)
    except ValueError:  # told of elsewhere
        return False


def _first(faults: Iterator[tuple[str, str]]) -> Iterator[str]:
    """The first fault of each kind."""
    seen: set[str] = set()
    for kind, sentence in faults:
        if kind not in seen:
            seen.add(kind)
            yield sentence


def split_faults(train: Dataset, held: Dataset, name: str) -> Iterator[str]:
    """Groups that are both trained on and evaluated on, and rows to evaluate on of which none has a truth."""
    if "answer" in held.column_names and all(_is_unlabelled(answer) for answer in column(held, "answer")):
        yield (
            f"no row of the {name} split has a known truth, so there is no accuracy to measure: write `eval: null`, or "
            "build it with the right answers"
        )
    common = sorted(set(column(train, "group_id")) & set(column(held, "group_id")))
    if common:
        yield (
            f"{len(common)} groups are both in the train and the {name} split (the first is {common[0]}), so held-out "
            "accuracy would not be held out: build the dataset again"
        )


def setup_faults(args: Any, gpu: bool) -> Iterator[str]:
    """Faults of a GRPO stage's options on this machine.

    Args:
        args: a `trl.GRPOConfig`.
        gpu: whether there is one.
    """
    yield from precision_faults(args, gpu)
    if args.use_vllm and not gpu:
        yield "use_vllm is true and there is no GPU: leave it out"
    if args.use_vllm and importlib.util.find_spec("vllm") is None:
        yield "use_vllm is true and vllm is not installed: install trl[vllm] or leave it out"
    passes, parts = args.steps_per_generation * args.num_iterations, args.gradient_accumulation_steps
    window = math.lcm(passes, parts) // parts
    if str(getattr(args.save_strategy, "value", args.save_strategy)) == "steps" and args.save_steps % window:
        yield (
            f"save_steps is {args.save_steps:g} and one generation serves {window} steps, so a resumed run would "
            f"sample part of a batch twice: make save_steps a multiple of {window}"
        )


def precision_faults(args: Any, gpu: bool) -> Iterator[str]:
    """Faults of a stage's number format on this machine.

    Args:
        args: a `transformers.TrainingArguments`.
        gpu: whether there is one.
    """
    for name in ("bf16", "fp16"):
        if getattr(args, name) and not gpu:
            yield f"{name} is true and there is no GPU, where it is slower and less exact: leave it out"


def solution_faults(
    processor: Any, rows: Dataset, responses: Sequence[str], context: int | None, limit: int | None
) -> Iterator[str]:
    """Faults of the targets of an sft stage: changed by the template, cut off, or beyond the context.

    Args:
        processor: the model's processor, or its tokenizer for text rows.
        rows: the stage's rows, pictures decoded on access.
        responses: their targets.
        context: tokens that the model can hold; None when unknown.
        limit: tokens after which TRL cuts a row off; None for no such limit.
    """
    longest = max(range(len(responses)), key=lambda i: len(responses[i]))
    for i in sorted({longest, *extremes(rows)}):
        row, response = rows[i], responses[i]
        said: Any = [{"type": "text", "text": response}] if "images" in rows.column_names else response
        turns = [*conversation(row), {"role": "assistant", "content": said}]
        if response not in processor.apply_chat_template(turns, tokenize=False):
            yield (
                f"the model's chat template changes the response of row {row['id']}, perhaps its reasoning: use a "
                "template that shows assistant turns as they are"
            )
            return
        tokens = int(encode(processor, [row], [response])["input_ids"].shape[1]) + 1
        if limit is not None and tokens > limit:
            yield (
                f"row {row['id']} takes {tokens} tokens and max_length is {limit}, so TRL would cut its response off: "
                "leave max_length out or raise it"
            )
            return
        if context is not None and tokens > context:
            yield (
                f"row {row['id']} takes {tokens} tokens with its worked solution, which passes the context of "
                f"{context}: use smaller pictures"
            )
            return


def processor_faults(processor: Any, rows: Dataset, context: int | None, completion: int | None) -> Iterator[str]:
    """Faults that show once the processor is there: padding, template, lengths.

    Args:
        processor: the model's processor, or its tokenizer for text rows.
        rows: training rows, pictures decoded on access.
        context: tokens that the model can hold; None when unknown.
        completion: tokens that a completion may take; None for a stage that samples none.
    """
    tokenizer = tokenizer_of(processor)
    if tokenizer.padding_side != "left":
        yield (
            "the tokenizer pads on the right, which puts completions and picture masks at wrong places without an "
            "error: set padding_side to left in its tokenizer_config.json"
        )
    if tokenizer.pad_token_id is None:
        yield "the tokenizer has no pad token: set pad_token in its tokenizer_config.json"
    if not getattr(processor, "chat_template", None) and not tokenizer.chat_template:
        yield "the model has no chat template: use its instruction-tuned version or add chat_template.jinja"
        return
    pictures = "images" in rows.column_names
    if pictures and getattr(processor, "image_processor", None) is None:
        yield "the rows have pictures and the model reads text only: choose a vision-language model"
        return
    for i in extremes(rows):
        row = rows[i]
        fault = _template_fault(processor, row, i)
        if fault is not None:
            yield fault
            return
        if completion is None or tokenizer.pad_token_id is None:
            continue
        kind, value, _ = unpack_answer(row["answer"])
        gold = len(tokenizer(kind.gold(value), add_special_tokens=False)["input_ids"]) + 1
        if gold > completion:
            yield (
                f"the right response of row {i} takes {gold} tokens and max_completion_length is {completion}, so it "
                f"could never be rewarded: raise max_completion_length to at least {gold}"
            )
    if context is not None and completion is not None and tokenizer.pad_token_id is not None:
        yield from length_faults(processor, rows, context, completion)


def extremes(rows: Dataset) -> list[int]:
    """Rows to try: the first, the longest prompt, the longest answer, the most pictures and the most picture bytes."""
    plain = rows.with_format("arrow")
    best: dict[str, tuple[float, int]] = {}
    for start in range(0, len(rows), 1000):
        table = plain[start : start + 1000]
        prompts = table.column("prompt").to_pylist()
        sizes: dict[str, Sequence[float]] = {
            "prompt": [len(prompt_text(prompt)) for prompt in prompts],
            "answer": pc.utf8_length(table.column("answer")).to_pylist(),
        }
        if "images" in rows.column_names:
            stored = [[len(p["bytes"]) for p in row] for row in table.column("images").to_pylist()]
            sizes |= {"count": [len(row) for row in stored], "bytes": [sum(row) for row in stored]}
        for name, values in sizes.items():
            for i, value in enumerate(values, start):
                best[name] = max(best.get(name, (-1.0, 0)), (value, -i))
    return sorted({0, *(-i for _, i in best.values())})


def _template_fault(processor: Any, row: Mapping[str, Any], i: int) -> str | None:
    text = processor.apply_chat_template(conversation(row), tokenize=False, add_generation_prompt=True)
    slots = {getattr(processor, name, None) for name in ("image_token", "boi_token")} - {None}
    images = len(row.get("images") or ())
    shown = max((text.count(str(slot)) for slot in slots), default=0)
    if images != shown:
        return f"the model's chat template shows {shown} of the {images} pictures of row {i}: use one that shows all"
    for message in conversation(row):
        parts = (
            message["content"]
            if isinstance(message["content"], list)
            else [{"type": "text", "text": message["content"]}]
        )
        for part in parts:
            if part["type"] == "text" and part["text"].strip() not in text:
                return f"the model's chat template drops the text of row {i}: use a template that shows all parts"
    return None


def cautions(args: Any, full: bool) -> Iterator[str]:
    """What may go wrong and cannot be settled here.

    Args:
        args: a `trl.GRPOConfig`.
        full: whether every weight is trained, not an adapter.
    """
    dtype = args.model_init_kwargs.get("dtype") if isinstance(args.model_init_kwargs, dict) else None
    if full and str(dtype).endswith(("bfloat16", "float16")) and args.learning_rate < HALF_RATE:
        yield (
            f"the weights are trained in {dtype}, whose steps are wider than updates at a learning rate of "
            f"{args.learning_rate:g}, so most would be lost: load them in float32 or train an adapter with lora"
        )
