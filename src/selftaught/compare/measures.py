"""Claims that the gate does not measure: a run without a gate, then one number or one list of numbers of its result.

`python -m selftaught.compare.measures SPEC` runs one of them in this process, SPEC being JSON with `metric`, `recipe`, `folder` and
fields of `job.Job`. It goes on with a run that is there, and writes measured.json.
"""

import json
import sys
from asyncio import gather
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from selftaught.coroutines import finished
from selftaught.jobs.job import Job
from selftaught.jobs.session import Session, open_session
from selftaught.parts import BadInput
from selftaught.shown import tell
from selftaught.types import Group, Message, SampleRequest

# Drafts a question, sequences a decision point, and fits of a probe.
DRAFTS, LINES, FITS = 4, 256, (0, 1, 2)
Measure = Callable[[Session], Awaitable[dict[str, Any]]]


async def turns(session: Session) -> dict[str, Any]:
    """Share of right first and second answers on each held-out task, of the start and of the result.

    Attempt i of a task has the same noise on both sides and in both turns of every run.
    """
    from selftaught.explore.retry import QUESTION

    run, tasks, seed = session.run, session.splits["held-out"], session.job.evaluation_seed
    found: dict[str, Any] = {}

    async def right(groups: list[Group]) -> list[float]:
        texts = [[attempt.text for attempt in group.attempts_G] for group in groups]
        grades = await gather(*(run.check(g.task, t, "evaluate", gold=True) for g, t in zip(groups, texts, strict=True)))
        return [float(np.mean(np.asarray(grade) >= 1)) for grade in grades]

    for side, weights in (("start", "start"), ("result", "policy")):
        asked = [
            SampleRequest(
                key=f"turns/{weights}/{task.id}", task=task, messages=task.messages, n=DRAFTS, settings=run.settings, weights=weights,
                noise=f"turns/{seed}/{task.id}",
            )
            for task in tasks
        ]  # fmt: skip
        drafts = await run.model.sample(asked)
        again = [
            replace(
                request, key=f"{request.key}/{i}", messages=(Message("user", QUESTION),), n=1, role="reviser", after=draft,
                noise=f"{request.noise}/{i}",
            )
            for request, made in zip(asked, drafts, strict=True) for i, draft in enumerate(made)
        ]  # fmt: skip
        seconds = iter(await run.model.sample(again))
        first = [Group(key=t.id, task=t, attempts_G=tuple(made)) for t, made in zip(tasks, drafts, strict=True)]
        second = [replace(group, attempts_G=tuple(next(seconds)[0] for _ in group.attempts_G)) for group in first]
        found[side] = {"first": await right(first), "second": await right(second)}
    return found


async def exploited(session: Session) -> dict[str, Any]:
    """Exact exploitability in Kuhn poker, of the start and of the result."""
    from selftaught.measures.exploitability import exploitability, text_policy

    run, game, found = session.run, session.run.world("kuhn", {}), {}
    limit = getattr(session.recipe.phases[0].explore, "max_tokens", 0) or run.settings.max_tokens
    for side, weights in (("start", "start"), ("result", "policy")):
        policy = await text_policy(run.model, game, n=LINES, settings=replace(run.settings, max_tokens=limit), weights=weights)
        found[side] = exploitability(game, policy)
    return found


async def probed(session: Session) -> dict[str, Any]:
    """What an MLP on frozen features, and the same MLP on raw rows, contribute row by row; and how much features vary."""
    from selftaught.measures.probe import feature_variance, features_of, probe
    from selftaught.tasks.source import parse_source
    from selftaught.tasks.tables import Tables

    source = parse_source((session.job.tasks or session.recipe.tasks)[0])
    if not isinstance(source, Tables):
        raise BadInput(f"{source.text()}: probes need rows of a table: give --tasks table:wine")
    train, test = source.rows("train"), source.rows("held-out")
    seen = [await features_of(session.run.model, values) for values, _ in (train, test)]
    options: dict[str, Any] = {"kind": "mlp", "seeds": FITS, "regression": source.table == "diabetes"}
    on_rows, on_features = probe(train, test, **options), probe((seen[0], train[1]), (seen[1], test[1]), **options)
    return {
        "start": np.asarray(on_rows.per_item).tolist(), "result": np.asarray(on_features.per_item).tolist(),
        "variance": feature_variance(seen[1]),
    }  # fmt: skip


MEASURES: Mapping[str, Measure] = {"second turn minus first": turns, "exploitability": exploited, "probe": probed}


def measured(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Run a spec to its end and measure the result."""
    from selftaught import api

    metric, recipe = MEASURES[spec["metric"]], spec["recipe"]
    job = {key: tuple(v) if isinstance(v, list) else v for key, v in spec.items() if key in Job.__dataclass_fields__ and key != "recipe"}
    folder = Path(spec["folder"])
    resume = (folder / "run.json").exists()
    result = api.improve(
        recipe, out=folder, resume=resume, **({} if resume else {"gate": False, "forecast": False, "monitors": False} | job)
    )

    async def look(session: Session) -> dict[str, Any]:
        await session.run.resume()
        await session.run.hand_back()
        return await metric(session)

    session = open_session(Job(), folder, resume=True)
    try:
        found = finished(lambda: look(session))
    finally:
        session.close()
    return found | {key: result[key] for key in ("tokens", "seconds", "gold_read", "alarms")}


def main() -> None:
    """Entry point; exits with 2 on bad input and 130 when interrupted."""
    from selftaught.run.files import write_json

    spec = json.loads(sys.argv[1])
    try:
        write_json(Path(spec["folder"]) / "measured.json", measured(spec))
    except BadInput as error:
        tell(error, error=True)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
