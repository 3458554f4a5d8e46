"""The gate for anything trained anywhere: two checkpoints, or two score files, become one verdict.

Both sides meet the same held-out tasks with the same format, sampler, noise and length limit, one model in memory after
the other, and each is measured once more at its own best decoding.
"""

import gc
import math
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from selftaught.coroutines import finished
from selftaught.jobs.bench import Bench, apart, open_bench
from selftaught.jobs.checkpoints import Checkpoint, find_checkpoint
from selftaught.jobs.label_files import labels_wanted
from selftaught.options import texts
from selftaught.parts import BadInput, refuse_keys
from selftaught.prove.held_out import answered, lines_of
from selftaught.prove.plan import WHOLE, few
from selftaught.prove.proof import Measured
from selftaught.prove.verdict import not_tested
from selftaught.run.files import write_json, write_lines
from selftaught.run.place import holding, names_in, refuse_foreign
from selftaught.types import SamplerSettings

Say = Callable[[str], None]
Tell = Callable[[dict[str, Any]], None]
# What a gate that was killed while it wrote may have left.
BEGUN = frozenset({"held_out.jsonl", "sides.json", *(f"{name}.part" for name in ("held_out.jsonl", "sides.json", "result.json"))})


def gate(
    base: str | Path, candidate: str | Path | None = None, *, tasks: str | Sequence[str] = (), held_out_count: int | None = None,
    evaluation_seed: int | None = None, engine: str = "", temperature: float | None = None, max_tokens: int = 0,
    template: str = "", system: str = "", answer: str = "", stop: Sequence[str] = (), chat_template_kwargs: str = "",
    off_task: Sequence[str] = (), full: bool = False, attempts: int = 0, margin: float = 0.05, spent: int = 0, out: str | Path = "",
    say: Say = lambda line: None, tell: Tell = lambda result: None,
) -> dict[str, Any]:  # fmt: skip
    """Whether CANDIDATE is better than BASE, whoever trained it.

    Args:
        base: a model (see `checkpoints.find_checkpoint`); a run folder stands for its start.
        candidate: the other model; a run folder stands for its best generation. None takes that of the run `base` names.
        tasks: task sources; empty takes the run's, and then the very tasks that were held out of its training.
        held_out_count: how many held-out tasks decide; None takes 200, or the run's.
        evaluation_seed: seed of the tasks and their noise; None takes 1, or the run's.
        engine: what samples both models, as in `jobs.job.Job`; "" takes local, or the run's.
        temperature: the stated sampler's; None takes 1, or the run's.
        max_tokens: length limit of an attempt on both sides; 0 takes the run's, 64 for sprout, 512 for other models.
        template: how prompts are rendered on both sides, as in `jobs.job.Job`; "" takes the run's, or auto. A wording that is
            left open is chosen on the base.
        system: text of a system turn; "" takes the run's.
        answer: how answers are read; "" takes the run's, or auto.
        stop: an attempt ends after a token whose text contains one of these; empty takes the run's.
        chat_template_kwargs: a JSON object of further arguments of the chat template; "" takes the run's.
        off_task: sources of other families, to see whether anything was unlearned.
        full: draw 16 attempts a task on both sides, and look for tasks the base never solves.
        attempts: draw so few attempts a task on both sides, and look at the candidate in stages (see `prove.looks`); 0 takes
            16 and 4, or what the run's own verdict took.
        margin: a change within it is called no change, as a fraction.
        spent: tokens the training took, for the comparison at equal tokens; 0 takes the run's.
        out: folder for the verdict and the attempts; nothing is kept when empty.
        say: called with one line for people at every stage.
        tell: called with the result before any of it is written.

    Returns:
        The keys of `prove.verdict.verdict`, the ledger of the measurement, `base`, `candidate`, `seconds`.

    Raises:
        BadInput: in one line what is wrong, where, and what to do, before anything is loaded; or what could not be written.
    """
    started, folder, base, tasks, off_task = time.monotonic(), Path(out), str(base), texts(tasks, "tasks"), texts(off_task, "off_task")
    candidate = None if candidate is None else str(candidate)
    refuse_keys({"base": base, "candidate": candidate, "tasks": tasks, "off_task": off_task, "engine": engine, "system": system})
    if not 0 < margin < math.inf or spent < 0:
        raise BadInput(
            f"margin={margin:g}, spent={spent}: give margin as a positive part, such as 0.05 for 5 points, spent as a number of tokens"
        )
    with holding(folder, lambda: refuse_written(folder)) if str(out) else nullcontext():
        before = find_checkpoint(base, "start")
        if candidate is None and before.run is None:
            raise BadInput(f"compare '{before.name}' with what? give CANDIDATE too (only a run folder of ours holds both sides)")
        after = find_checkpoint(base if candidate is None else candidate, "best")
        known = after if after.run else before
        given: dict[str, Any] = {
            "template": template, "system": system, "answer": answer, "stop": texts(stop, "stop"), "temperature": temperature,
            "chat_template_kwargs": chat_template_kwargs, "max_tokens": max_tokens, "evaluation_seed": evaluation_seed,
        }  # fmt: skip
        job = replace(known.job, **{name: value for name, value in given.items() if value not in ("", (), None)})
        before, after = (side.sampled_by(engine or known.job.engine) for side in (before, after))
        limit = max_tokens or max(side.limit for side in (before, after))
        settings = SamplerSettings(temperature=job.heat, max_tokens=limit, stop=job.stop)
        drawn = asked(known, tasks, held_out_count, evaluation_seed)
        otherwise = ", or an `out` folder, and then `selftaught label` on it"
        if full and attempts:
            raise BadInput(f"--full draws 16 attempts and --attempts {attempts} others: give one of them")
        drawn["unsafe_checkers"] = job.unsafe_checkers
        bench = open_bench(settings=settings, off_task=off_task, ungraded=bool(out), format=job.format, otherwise=otherwise, **drawn)
        for line in bench.lines():
            say(line)
        plan = known.plan() if known.run and "held_out" in drawn else WHOLE
        bench = bench.planned(plan)
        if attempts:
            bench = bench.planned(few(len(bench.splits["held-out"]), attempts))
        elif full and plan.looks:
            bench = replace(bench, plan=replace(plan, start=WHOLE.start))
        spent = spent or after.spent()
        start, bench = one_side(before, bench, "start", None, full, say, margin)
        end, bench = one_side(after, bench, "result", start, full, say, margin)
        result = bench.decide(start, end, full, spent=spent, margin=margin) | added(start.ledger, end.ledger)
        result["answered"] = {"before": answered(start.rows)[0], "after": answered(end.rows)[0]}
        result |= {"base": before.name, "candidate": after.name, "seconds": round(time.monotonic() - started, 1)}
        rows = said(bench, (start, end)) if out else []
        if out and result["verdict"] == "not tested":
            reason, labels = labels_wanted(folder, rows)
            result |= not_tested(reason) | {"labels": labels}
        # Told before it is written: what was measured is not lost with a disk that has become full.
        tell(result)
        return kept(result, rows, (start, end), folder) if out else result


