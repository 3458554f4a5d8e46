"""Any measure on a model, a run or a score file: both sides where there are two, and their paired difference."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from selftaught.coroutines import finished
from selftaught.jobs.checkpoints import find_checkpoint
from selftaught.jobs.fits import form_of
from selftaught.jobs.job import DEFAULT_TASKS, Job
from selftaught.jobs.session import Session, open_session
from selftaught.jobs.sides import SIDES, SessionSide
from selftaught.jobs.started import load_job
from selftaught.parts import BadInput, named
from selftaught.recipes import ASKING
from selftaught.run.files import read_json
from selftaught.run.hashes import load_whole
from selftaught.scorefiles.scores import is_score_file, read_scores
from selftaught.stages import Measure
from selftaught.statistics.evaluated import SHARE, evaluated, unit_means
from selftaught.tasks.source import parse_source
from selftaught.types import Evaluation

Say = Callable[[str], None]
# What fields of a job are called on the command line, where that is another name.
CALLED = {"held_out_count": "count", "evaluation_seed": "seed"}


def measure(text: str, model: str = "", *, tasks: Sequence[str] = (), say: Say = lambda line: None, **job: Any) -> dict[str, Any]:
    """One measure on a model, a run folder (its start and what it handed back) or a score file.

    Args:
        text: name of a measure with its options, `pass-1`, `probe:fit=linear`.
        model: what `find_checkpoint` knows, a run folder, or a score file.
        tasks: task sources; a run's own, else the default ones, when empty.
        say: called with a line for people.
        **job: further fields of `jobs.job.Job`, of a model alone: `held_out_count` (200), `evaluation_seed` (1), `temperature` ...

    Returns:
        `measure`, `label`, `unit`, `higher`, `share`, `model`, `tasks`, and `rows`: one a side, of a run also the difference of
        both, with name, value, low, high and n.

    Raises:
        BadInput: in one line, before anything is asked.
    """
    asked: Measure = named("measure", text)
    folder = Path(model).expanduser()
    own = (folder / "run.json").is_file()
    if (own or is_score_file(model)) and (tasks or job):
        given = "tasks" if tasks else CALLED.get(min(job), min(job))
        raise BadInput(f"{model} has tasks and settings of its own: leave out --{given.replace('_', '-')}")
    for source in tasks:
        parse_source(source)
    if is_score_file(model):
        found = of_scores(asked, model)
    elif own:
        found = of_run({text: asked}, folder)[text]
        began = load_job(folder)
        tasks = began.tasks or began.resolved().tasks or DEFAULT_TASKS
    else:
        tasks = tasks or DEFAULT_TASKS if asked.takes == "words" else tasks
        found = of_model(asked, model, tasks, job, say)
    rows = [row(name, value) for name, value in found.items()]
    if {*SIDES} <= set(found):
        before, after = (unit_means(found[side].per_item) for side in SIDES)
        rows.append(row("difference", evaluated("difference", after - before, asked.unit)))
    facts = {name: getattr(asked, name) for name in ("label", "unit", "higher", "share")}
    return {"measure": text, **facts, "model": model or "sprout", "tasks": list(tasks), "rows": rows}


def row(name: str, found: Evaluation) -> dict[str, Any]:
    """One line of the table; what could not be measured is null."""
    numbers = {key: getattr(found, key) for key in ("value", "low", "high")}
    return {"name": name, "n": found.n} | {key: value if np.isfinite(value) else None for key, value in numbers.items()}


def of_scores(asked: Measure, file: str) -> dict[str, Evaluation]:
    """A score file's mean, which is pass@1 where scores are right or wrong."""
    if asked.kept != "stated":
        raise BadInput(f"{file} holds scores, and '{asked.name}' asks a model: give a model or a run folder, or measure pass-1")
    return {"scores": evaluated(asked.name, read_scores(file).scores_B_n, asked.unit)}


def of_run(asked: Mapping[str, Measure], folder: Path) -> dict[str, dict[str, Evaluation]]:
    """Measures of both sides of a run; what its verdict holds already is read, the rest is asked."""
    found = {text: held for text, measure in asked.items() if (held := kept(measure, folder))}
    rest = {text: measure for text, measure in asked.items() if text not in found}
    if not rest:
        return found
    session = open_session(Job(), folder, resume=True)

    async def look() -> dict[str, dict[str, Evaluation]]:
        await session.run.resume()
        await session.run.hand_back()
        subjects = {side: SessionSide(session, weights) for side, weights in SIDES.items()}
        return {text: await both(measure, subjects) for text, measure in rest.items()}

    try:
        for measure in rest.values():
            refuse_other(measure, session, str(folder))
        return found | finished(look)
    finally:
        session.close()


async def both(asked: Measure, subjects: Mapping[str, SessionSide]) -> dict[str, Evaluation]:
    """A measure of both sides of an open run, and of its baseline, on the result, where it names one."""
    found = {side: await asked.measure(subject) for side, subject in subjects.items()}
    return found | ({asked.baseline: await asked.measure_baseline(subjects["result"])} if asked.baseline else {})


def kept(asked: Measure, folder: Path) -> dict[str, Evaluation]:
    """What a finished run's verdict holds of a measure, by side; nothing where it holds none."""
    path = folder / "held_out.json"
    # With options of its own it asks for something else than a verdict does.
    if not asked.kept or asked != type(asked)() or not path.is_file():
        return {}
    held: Mapping[str, Any] = read_json(path, "measure a run that is whole", dict)
    if not all(asked.kept in held[side] for side in SIDES):
        return {}
    return {side: evaluated(asked.name, np.array(held[side][asked.kept], np.float64), asked.unit, bounds=SHARE) for side in SIDES}


def of_model(asked: Measure, model: str, tasks: Sequence[str], job: Mapping[str, Any], say: Say) -> dict[str, Evaluation]:
    """A model as it is, asked plainly."""
    if asked.takes not in ("", "words", "games"):
        raise BadInput(f"'{asked.name}' looks at features of {asked.takes}: give the folder of a run that learned some as --model")
    if asked.takes == "games" and not tasks:
        raise BadInput(f"'{asked.name}' is of a game: name one, as --tasks game:kuhn")
    wordy = asked.takes == "words"
    opened = find_checkpoint(model, "best")
    base = opened.job if opened.generation else Job(recipe=ASKING, model=opened.job.model)
    given: dict[str, Any] = {"tasks": tuple(tasks)} if wordy and tasks else {}
    with tempfile.TemporaryDirectory() as folder:
        session = open_session(replace(base, **given, **job), Path(folder) / "run")

        async def look() -> dict[str, Evaluation]:
            if wordy:
                for line in (*session.bench.lines(), *session.warnings):
                    say(line)
                await session.prepare(say)
            if opened.generation:
                await load_whole(opened.generation, session.run.model, checked=True)
            say(f"measuring {asked.label}" + (f" on {len(session.splits['held-out'])} tasks" if wordy else ""))
            subject = SessionSide(session, "policy", tasks)
            found = {"model": await asked.measure(subject)}
            return found | ({asked.baseline: await asked.measure_baseline(subject)} if asked.baseline else {})

        try:
            return finished(look)
        finally:
            session.close()


def refuse_other(asked: Measure, session: Session, name: str) -> None:
    """Refuse a measure that asks about something else than a run's tasks are made of."""
    forms = {form_of(task) for task in session.splits["held-out"]}
    if asked.takes and asked.takes not in forms:
        raise BadInput(
            f"'{asked.name}' asks about {asked.takes}, and {name} is about {', '.join(sorted(forms))}: give another run or measure"
        )
