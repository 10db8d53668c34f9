"""A training run: stages one after another, each committed when it is whole, so a run that died goes on where it was.

OUT/config.json             what is run, as it was resolved
OUT/dataset/                the rows, where the config names a recipe
OUT/stages/0-start/         the random model, where one was built
OUT/stages/1-sft/ ...       what each stage made: a model, or a table of responses; with what it was made from
OUT/checkpoints/2-grpo/     what a stage that is not done has so far
OUT/eval/2-grpo/ ...        held-out responses of a stage's model, and their verdicts
OUT/model                   the last model: a link to its stage
OUT/result.json             written last: accuracy before and after, its chance and interval, the reward's, speed
OUT/reward.png              reward against step
OUT/run.html                all of this as a page, at any moment of the run
"""

from __future__ import annotations

import dataclasses
import gc
import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from datasets import Dataset, load_dataset
from filelock import FileLock, Timeout
from transformers import TrainerCallback
from trl import DPOTrainer, SFTTrainer

from ssrl_data.build.run import build
from ssrl_data.core import SsrlError, Verdict
from ssrl_data.pass_rates import rates
from ssrl_data.recipe import Recipe, load_recipe
from ssrl_data.row import digest
from ssrl_train.active.masks import request
from ssrl_train.artefacts import NOTE, committed, fingerprint_of, link, note_inputs, refuse_other, write_json
from ssrl_train.checks import check_processor, check_rows
from ssrl_train.config import Config, is_file
from ssrl_train.curve import draw
from ssrl_train.dpo import make_dpo_args
from ssrl_train.evaluate import Accuracy, accuracy
from ssrl_train.format import train_format
from ssrl_train.grpo import make_args, prompts_a_batch, train_grpo
from ssrl_train.inputs import data_fingerprint, stage_inputs
from ssrl_train.losses import Srft
from ssrl_train.memo import decoded_once, processed_once
from ssrl_train.models import adapter_base, load_model_config, vision_tokens
from ssrl_train.page import PageCallback
from ssrl_train.processes import TIMEOUT, is_main, join, once
from ssrl_train.responses import PREAMBLE, default_export, exported, shown_by, words_of
from ssrl_train.result import rewards_of, states, summary
from ssrl_train.rollouts import Sampling, sample_rollouts, write_rates
from ssrl_train.rows import column, load_rows, preceded, sample
from ssrl_train.sft import examples, make_sft_args, responses
from ssrl_train.signals.base import Judge
from ssrl_train.signals.settings import Soft
from ssrl_train.signals.soft import HEAD, REPORT, Softly, fit, summed_up
from ssrl_train.stage_rows import StageRows
from ssrl_train.stages import Dpo, Format, Grpo, Sample, Sft, is_table, method_of, name_of, on_solutions
from ssrl_train.tiny import Tiny, build_model, build_processor, load_processor, texts_of
from ssrl_train.token_filter import FilteredTrainer
from ssrl_train.tracking import require_tracker, tracking
from ssrl_train.trainer import merge, train_supervised

Say = Callable[[str], None]

SHOWN = "shown.json"
"""In a stage's folder: ids of the rows whose right answers it showed to the model, as a supervised stage does."""

EXPORTED = "export.json"
"""In the folder of a stage on responses: how many examples they were made into, and of which kinds."""

LEFT_OUT = "left_out.json"
"""All that a stage of a loop that had ended has in its folder; who goes on from it goes on from what it would have."""

ROLLOUTS, RATES = "rollouts.parquet", "rates.parquet"
"""In a sample stage's folder: the responses, and the pass rates of its rows."""


