"""Writes benchmarks/results/forecast.json and docs/forecast.md from the runs of benchmarks/forecast.py."""

import json
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np

from selftaught.prove import preflight

HERE = Path(__file__).parent
RESULTS, PAGE = HERE / "results" / "forecast.json", HERE.parent / "docs" / "forecast.md"
CONSTANTS = ("TEACH", "NOISE", "TRUST", "DOSE", "SPREAD", "HELPS")

TEXT = """# The forecast

Before `improve` spends anything it says whether label-free training can help this model on these tasks, what gain at
best decoding it expects, and why. The forecast is stored in the run folder as `forecast.json`. It reads no answer, is
outside of the budget, and leaves the run as it was: the same weights come out with and without it. `--no-forecast`
skips it.

When no help is expected the run says so in its first line and stops there with exit code 2, unless finding out is cheap:
up to about 5 minutes, or 2e13 FLOPs, which no busy machine changes (a run of sprout). `--anyway` (in Python
`anyway=True`) runs it all the same; with `--no-forecast` nothing is asked. A run that was refused leaves nothing in its
folder.

## What it looks at

48 training tasks are attempted 8 times at the stated sampler and once greedily. Where that takes more than 1e13 FLOPs
(a large model, long attempts) it is cut to 5% of the run's tokens, with at least 16 tasks and 4 attempts.
On 16 of them the recipe also makes its own attempts and pays them, exactly as in a step, but nothing is learned.
Where a rule decides from the prompt, it grades both; elsewhere the answer of the start's majority stands in for the
truth.

| number | meaning |
|---|---|
| level | greedy accuracy where a rule checks, else the share of attempts that agree with the majority |
| signal | share of tasks whose attempts the recipe does not pay alike |
| truth | correlation, within tasks, of the recipe's rewards with what is right |
| rates | sum of the learning rates of all steps that fit the budget |

Also stored: pass@1, pass@8 (coverage), vote, vote margin, distinct answers, greedy-majority agreement, abstentions, lengths,
attempts cut at the limit, mean log-probability. No recipe is known by name: a coin for a reward gives itself away by
its truth of about 0, a constant reward by its signal of 0.

## The formula

    teach = 27/4 level^2 (1 - level) * signal * truth
    noise = signal * (1 - truth)
    gain  = (1 - exp(-rates / {DOSE:g})) * ({TEACH:g} * teach - {NOISE:g} * noise)

The first factor is 1 at a level of two thirds and 0 at both ends: what is often right already is picked up fastest.
Negative truth counts as 0. Where neither rule nor answer decides, truth is multiplied by {TRUST:g}: a majority agrees with
itself, right or wrong. The interval is 1.96 * {SPREAD:g} * sqrt(1 - exp(-rates / {DOSE:g})) either way. `help` is said from an
expected gain of {HELPS:.0%} on. Its shape and constants were chosen on {fitted} tuning runs, of which it then gets {fit_right} right, and
were not changed after the test began. A method that trains nothing is tried instead: its replies against greedy ones, on the
tasks a rule checks.

## What counts as right

Fixed before the test runs: a run *helped* when the 95% interval of its gain at best decoding lies above zero, on 400
held-out tasks (a family with fewer gives fewer, here {fewest} at least). That is from 2 to 5 points on, by how many answers
change at all. The forecast is right when `help` says so beforehand.

## How often it was right

**{right} of {n}: {share:.0%}, 95% interval {low:.0%} to {high:.0%}** (Wilson), on sprout and three models made of it
(`noised`, `rounded`, `taught`; see `benchmarks/forecast.py`), short runs of {steps} steps on 16 groups of 8 or so, one seed each.
The aim was 80%: {aim}. Always saying "no" would be right {never:.0%} of the time, always "yes" {always:.0%}. Of {helpful} runs that
helped it named {tp}; when it said "help", it was right {tp} times of {hinted}. Of the {gentle} runs at a rate of 2e-5 it was right on
{gentle_right}.

The runs are not independent, so the interval is narrower than it should be: they share models, and runs on the same
tasks share the 400 held-out tasks and the measured start, some of them with tuning runs. Two have model, recipe and
tasks of a tuning run, at another rate or signal.

| | came: helped | came: did not |
|---|---|---|
| said: help | {tp} | {fp} |
| said: no help | {fn} | {tn} |

Expected and measured gain differ by {error:.1f} points on average and correlate {correlation:.2f}; {covered} of {n}
measured gains lie in the forecast's interval. Where truth is above one half, so that the recipe has something true to
teach, it was right {hard} times.

{table}

## What it cannot see

- Whether a skill generalizes from the tasks trained on, and how fast: two families at the same level can differ fivefold.
- Whether a vote without a rule is right. With these constants it always says "no help" there, which on models that vote
  better than they answer once is too dark a view. Of the {blind} such runs of the test {blind_helped} helped.
- Small steps: an interval is narrow when few answers change, so a gain of 2 or 3 points can count as helped, where the
  formula expects next to nothing.
- How a model came to be where it is. One that was damaged has more to regain, one that was just taught the same tasks
  less, than a model at the same level.
- What a learning rate means on another model. The scale of `rates` was fitted on a 1.9-million-parameter model; larger
  ones move at smaller rates.
- Collapse that needs long runs, and stopping rules that prevent it. Test runs are short.
- Other languages, modalities, tools, games, and answers that are not short strings.

{model_note}
"""
NOTE = "Every number on this page was measured on sprout and models made of it. `python benchmarks/forecast.py` makes them again."