def refuse_written(folder: Path) -> None:
    """Raises BadInput where a verdict cannot be written into a folder, or would be written over anything; touches nothing."""
    if "result.json" in names_in(folder):
        raise BadInput(f"{folder} already holds a verdict: give another --out")
    refuse_foreign(folder, "verdict", BEGUN)


def asked(known: Checkpoint, tasks: Sequence[str], count: int | None, seed: int | None) -> dict[str, Any]:
    """Which tasks are drawn: the run's own as it held them out, or those that were asked for.

    Raises:
        BadInput: another count or seed for a run's own tasks, as it may have trained on what these draw.
    """
    sources, held_out = known.sources()
    if not known.run or (tasks and tuple(tasks) not in (sources, held_out)):
        return {
            "tasks": tuple(tasks) if known.run else apart(tasks),
            "count": 200 if count is None else count,
            "seed": 1 if seed is None else seed,
        }
    job = known.job
    for option, given, own in (("held-out-count", count, job.count), ("evaluation-seed", seed, job.evaluation_seed)):
        if given not in (None, own):
            raise BadInput(f"{known.run} held out its tasks with --{option} {own} and may have trained on others: leave out --{option}")
    return {"tasks": sources, "held_out": held_out, "count": job.count, "seed": job.evaluation_seed}


def one_side(
    checkpoint: Checkpoint, bench: Bench, label: str, before: Measured | None, full: bool, say: Say, margin: float
) -> tuple[Measured, Bench]:
    """Open one model, measure it, and let it go before the next one is opened; with the bench as it was asked."""

    async def whole(folder: Path) -> tuple[Measured, Bench]:
        model, method = await checkpoint.open()
        mine = await bench.asked_of(model, folder.with_name("asked"), say, first=before is None)
        say(f"measuring {checkpoint.name} on {len(mine.splits['held-out'])} held-out tasks")
        return await mine.measure(model, label, folder, before, full, margin, method), mine

    with tempfile.TemporaryDirectory() as place:
        found = finished(lambda: whole(Path(place) / "side"))
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
    return found


def said(bench: Bench, measured: Sequence[Measured]) -> list[dict[str, Any]]:
    """The lines of held_out.jsonl."""
    tasks = bench.splits["held-out"][: len(measured[-1].side.tasks_B)]
    return list(lines_of(tasks, {side.side.label: side.rows for side in measured}))


def kept(result: dict[str, Any], rows: Sequence[Mapping[str, Any]], measured: Sequence[Measured], folder: Path) -> dict[str, Any]:
    """The result, written with both sides' attempts. Raises NotWritten."""
    write_lines(folder / "held_out.jsonl", rows)
    write_json(folder / "sides.json", {side.side.label: side.side.record() for side in measured})
    write_json(folder / "result.json", result)
    return result | {"run": str(folder)}


def added(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Two ledgers' summaries as one: numbers added, at any depth."""
    found: dict[str, Any] = {}
    for key in dict.fromkeys((*one, *other)):
        a, b = one.get(key), other.get(key)
        if isinstance(a, Mapping) or isinstance(b, Mapping):
            found[key] = added(a or {}, b or {})
        else:
            found[key] = (a or 0) + (b or 0)
    return found