def run(config: Config, say: Say = print) -> dict[str, Any]:
    """Train, or go on training, or say what a finished run found.

    Started in several processes, each calls this with the same config.

    Args:
        config: what to do.
        say: takes lines of progress.

    Returns:
        The content of `result.json`.

    Raises:
        SsrlError: a fault that preflight found, a stage that was made from something else, or another command at work
            in the same folder.
    """
    try:
        config.out.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise SsrlError(
            f"{config.out} cannot be a folder: a file is in its place; choose another out folder"
        ) from error
    join(_timeout(config))
    lock = FileLock(config.out / ".lock")
    try:
        if is_main():
            lock.acquire(timeout=0)
        return _Run(config, say if is_main() else _unsaid).go()
    except Timeout as error:
        raise SsrlError(
            f"another run is at work in {config.out}: wait for it, end all its processes, or choose another out folder"
        ) from error
    finally:
        lock.release()


class _Run:
    """What the stages of one run share: rows, start model, processor, forbidden tokens."""

    def __init__(self, config: Config, say: Say) -> None:
        self.config, self.say = config, say
        require_tracker(config.track)
        data = self._dataset()
        self.rows = StageRows(config, data)
        self.page = PageCallback(config.out, data, say)
        held = load_rows(data, config.eval.split, config.modality) if config.eval else None
        check_rows(config, self.rows, held, say)
        self.rows.divide()
        self.folders = [config.out / "stages" / f"{i}-{name_of(stage)}" for i, stage in enumerate(config.stages, 1)]
        self.start = self._start()
        self.processor = load_processor(self.start)
        settings = load_model_config(self.start)
        self.forbidden = vision_tokens(self.processor, settings)
        self.held = None if held is None or config.eval is None else decoded_once(sample(held, config.eval.rows))
        check_processor(config, self.rows, self.processor, settings, say)
        once(lambda: write_json(config.out / "config.json", dataclasses.asdict(config)))
        pictures = any("images" in rows.column_names for rows in self.rows.datasets.values())
        if pictures and not processed_once(self.processor):
            say("note: this model's pictures depend on their batch, so repeats of one are each processed again")

    def _dataset(self) -> Path:
        """The folder of the run's dataset, built first where the config names a recipe."""
        recipe, folder = self.config.data, self.config.out / "dataset"
        if recipe.suffix not in (".yaml", ".yml"):
            return recipe

        def make() -> None:
            asked = Recipe(**load_recipe(recipe))
            if not (folder / "manifest.json").is_file():
                self.say(f"building {recipe} in {folder}")
            build(asked, folder, say=self.say)

        once(make)
        return folder

    def _start(self) -> str:
        """The model that the first stage starts from."""
        if not isinstance(self.config.model, Tiny):
            return self.config.model
        tiny, seed = self.config.model, self.config.seed
        taught = [self.rows.taught(i) for i in range(len(self.config.stages))]
        said = [text for rows in taught if rows is not None for text in responses(rows)]
        said += words_of(self.config.stages)
        proposing = (stage.propose for stage in self.config.stages if isinstance(stage, (Format, Grpo)))
        said += [request(propose) for propose in proposing if propose]

        def make(partial: Path) -> None:
            if is_main():
                texts = [text for rows in self.rows.datasets.values() for text in texts_of(rows)]
                processor = build_processor(tiny, [*texts, *said])
                build_model(tiny, processor, seed).save_pretrained(partial)
                processor.save_pretrained(partial)

        folder = self.config.out / "stages" / "0-start"
        rows = [data_fingerprint(folder) for folder, _ in self.rows.datasets]
        inputs = {"model": dataclasses.asdict(tiny), "seed": seed, "data": rows, "solutions": digest(*said)}
        committed(folder, inputs, make)
        return str(folder)

    def go(self) -> dict[str, Any]:
        """Run the stages that are not done and write the result."""
        config, before = self.config, None
        for i, stage in enumerate(config.stages):
            if before is None and not isinstance(stage, (Format, Sample)):
                before = self._accuracy(self._origin(i))
            self._stage(i)
        left_out = [i for i in range(len(config.stages)) if self._left_out(i)]
        makers = [i for i, stage in enumerate(config.stages) if not isinstance(stage, Sample) and i not in left_out]
        last = makers[-1] if makers else None
        after = self._accuracy(last)
        supervised = states([self.folders[i] for i in makers if isinstance(config.stages[i], (Sft, Dpo))])
        sampled = states([self.folders[i] for i in makers if isinstance(config.stages[i], Grpo)])
        pool = self.rows.pools[self.rows.main]
        result = {**summary(pool.train, pool.rest, before, after, supervised, sampled), "seed": config.seed}
        if left_out:
            result["left_out"] = [self.folders[i].name for i in left_out]
        once(lambda: self._finish(last, rewards_of(sampled), result))
        return result

    def _finish(self, last: int | None, rewards: list[float], result: dict[str, Any]) -> None:
        out = self.config.out
        if rewards:
            draw(range(1, len(rewards) + 1), rewards, result["reward_chance"], out / "reward.png")
        if last is not None:
            link(out / "model", self.folders[last])
        write_json(out / "result.json", result)
        self.page.write()

    def _stage(self, i: int) -> None:
        """Make what a stage makes, where it is not there."""
        stage, folder = self.config.stages[i], self.folders[i]
        enough = self._enough(i)
        inputs = stage_inputs(self.config, self.rows, self.folders, i, self._seed(i))
        if enough is not None:
            inputs["left_out"] = enough
        work = self.config.out / "checkpoints" / folder.name
        if not folder.is_dir():
            if (work / NOTE).is_file() and len(list(work.iterdir())) > 1:  # a note alone is of no work
                refuse_other(work, inputs)
            note_inputs(work, inputs)

        def make(partial: Path) -> None:
            if enough is not None:
                self.say(f"stage {i + 1}/{len(self.config.stages)} {name_of(stage)} is left out: {enough}")
                once(lambda: write_json(partial / LEFT_OUT, {"reason": enough}))
                return
            self.say(f"stage {i + 1}/{len(self.config.stages)} {name_of(stage)}")
            if is_main():  # answers of the model that was here before this stage was removed
                shutil.rmtree(self.config.out / "eval" / folder.name, ignore_errors=True)
            self._make(i, partial, work)
            _free()

        committed(folder, inputs, make)
        once(self.page.write)

    def _callbacks(self, i: int) -> list[TrainerCallback]:
        """What watches a stage's trainer."""
        return [*tracking(self.config.track, self.config.out, self.folders[i].name), self.page]

    def _make(self, i: int, out: Path, work: Path) -> None:
        stage, model, seed = self.config.stages[i], self._going_on(i), self._seed(i)
        if isinstance(stage, Format):
            if is_main():
                train_format(model, self.processor, decoded_once(self.rows.read(i)), stage, seed, out)
        elif isinstance(stage, Sample):
            self._sample(i, stage, model, out, work)
        elif isinstance(stage, Sft):
            sft = make_sft_args(stage, seed, work)
            train_supervised(
                SFTTrainer if stage.tokens is None else partial(FilteredTrainer, tokens=stage.tokens),
                model,
                self.processor,
                self._targets(i, stage, out),
                stage,
                sft,
                out,
                self.say,
                self._callbacks(i),
            )
        elif isinstance(stage, Dpo):
            dpo = make_dpo_args(stage, seed, work)
            train_supervised(
                DPOTrainer,
                model,
                self.processor,
                self._targets(i, stage, out),
                stage,
                dpo,
                out,
                self.say,
                self._callbacks(i),
            )
        else:
            args = make_args(stage, seed, work, self.forbidden)
            table, least = self._table(i, stage), prompts_a_batch(args)
            rows, known = self.rows.sampled(i, self._shown(i), table), rates(table) if table else None
            if len(rows) < least:
                raise SsrlError(
                    f"stage {i + 1} has {len(rows)} rows and one generation batch takes {least} prompts: widen `keep`, "
                    "sample more rows, or lower per_device_train_batch_size * steps_per_generation"
                )
            if isinstance(stage.loss, Srft) and is_main():
                write_json(out / SHOWN, [id for id in column(rows, "id") if stage.loss.shows(id, seed)])
            train_grpo(
                model,
                self.processor,
                decoded_once(rows),
                stage,
                args,
                out,
                self.say,
                known,
                self._callbacks(i),
                examples=examples(self.rows.solutions(i)) if on_solutions(stage) else None,
                judged=self._judged(i, stage, model, out, work),
            )

    def _judged(self, i: int, stage: Grpo, model: str, out: Path, work: Path) -> Judge | None:
        """The signal of a stage that must be made ready first; what it is worth is noted down in `out`."""
        if not isinstance(stage.reward, Soft):
            return None
        settings, at, seed = stage.reward, self.config.sampled(i, stage.reward.responses), self._seed(i)
        folder, source = work / "soft", self.folders[at]

        def make(partial: Path) -> None:
            if is_main():
                rollouts = pq.read_table(source / ROLLOUTS)
                fit(model, self.processor, self.rows.read(at), rollouts, settings, seed, partial)

        given = {**dataclasses.asdict(settings), "responses": fingerprint_of(source)}
        committed(folder, {"seed": seed, "soft": given}, make)
        if is_main():
            for name in (HEAD, REPORT):
                shutil.copyfile(folder / name, out / name)
        self.say(summed_up(folder))
        return Softly.of(model, self.processor, folder)

    def _sample(self, i: int, stage: Sample, model: str, out: Path, work: Path) -> None:
        """Responses and pass rates; what is answered is kept in `work` until all is, so a kill costs a batch."""
        tokens = stage.max_new_tokens or self.config.response_tokens()
        sampling = Sampling(stage.k, stage.temperature, stage.top_p, tokens, stage.batch, self._seed(i))
        rows = decoded_once(preceded(sample(self.rows.sampled(i, self._shown(i)), stage.rows), stage.preamble))
        rollouts = self._answers(model, rows, work, sampling, self.say)
        if is_main():
            noted = {PREAMBLE: stage.preamble.encode()} if stage.preamble else None
            pq.write_table(rollouts.replace_schema_metadata(noted), out / ROLLOUTS)
            write_rates(rollouts, out / RATES)

    def _answers(self, model: str, rows: Dataset, folder: Path, sampling: Sampling, say: Say) -> pa.Table:
        """Judged responses. Not by vLLM, which would want most of the GPU's memory beside this process's own."""
        return sample_rollouts(
            model, self.processor, rows, folder, sampling, self.forbidden, say, engine="transformers"
        )

    def _targets(self, i: int, stage: Sft | Dpo, out: Path) -> Dataset:
        """The examples of a supervised stage; which rows' right answers they show is noted down in `out`."""
        shown: list[str] = []
        if stage.responses is not None:
            rollouts = pq.read_table(self._sampled(i, stage.responses) / ROLLOUTS)
            export = stage.export or default_export(method_of(stage))
            rows = self.rows.sampled(i, self._shown(i))
            given = exported(rows, rollouts, export, stage.keep, stage.each, stage.rows, self._seed(i))
            made, shown = decoded_once(given.table), given.shown
            self.say("; ".join(f"{name}: {count}" for name, count in given.counts.items()))
            if is_main():
                write_json(out / EXPORTED, given.counts)
        elif is_table(stage):
            made = load_dataset("parquet", data_files=str(stage.data), split="train")
            shown = shown_by(made)
        else:
            made = examples(self.rows.solutions(i))
        if is_main():
            write_json(out / SHOWN, shown)
        return made

    def _shown(self, i: int) -> frozenset[str]:
        """Ids of the rows whose right answers were shown to the model that a stage goes on from."""
        shown: set[str] = set()
        at = self._origin(i)
        while at is not None:
            file = self.folders[at] / SHOWN
            if file.is_file():
                shown.update(json.loads(file.read_text(encoding="utf-8")))
            at = self._origin(at)
        return frozenset(shown)

    def _table(self, i: int, stage: Grpo) -> Path | None:
        """The table of pass rates that a stage names: a sample stage's, or a file."""
        if stage.pass_rates is None:
            return None
        if is_file(stage.pass_rates):
            return Path(stage.pass_rates)
        return self._sampled(i, stage.pass_rates) / RATES

    def _left_out(self, i: int) -> bool:
        """Whether a stage was left out, which is so for good once it is written down."""
        return (self.folders[i] / LEFT_OUT).is_file()

    def _enough(self, i: int) -> str | None:
        """Why a stage that is next is left out: a sample stage before it found what ends their loop; else None."""
        for loop in self.config.loops:
            for j in range(loop.first, i) if loop.first <= i < loop.end else ():
                if isinstance(self.config.stages[j], Sample) and not self._left_out(j):
                    known = list(rates(self.folders[j] / RATES).values())
                    passed = sum(known) / max(1, len(known))
                    if passed >= loop.until:
                        return f"{self.folders[j].name} passes at {passed:.3f}, which ends the loop at {loop.until:g}"
        return None

    def _origin(self, i: int) -> int | None:
        """The place of the stage that a stage goes on from, past those that were left out."""
        at = self.config.origin(i)
        while at is not None and self._left_out(at):
            at = self.config.origin(at)
        return at

    def _sampled(self, i: int, name: str) -> Path:
        """The folder of the latest sample stage of a name before a stage, of those that were not left out.

        Raises:
            SsrlError: all were.
        """
        at = self.config.sampled(i, name)
        while self._left_out(at):
            try:
                at = self.config.sampled(at, name)
            except SsrlError as error:
                raise SsrlError(f"stage {i + 1} reads {name!r}, which was left out: a loop ended before it") from error
        return self.folders[at]

    def _seed(self, i: int) -> int:
        """Of a stage: the run's, or, where a stage of its name was there before, as in a loop, one drawn from it."""
        name = name_of(self.config.stages[i])
        before = sum(name_of(other) == name for other in self.config.stages[:i])
        return int(digest("stage", str(self.config.seed), str(before))[:8], 16) if before else self.config.seed

    def _model(self, at: int | None) -> str:
        return self.start if at is None else str(self.folders[at])

    def _going_on(self, i: int) -> str:
        """The model that a stage goes on from, with its adapter merged where a stage before left one."""
        at = self._origin(i)
        model = self._model(at)
        if at is None or isinstance(self.config.stages[i], Sample) or adapter_base(model) is None:
            return model
        folder = self.folders[at].with_name(self.folders[at].name + ".merged")

        def make(partial: Path) -> None:
            if is_main():
                merge(model, partial)
                self.processor.save_pretrained(partial)

        committed(folder, {"adapter": fingerprint_of(self.folders[at])}, make)
        return str(folder)

    def _accuracy(self, at: int | None) -> Accuracy | None:
        """Held-out accuracy of a stage's model; what is answered is kept."""
        setting = self.config.eval
        if self.held is None or setting is None:
            return None
        tokens = self.config.response_tokens()
        sampling = Sampling(max_new_tokens=tokens, batch=setting.batch, seed=self.config.seed)
        folder = self.config.out / "eval" / ("0-start" if at is None else self.folders[at].name)
        table = self._answers(self._model(at), self.held, folder, sampling, _unsaid)
        _free()
        fields = (table[name].to_pylist() for name in ("score", "exact", "reason"))
        return accuracy(
            self.held, [Verdict(score, exact, None, why) for score, exact, why in zip(*fields, strict=True)]
        )


def _timeout(config: Config) -> timedelta:
    """How long a process waits for the others in training: the longest `ddp_timeout` of the stages."""
    options = [getattr(stage, method_of(stage)) for stage in config.stages if isinstance(stage, (Sft, Dpo, Grpo))]
    given = [timedelta(seconds=each["ddp_timeout"]) for each in options if "ddp_timeout" in each]
    return max(given, default=TIMEOUT)


def _unsaid(line: str) -> None:
    """Progress of what is not worth a line, or of a process that is not the main one."""


def _free() -> None:
    """Give the memory of a dropped model back before the next one is loaded."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
