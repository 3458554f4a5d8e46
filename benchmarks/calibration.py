"""Does the gate say what it means? Simulated trainings that change nothing, and some that truly help.

A simulated model has a chance per task, at each temperature and wording. Both sides are measured as the gate measures
them: 200 held-out tasks x 4 attempts, the best decoding chosen on 64 development tasks among four temperatures and
three wordings. `evaluation.decision.decided` then decides, as it does for any run. The population of tasks and the gain
by cooling are fitted by eye to the shipped model on its default tasks; how far a training moves single tasks, and
whether the two sides still sample alike, are varied. The last rows are of gates sized by a share of the run and looked
at in stages (`evaluation.looks`), as `prove.plan` makes them: the least one, and the largest.

    python benchmarks/calibration.py            about four minutes on one core; writes results/calibration.json
    python benchmarks/calibration.py --staged   the last rows anew
"""

import argparse
import json
import time
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from selftaught.prove.decision import Decision, decided
from selftaught.prove.looks import level_at, why_ended
from selftaught.prove.plan import FEWEST, MOST, WHOLE, Plan, few
from selftaught.prove.record import AS_IS, Side
from selftaught.prove.side import TEMPERATURES, TEMPLATES
from selftaught.types import SamplerSettings

TASKS, ATTEMPTS, MARGIN = WHOLE.tasks, WHOLE.result, 0.05
MEAN, SPREAD = -0.8, 2.8
# (shift, factor) of the logits by temperature: cooling sharpens, and here it helps.
COOLING = {1.0: (0.0, 1.0), 0.7: (0.6, 1.3), 0.3: (0.8, 2.0), 0.0: (0.9, 2.5)}
WORDING = 0.3
# Logit spread of the changes of single tasks between start and result.
MOVES = (0.4, 0.8, 1.6)
SETTINGS = {temperature: SamplerSettings(temperature=temperature) for temperature in COOLING}
QUADRATURE = np.polynomial.hermite_e.hermegauss(101)


class Case(NamedTuple):
    """One kind of training. Attributes: logit spread of its changes; whether noise is shared; spread of its luck; true gain."""

    move: float
    shared: bool
    seed_sd: float = 0.0
    gain: float = 0.0


class Model(NamedTuple):
    """Chances of one set of weights: logits [B], wordings' logits [B], greedy paths [B], logit shift by temperature."""

    logit_B: Any
    wording: dict[str, Any]
    path_B: Any
    shift: dict[float, float]

    def draw(self, uniform_B_n: Any, temperature: float, template: str, at: slice) -> Any:
        """f32[B,n]: attempt i is right where its noise lies below the task's chance; the greedy one has a noise of its own."""
        cooling, factor = COOLING[temperature]
        p_B = sigmoid(factor * (self.logit_B + self.wording[template] + cooling + self.shift[temperature]))[at]
        return ((self.path_B[at, None] if temperature == 0 else uniform_B_n[at]) < p_B[:, None]).astype(np.float32)


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def measure(label: str, model: Model, noise_B_n: Any, plan: Plan = WHOLE) -> Side:
    """A side, by the gate's own order of choices."""
    tasks, n = plan.tasks, plan.result
    held, dev = slice(0, tasks), slice(tasks, tasks + plan.development)
    by_template = {t: model.draw(None, 0.0, t, dev).mean() for t in TEMPLATES}
    template = max(TEMPLATES, key=by_template.__getitem__)
    accuracy = {t: model.draw(noise_B_n[:, : plan.tries], t, template, dev).mean() for t in sorted(TEMPERATURES)}
    best = max(accuracy, key=accuracy.__getitem__)
    correct_B_n = model.draw(noise_B_n, 1.0, AS_IS, held)
    return Side(
        label=label, tasks_B=tuple(map(str, range(tasks))), settings=SETTINGS[1.0], correct_B_n=correct_B_n,
        answers_B_n=((None,) * n,) * tasks, scores_B_n=np.zeros((tasks, n), np.float32), greedy_B=model.draw(None, 0.0, AS_IS, held)[:, 0],
        best_settings=SETTINGS[best], best_template=template,
        best_B_m=correct_B_n if (best, template) == (1.0, AS_IS) else model.draw(noise_B_n, best, template, held),
    )  # fmt: skip


