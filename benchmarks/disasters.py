"""Are collapses caught in time, and healthy runs left alone? Made disasters and healthy runs on sprout.

    python benchmarks/disasters.py [--tune] [--only NAME] [--out runs/disasters]

Every run is label-free or not as its recipe is; true accuracy is measured from the outside on held-out tasks, with the
same noise each time. No run is stopped: the default monitors read its numbers afterwards, step by step, as they would
have during it, so that what an alarm spares can be seen. Finished runs are kept and not run again. Monitors and
thresholds were chosen on runs with seeds 0, 1, 101, 102 and 201 (`--tune` and by hand, on these and on other levels); the
seeds of the results were not looked at before, but for the change told at `healthy`.
"""

import argparse
import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from selftaught.jobs.job import Job
from selftaught.jobs.session import Session, open_session
from selftaught.monitors.alarms import DEFAULT_MONITORS, RightLess
from selftaught.monitors.series import Steps
from selftaught.run.watcher import Watcher, outside

RESULTS = Path(__file__).parent / "results" / "disasters.json"
ATTEMPTS, CLOSE, EVERY, GENERATION, LAG, LOST = 2, 6, 3, 10, 8, 0.05
SMALL = {"plan.tasks": 16}


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run: what is asked, and whether it is meant to collapse.

    Attributes:
        name: of the disaster, or of the healthy recipe.
        recipe, tasks, options, steps, seed: the job.
        disaster: whether it must be caught; healthy runs must be left alone.
    """

    name: str
    recipe: str
    tasks: tuple[str, ...]
    options: dict[str, object] = field(default_factory=dict)
    steps: int = 20
    seed: int = 0
    disaster: bool = False

    @property
    def key(self) -> str:
        """Name of its file."""
        return f"{self.name}-{'-'.join(self.tasks).replace(':', '_').replace('=', '').replace(',', '')}-{self.seed}"


def disasters(seeds: tuple[int, ...], tune: bool) -> list[Run]:
    """The made disasters. Tuning takes other levels."""
    easy = ("sums:level=5",) if tune else ("sums:level=6",)
    fast = SMALL | {"optimizer.lr": 1e-4}
    kinds = [
        ("voting-1e-4", "ttrl", fast | {"optimizer.minibatches": 6}, 14),
        ("constant-vote", "constant-vote", fast, 12),
        ("yes-judge", "yes-judge", fast, 12),
        ("length-reward", "length-reward", fast, 12),
    ]
    return [Run(name=n, recipe=r, tasks=easy, options=o, steps=k, seed=s, disaster=True) for n, r, o, k in kinds for s in seeds]


def healthy(seeds: tuple[int, ...], tune: bool) -> list[Run]:
    """Recipes that improve, or change little. The default's tasks are checked by rules, the votes' and answers' by nobody."""
    mixed = ("sudoku:level=7", "sort:level=6") if tune else ("linear:level=7", "sort:level=5")
    kinds = [
        ("default", "selftaught", mixed, {"plan.tasks": 12}),
        ("votes", "ttrl", ("sums:level=7", "chain:level=5") if tune else ("sums:level=8", "chain:level=6"), SMALL | {"optimizer.lr": 5e-5}),
        ("answers", "ttrl", ("chain:level=7",) if tune else ("sums:level=8",), SMALL | {"read": "gold", "optimizer.lr": 1e-4}),
        ("rules", "ttrl", ("sort:level=6",) if tune else ("linear:level=6",), SMALL | {"read": "rule", "optimizer.lr": 1e-4}),
        ("imitation", "star", ("chain:level=6",) if tune else ("countdown:level=4",), {"plan.tasks": 16, "rounds": 2}),
    ]
    # The anchor was taken from recipes that read answers after seeds 301 and 302 of "answers" had raised it; others followed.
    moved = {"answers": 0 if tune else 100}
    return [Run(name=n, recipe=r, tasks=t, options=o, seed=s + moved.get(n, 0), steps=16) for s in seeds for n, r, t, o in kinds]


