"""GateCallback: a TRL (or any transformers) trainer measures its model before and after, and prints the verdict.

    from selftaught.callbacks.trl import GateCallback
    gate = GateCallback(tasks=["held-out.jsonl"])
    trainer.add_callback(gate)

The model is sampled in place, by this package's own sampler. Training goes on as if nothing had happened: random states
and training modes are put back, and no gradient is kept.
"""

import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from selftaught.callbacks.leaks import refuse_shared
from selftaught.callbacks.live import undisturbed, unwrapped
from selftaught.coroutines import finished
from selftaught.format import Format
from selftaught.jobs.bench import Bench, apart, open_bench
from selftaught.models.language.local import local_model
from selftaught.models.language.model import LanguageModel
from selftaught.parts import BadInput
from selftaught.prove.held_out import answered
from selftaught.prove.plan import few
from selftaught.prove.proof import Measured
from selftaught.run.files import read_json, write_json
from selftaught.shown import tell
from selftaught.types import SamplerSettings

KEPT = "selftaught-start.json"
LENGTH = 512


class GateCallback(TrainerCallback):
    """Measure the model on_train_begin and on_train_end, and decide.

    Mistakes are raised when training begins, before anything is spent. When measuring fails later, training is not
    lost with it: the error becomes a warning, and `result` stays None.

    Attributes:
        result: the verdict with the keys of `selftaught gate --json`, None until training has ended.
        history: {step: verdict} of the measurements in between.
    """

    def __init__(
        self, tasks: Sequence[str], held_out_count: int = 200, every: int | None = None, *, off_task: Sequence[str] = (),
        attempts: int = 0, evaluation_seed: int = 1, temperature: float = 1.0, max_tokens: int = 0, margin: float = 0.05,
        format: Format | None = None, tokenizer: Any = None,
    ) -> None:  # fmt: skip
        """Say what to measure on.

        Args:
            tasks: task sources; whoever trains must keep them out of the training data.
            held_out_count: how many held-out tasks decide.
            every: also measure after each so many optimizer steps; None for not.
            off_task: sources of other tasks, to see whether anything is unlearned.
            attempts: draw so few attempts a task on both sides, and look at the result in stages; 0 for 16 and 4, at once.
            evaluation_seed: seed of the tasks and their noise.
            temperature: the stated sampler's.
            max_tokens: length limit of an attempt; 0 takes the trainer's `max_completion_length`, else 512.
            margin: a change within it is called no change.
            format: how prompts are rendered and answers read; None uses the chat template where there is one.
            tokenizer: None takes the trainer's.
        """
        if isinstance(tasks, str):
            raise BadInput(f"tasks must be a list of sources: write tasks=[{tasks!r}]")
        if not tasks:
            raise BadInput(
                "GateCallback has nothing to measure on: give tasks=[...], a file, a data-set id or a family such as sums:level=5"
            )
        if every is not None and every < 1:
            raise BadInput(f"every={every}: give a number of steps from 1, or None")
        self.asked: dict[str, Any] = {"tasks": apart(tasks), "count": held_out_count, "seed": evaluation_seed, "off_task": tuple(off_task)}
        self.attempts = attempts
        self.every, self.temperature, self.max_tokens, self.margin = every, temperature, max_tokens, margin
        self.format, self.tokenizer = format or Format(), tokenizer
        self.bench: Bench | None = None
        self.start: Measured | None = None
        self.result: dict[str, Any] | None = None
        self.history: dict[int, dict[str, Any]] = {}

    def on_train_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Draw the tasks and measure the start."""
        if getattr(args, "fsdp", None) or getattr(args, "deepspeed", None):
            raise BadInput("GateCallback samples a whole model in one process: with FSDP or DeepSpeed use `selftaught gate` on checkpoints")
        if not state.is_world_process_zero:
            return
        limit = self.max_tokens or getattr(args, "max_completion_length", None) or LENGTH
        settings = SamplerSettings(temperature=self.temperature, max_tokens=limit)
        self.bench = open_bench(settings=settings, format=self.format, **self.asked)
        if self.attempts:
            self.bench = self.bench.planned(few(len(self.bench.splits["held-out"]), self.attempts))
        refuse_shared(self.bench, given.get("train_dataloader"), self.tokenizer or given.get("processing_class"))
        kept = Path(args.output_dir) / KEPT
        if state.global_step:
            if not kept.exists():
                raise BadInput(f"training goes on at step {state.global_step}, but {kept} does not hold its start: train from the start")
            record = read_json(kept, "train from the start", dict)
            template = record.get("template", self.bench.format.template)
            self.bench = replace(self.bench, format=replace(self.bench.format, template=template))
            self.start = restored(record, self.bench)
            return
        self.start = self.measured(given, "start")
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_json(kept, self.start.record() | {"rows": {}, "template": self.bench.format.template})

    def on_step_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Measure in between, where that was asked for."""
        due = self.every and self.start and state.global_step % self.every == 0 and state.global_step < state.max_steps
        if due and (found := self.decided(state, given, f"step-{state.global_step}")):
            self.history[state.global_step] = found

    def on_train_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Measure the result and decide."""
        if self.start:
            self.result = self.decided(state, given, "result")

    def decided(self, state: Any, given: dict[str, Any], label: str) -> dict[str, Any] | None:
        """The verdict on the model as it is, printed; None with a warning where measuring fails."""
        assert self.bench is not None and self.start is not None
        try:
            after = self.measured(given, label, self.start)
            found = self.bench.decide(self.start, after, spent=tokens_of(state), margin=self.margin)
        except Exception as error:
            warnings.warn(f"selftaught could not measure the model ({type(error).__name__}: {error})", stacklevel=2)
            return None
        share, _ = answered(after.rows)
        tell(f"selftaught, {label}: {found['sentence']} An answer was read from {share:.0%} of the attempts.")
        found["answered"] = {"before": answered(self.start.rows)[0] if self.start.rows else None, "after": share}
        return found

    def measured(self, given: dict[str, Any], label: str, before: Measured | None = None) -> Measured:
        """One side, by the live module."""
        module = unwrapped(given["model"])
        tokenizer = self.tokenizer or given.get("processing_class")
        # A processor for several modalities holds the tokenizer.
        tokenizer = getattr(tokenizer, "tokenizer", tokenizer)
        bench = self.bench
        assert bench is not None

        async def side(model: LanguageModel, place: Path) -> tuple[Measured, Bench]:
            asked = await bench.asked_of(model, place / "asked", lambda line: tell(f"selftaught: {line}"), first=before is None)
            return await asked.measure(model, label, place / "side", before, margin=self.margin), asked

        with undisturbed(module), tempfile.TemporaryDirectory() as place:
            model = local_model(module, tokenizer, bench.format)
            found, asked = finished(lambda: side(model, Path(place)))
        if before is None:
            # What comes after is asked in the wording that was chosen on the start.
            self.bench = asked
        return found


def told(line: str) -> None:
    """Say a line among the trainer's own."""
    tell(f"selftaught: {line}")


def tokens_of(state: Any) -> int:
    """Tokens the trainer has counted so far; 0 where it does not count."""
    logged = [row["num_tokens"] for row in getattr(state, "log_history", ()) if "num_tokens" in row]
    return int(max([getattr(state, "num_input_tokens_seen", 0) or 0, *logged[-1:]]))


def restored(record: dict[str, Any], bench: Bench) -> Measured:
    """The start that was kept; raises BadInput when it was measured on other tasks."""
    start = Measured.of(record)
    if start.side.tasks_B != tuple(task.id for task in bench.splits["held-out"]) or start.side.settings != bench.settings:
        raise BadInput("the start was measured on other tasks or with another sampler: give GateCallback what it was given then")
    return start