@cache
def population(temperature: float, spread: float, shift: float) -> float:
    """Mean accuracy over all tasks, at logits of that spread, by quadrature."""
    points, weights = QUADRATURE
    cooling, factor = COOLING[temperature]
    return float(weights @ sigmoid(factor * (MEAN + spread * points + cooling + shift)) / weights.sum())


@cache
def shifts(case: Case) -> tuple[tuple[float, float], ...]:
    """Logit shift by temperature with which the training is worth exactly the gain, at every temperature."""
    found, wide = [], float(np.sqrt(SPREAD**2 + case.move**2 + case.seed_sd**2))
    for temperature in COOLING:
        target, low, high = population(temperature, SPREAD, 0.0) + case.gain, -4.0, 6.0
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if population(temperature, wide, middle) < target else (low, middle)
        found.append((temperature, low))
    return tuple(found)


def truth(side: Side, case: Case | None) -> float:
    """What the best decoding of a start (no case) or of a result scores over all tasks."""
    variance = SPREAD**2 + (case.move**2 + case.seed_sd**2 if case else 0) + (WORDING**2 if side.best_template != AS_IS else 0)
    temperature = side.best_settings.temperature
    return population(temperature, float(np.sqrt(variance)), dict(shifts(case))[temperature] if case else 0.0)


def decide(starts: list[Side], results: list[Side], plan: Plan, **options: Any) -> tuple[Decision, int]:
    """The decision at the look that ends it, and how many tasks were seen."""
    looks = plan.looks or (plan.tasks,)
    for look, seen in enumerate(looks):
        sides = ([side.first(seen) for side in group] for group in (starts, results))
        found = decided(*sides, level=level_at(looks, look), margin=MARGIN, **options)
        assert isinstance(found, Decision)
        if why_ended(found, looks, look, MARGIN):
            break
    return found, seen


def simulate(seed: int, case: Case, seeds: int, draws: int, plan: Plan = WHOLE) -> tuple[Decision, float, int]:
    """The decision on one start and its trainings, the true difference at the decodings chosen, and the tasks seen."""
    rng, count = np.random.default_rng([seed, seeds]), plan.tasks + plan.development

    def wordings() -> dict[str, Any]:
        return {template: rng.normal(0, WORDING, count) if template != AS_IS else 0.0 for template in TEMPLATES}

    base_B, words = rng.normal(MEAN, SPREAD, count), wordings()
    noises, paths = rng.random((seeds + 1, count, plan.result)), rng.random((seeds + 1, count))
    starts = [measure("start", Model(base_B, words, paths[0], dict.fromkeys(COOLING, 0.0)), noises[0], plan)] * seeds
    # Of several trainings, half the variance of a task's change is common to all.
    parts = (np.sqrt(0.5), np.sqrt(0.5)) if seeds > 1 else (0.0, 1.0)
    common_B = base_B + parts[0] * rng.normal(0, case.move, count)
    results = []
    for s in range(seeds):
        luck, at = rng.normal(0, case.seed_sd), 0 if case.shared else s + 1
        logit_B = common_B + parts[1] * rng.normal(0, case.move, count) + luck
        model = Model(logit_B, words if case.shared else wordings(), paths[at], dict(shifts(case)))
        results.append(measure("result", model, noises[at], plan))
    found, seen = decide(starts, results, plan, seed=seed, draws=draws)
    return found, float(np.mean([truth(side, case) for side in results])) - truth(starts[0], None), seen


def intervals(found: Decision) -> list[tuple[float, float]]:
    """As stated, and at the best decoding."""
    return [(pair.low, pair.high) for pair in (found.stated, found.best)]