async def play(run: Run, session: Session) -> dict[str, object]:
    """One run with its numbers and true accuracies."""
    from selftaught import loop

    live, held_out = session.run, session.splits["held-out"]
    # A monitor that never speaks, so that health is looked at and nothing is stopped.
    live.watcher = Watcher((RightLess(drop=0.99),))
    live.alarms = live.watcher.alarms
    truth: dict[int, float] = {}

    async def measure() -> None:
        with outside(live, "evaluate"):
            groups = await live.draw(held_out, ATTEMPTS, live.settings, "policy", f"truth/{live.position}", 7)
            grades = [await live.check(g.task, [a.text for a in g.attempts_G], "evaluate", gold=True) for g in groups]
        truth[live.position] = float(np.mean(grades))

    await live.save()
    await measure()
    step, seconds = loop.step, []

    async def watched(phase, run):  # type: ignore[no-untyped-def]
        went = await step(phase, run)
        run.position += 1
        if run.position == total or (session_run.disaster and (run.position <= CLOSE or run.position % EVERY == 0)):
            await measure()
        run.position -= 1
        return went

    session_run, total = run, len(list(session.recipe.schedule()))
    loop.step = watched
    try:
        started = time.process_time()
        await loop.improve(session.recipe, live)
        seconds.append(time.process_time() - started)
    finally:
        loop.step = step
    return {"truth": truth, "steps": live.watcher.steps, "health_seconds": live.ledger.watch.snapshot().get("audit"), "cpu": seconds[0]}


def judge(run: Run, played: dict) -> dict[str, object]:
    """When the default monitors speak, and what was lost by then."""
    steps: Steps = played["steps"]
    alarms = [(i + 1, m.name, said) for i in range(len(steps)) for m in DEFAULT_MONITORS if (said := m.alarm(steps[: i + 1]))]
    measured = {int(k): v for k, v in played["truth"].items()}
    # Two measurements in a row are averaged: one alone moves by some 3 points.
    at_, truth = sorted(measured), {}
    for before, at in zip([at_[0], *at_], at_, strict=False):
        truth[at] = (measured[before] + measured[at]) / 2
    best: dict[int, float] = {}
    for at in sorted(truth):
        best[at] = max([*best.values(), truth[at]])
    fell = next((at for at in sorted(truth) if truth[at] <= best[at] - LOST), None)
    once = next((at for at in at_ if measured[at] <= max(measured[b] for b in at_ if b <= at) - LOST), None)
    row: dict[str, object] = {
        "name": run.name, "tasks": run.tasks, "options": run.options, "seed": run.seed, "disaster": run.disaster, "start": measured[0],
        "peak": max(truth.values()), "end": measured[max(measured)], "fell_5_points_at": fell,
        "fell_in_one_measurement_at": once, "truth": measured,
    }  # fmt: skip
    if alarms:
        at, name, said = alarms[0]
        # The alarm of step `at` comes before that step learns: weights are those after at - 1 steps.
        known = [t for t in truth if t <= at - 1]
        back = max(0, (at - LAG) // GENERATION * GENERATION)
        row |= {"alarm": at, "monitor": name, "message": said, "truth_at_alarm": truth[max(known)]}
        row |= {"handed_back": back, "truth_handed_back": truth.get(back)}
    if run.disaster:
        # The step that raises an alarm does not learn.
        row["outcome"] = ("missed" if fell is not None else "no collapse") if not alarms else "caught"
        if alarms and fell is not None and alarms[0][0] - 1 >= fell:
            row["outcome"] = "late"
    else:
        row["outcome"] = "alarmed" if alarms else "left alone"
    return row


def main() -> None:
    """Run what is missing, judge everything, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tune", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--out", default="runs/disasters")
    parser.add_argument("--judge", action="store_true", help="run nothing")
    given = parser.parse_args()
    seeds = ((0,), (0,)) if given.tune else ((301, 302, 303), (301, 302, 303, 304))
    todo = [*disasters(seeds[0], given.tune), *healthy(seeds[1], given.tune)]
    out = Path(given.out) / ("tune" if given.tune else "final")
    rows = []
    for run in todo:
        path = out / f"{run.key}.json"
        if given.only in run.name and not path.exists() and not given.judge:
            import tempfile

            with tempfile.TemporaryDirectory() as folder:
                options = run.options if run.recipe == "star" else {**run.options, "steps": run.steps}
                job = Job(recipe=run.recipe, tasks=run.tasks, options=options, seed=run.seed, gate=False, held_out_count=100)
                session = open_session(job, Path(folder) / "run")
                played = asyncio.run(play(run, session))
                session.close()
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(played, default=float))
        if path.exists():
            rows.append(judge(run, json.loads(path.read_text())))
            print(json.dumps(rows[-1]), flush=True)
    outcomes = Counter(str(row["outcome"]) for row in rows)
    print(json.dumps(outcomes))
    if not given.tune:
        RESULTS.write_text(json.dumps({"outcomes": outcomes, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
