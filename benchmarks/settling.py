"""Is the temperature that `prove.settling` chooses one at which votes are right? `python benchmarks/settling.py MODEL TASKS...`

Prints, for each temperature, how often two votes agree, which needs no answers, and beside it how often samples, a vote of
8 and one greedy reply are right, which does.
"""

import argparse
import asyncio
import copy
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from selftaught.jobs.job import Job
from selftaught.jobs.session import Session, open_session
from selftaught.jobs.settling import EACH, HEATS, TASKS, settle, votes_agree
from selftaught.prove.preflight import winner


async def table(session: Session, tasks: int, seed: int) -> None:
    """One line a temperature."""
    run = session.run
    await session.prepare(print)
    held = session.splits["held-out"][:tasks]
    found = await settle(run, copy.copy(run.pool).draw(run.rng("settle"), TASKS), seed)
    print(found.line())
    for heat in (0.0, *HEATS):
        settings = replace(found.settings, temperature=heat)
        groups = await run.draw(held, EACH if heat else 1, settings, "policy", "truth", seed)
        right = [await run.check(g.task, [a.text for a in g.attempts_G], "evaluate", gold=True) for g in groups]
        answers = [[run.answer(a.text, g.task) for a in g.attempts_G] for g in groups]
        # a vote is right as its first attempt is that gives the winning answer
        voted = [grades[given.index(winner(given))] for given, grades in zip(answers, right, strict=True)]
        print(
            f"T={heat:g}: two votes agree {votes_agree(run, groups):.0%}, sampled {np.mean(right):.1%}, vote {np.mean(voted):.1%}, "
            f"{len(groups)} tasks",
            flush=True,
        )


def main() -> None:
    """Open and look."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("model")
    options.add_argument("tasks", nargs="+")
    options.add_argument("--count", type=int, default=60)
    options.add_argument("--seed", type=int, default=7)
    options.add_argument("--answer", default="auto")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        job = Job(model=asked.model, tasks=tuple(asked.tasks), held_out_count=asked.count, evaluation_seed=asked.seed, answer=asked.answer)
        session = open_session(job, Path(folder) / "run")
        asyncio.run(table(session, asked.count, asked.seed))
        session.close()


if __name__ == "__main__":
    main()