def rates(name: str, cases: list[Case], count: int, seeds: int = 1, draws: int = 2000, plan: Plan = WHOLE) -> dict[str, Any]:
    """How often each verdict comes, and how often the two intervals hold the truth, over cases in turn."""
    words: list[str] = []
    hits = []
    tasks: list[int] = []
    looks = plan.looks or (plan.tasks,)
    for i in range(count):
        case = cases[i % len(cases)]
        found, at_best, seen = simulate(i, case, seeds, draws, plan)
        tasks.append(seen)
        words.append(found.word.split(" (")[0].split(" larger")[0])
        covered = [low <= true <= high for (low, high), true in zip(intervals(found), (case.gain, at_best), strict=True)]
        hits.append((*covered, found.stated.p < 1 - level_at(looks, looks.index(seen))))
    stated, best, p = np.mean(hits, axis=0).tolist()
    verdicts = {word: words.count(word) / count for word in ("improved", "worse", "no change", "can't tell")}
    by_case = [
        {**case._asdict(), "improved": float(np.mean([w == "improved" for w in words[i :: len(cases)]]))} for i, case in enumerate(cases)
    ]
    covers = {"covers_stated": stated, "covers_best": best, "p_below_5_percent": p}
    about = {"tasks": plan.tasks, "looks": list(plan.looks), "seen": float(np.mean(tasks))} if plan.looks else {}
    return {"name": name, "simulations": count, "seeds": seeds, **about, **verdicts, **covers, "cases": by_case}


def table(scale: float = 1.0, draws: int = 2000) -> list[dict[str, Any]]:
    """All rows; `scale` is the share of the simulations to run."""
    nil = [Case(move, shared) for move, shared in product(MOVES, (True, False))]
    lucky = [Case(move, shared, sd) for move, shared, sd in product(MOVES, (True, False), (0.0, 0.15, 0.4))]
    better = [case._replace(gain=0.1) for case in nil]
    rows = [("nil, 1 training", nil, 4000, 1), ("nil, 3 trainings", lucky, 3000, 3), ("nil, 5 trainings", lucky, 3000, 5)]
    return [rates(name, cases, int(n * scale), seeds, draws) for name, cases, n, seeds in [*rows, ("+10 points", better, 1200, 1)]]


def staged(scale: float = 1.0, draws: int = 2000) -> list[dict[str, Any]]:
    """The rows of gates that are looked at in stages: the least and the largest."""
    nil = [Case(move, shared) for move, shared in product(MOVES, (True, False))]
    rows = []
    for plan, gains, count in ((few(FEWEST, 2), (0.1, 0.2), 2000), (few(MOST, 4), (0.1,), 1000)):
        what = f"{plan.tasks} x {plan.result}, {len(plan.looks)} looks"
        rows.append(rates(f"nil, {what}", nil, int(count * scale), draws=draws, plan=plan))
        for gain in gains:
            cases = [case._replace(gain=gain) for case in nil]
            rows.append(rates(f"+{100 * gain:.0f} points, {what}", cases, int(0.3 * count * scale), draws=draws, plan=plan))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the simulations to run")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "calibration.json")
    parser.add_argument("--staged", action="store_true", help="only the rows of staged gates; keep the others as they were")
    options = parser.parse_args()
    started = time.monotonic()
    kept = json.loads(options.out.read_text())["rows"] if options.staged else table(options.scale)
    rows = [row for row in kept if "looks" not in row] + staged(options.scale)
    names = ("improved", "worse", "no change", "can't tell", "covers_stated", "covers_best", "p_below_5_percent")
    print(f"{'':32}{'n':>6}{'seen':>6}" + "".join(f"{name:>19}" for name in names))
    for row in rows:
        print(f"{row['name']:32}{row['simulations']:6}{row.get('seen', TASKS):6.0f}" + "".join(f"{row[name]:19.1%}" for name in names))
        print("    improved by case: " + ", ".join(f"{c['improved']:.1%}" for c in row["cases"]))
    if options.scale == 1:
        options.out.write_text(json.dumps({"tasks": TASKS, "attempts": ATTEMPTS, "rows": rows}, indent=1) + "\n")
    print(f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