def helped(row: dict[str, Any]) -> bool:
    """Whether the gain at best decoding was above zero beyond noise."""
    return bool(row["came"]["best"]["low"] > 0)


def wilson(right: int, n: int) -> tuple[float, float]:
    """95% interval of a share."""
    z, p = 1.96, right / n
    middle, wide = p + z * z / (2 * n), z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (middle - wide) / (1 + z * z / n), (middle + wide) / (1 + z * z / n)


def write(which: str, rows: list[dict[str, Any]]) -> None:
    """Put rows into the JSON file, and, when there are test runs, write the page."""
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    kept[which] = [{**row, "right": row["said"]["help"] == helped(row)} for row in rows]
    kept["constants"] = {name: getattr(preflight, name) for name in CONSTANTS}
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n")
    if kept.get("test"):
        PAGE.write_text(page(kept))


def page(kept: dict[str, Any]) -> str:
    """The page as text."""
    rows, tuned = kept["test"], kept.get("tuning", [])
    n, right = len(rows), sum(row["right"] for row in rows)
    low, high = wilson(right, n)
    said, came = [row["said"]["help"] for row in rows], [helped(row) for row in rows]
    gains = np.array([(row["said"]["expected_gain"], row["came"]["best"]["gain"]) for row in rows])
    inside = [row["said"]["low"] <= row["came"]["best"]["gain"] <= row["said"]["high"] for row in rows]
    hard = [row["right"] for row in rows if (row["said"]["features"].get("truth") or 0) > 0.5]
    cells = {"tp": (True, True), "fp": (True, False), "fn": (False, True), "tn": (False, False)}
    steps = [row["came"]["steps"] for row in rows]
    gentle = [row["right"] for row in rows if row["options"].get("optimizer.lr") == "2e-5"]
    blind = [helped(row) for row in rows if row["said"]["features"]["checked"] == 0]
    more = {
        "aim": "reached" if right / n >= 0.8 else "not reached", "helpful": sum(came), "hinted": sum(said), "gentle": len(gentle),
        "gentle_right": sum(gentle), "fewest": min(row["came"]["tasks"] for row in rows), "blind": len(blind), "blind_helped": sum(blind),
    }  # fmt: skip
    return TEXT.format(
        **kept["constants"], **more, n=n, right=right, share=right / n, low=low, high=high, fitted=len(tuned),
        fit_right=sum(row["right"] for row in tuned), never=1 - sum(came) / n, always=sum(came) / n,
        **{name: sum(pair == (s, c) for s, c in zip(said, came, strict=True)) for name, pair in cells.items()},
        error=float(np.abs(gains[:, 0] - gains[:, 1]).mean() * 100),
        correlation=float(np.corrcoef(gains.T)[0, 1]) if n > 2 else float("nan"),
        covered=sum(inside), hard=f"{sum(hard)} of {len(hard)}", table=table(rows), model_note=NOTE, steps=f"{min(steps)} to {max(steps)}",
    )  # fmt: skip


def table(rows: list[dict[str, Any]]) -> str:
    """One line a run."""
    lines = ["| model | recipe | tasks | level | signal | truth | said | interval | came | interval | |", "|" + "---|" * 11]
    for row in rows:
        f, said, best = row["said"]["features"], row["said"], row["came"]["best"]
        level = preflight.level_of({name: float("nan") if value is None else value for name, value in f.items()})
        options = " ".join(f"{key}={value}" for key, value in row.get("options", {}).items())
        name = f"{row['recipe']} {options}".strip()
        looked = [f"{number:.2f}" for number in (level, f["signal"], f["truth"])]
        expected = ("**help** " if said["help"] else "") + f"{said['expected_gain'] * 100:+.1f}"
        cells = [row["model"], name, row["tasks"], *looked, expected, span(said), f"{best['gain'] * 100:+.1f}", span(best)]
        lines.append("| " + " | ".join([*cells, "right" if row["right"] else "wrong"]) + " |")
    return "\n".join(lines)


def span(numbers: dict[str, float]) -> str:
    """An interval in points."""
    return f"{numbers['low'] * 100:+.1f} to {numbers['high'] * 100:+.1f}"
