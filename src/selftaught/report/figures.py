"""Which numbers of a run go into which picture."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from selftaught.report.curves import Stairs, generations, staircase
from selftaught.report.dots import Dot, dot_plot
from selftaught.report.reading import Row, RunFiles, as_dict
from selftaught.report.svg import finite, real

MOST_LINES, MOST_TREADS = 6, 24


def schedule_ends(recipe: Row, steps: int) -> list[int]:
    """Steps after which the recipe ends a generation, as far as the run came."""
    ends, at = set(), 0
    for _ in range(int(recipe.get("rounds") or 1)):
        for phase in recipe.get("phases") or ():
            count, every = int(phase.get("steps") or 1), int(phase.get("every") or 1)
            ends |= {at + i for i in range(1, count + 1) if i % every == 0 or i == count}
            at += count
    return sorted(e for e in ends if e <= steps)


def treads(points: Sequence[tuple[float, float]], ends: Sequence[int]) -> tuple[tuple[float, float, float], ...]:
    """(first step, last step, mean) of the points of each generation; generations without a point are left out."""
    found, first = [], 0
    for end in ends:
        inside = [v for s, v in points if first < s <= end]
        if inside:
            found.append((float(first), float(end), sum(inside) / len(inside)))
        first = end
    return tuple(found)


def stairs_of(run: RunFiles) -> Markup:
    """Mean reward of each task source by generation; of all tasks together when steps do not say."""
    points: dict[str, list[tuple[float, float]]] = {}
    for row in run.steps:
        for key, value in row.items():
            if key.startswith("level/") and finite(value) and finite(row.get("step")):
                points.setdefault(key.removeprefix("level/"), []).append((row["step"], float(value)))
    if not points:
        points = {"all tasks": [(r["step"], float(r["reward"])) for r in run.steps if finite(r.get("reward")) and finite(r.get("step"))]}
    last = max((int(s) for line in points.values() for s, _ in line), default=0)
    ends = schedule_ends(as_dict(run.manifest.get("recipe")), last) or [last]
    if ends[-1] < last:
        ends.append(last)
    if len(ends) < 3 and last >= 8:
        ends = [last * (i + 1) // 8 for i in range(8)]
    ends = ends[:: -(-len(ends) // MOST_TREADS)] if len(ends) > MOST_TREADS else ends
    ends = ends if ends[-1] == last else [*ends, last]
    common = sorted(points, key=lambda name: -len(points[name]))[:MOST_LINES]
    lines = [Stairs(label=n, treads=treads(points[n], ends), raw=tuple(points[n])) for n in points if n in common]
    lines = [one for one in lines if one.treads]
    values = [v for one in lines for *_, v in one.treads] or [0.0]
    low, high = min(0.0, *values), max(1.0, *values)
    return staircase(lines, "Reward of the training tasks by generation, as the recipe itself scores them", low=low, high=high)


def interval(values: Any, mean: float | None) -> tuple[float | None, float | None]:
    """Ends of the 95% interval of a mean over tasks (normal approximation).

    None for fewer than two values, and for values that are not what this is the mean of.
    """
    found = [float(v) for v in values if finite(v)] if isinstance(values, list) else []
    if len(found) < 2 or mean is None or abs(sum(found) / len(found) - mean) > 0.002:
        return None, None
    half = 1.96 * math.sqrt(sum((v - mean) ** 2 for v in found) / (len(found) - 1) / len(found))
    return max(0.0, mean - half), min(1.0, mean + half)


def levels_of(run: RunFiles) -> Markup:
    """Start as stated, greedy, at its best, by vote; after as stated and at its best."""
    result, best = run.result, as_dict(run.result.get("best"))
    base, marks = as_dict(result.get("baselines")), as_dict(result.get("baseline_intervals"))
    before, after = as_dict(run.per_task.get("start")), as_dict(run.per_task.get("result"))

    def known(name: str, label: str) -> Dot:
        mark = as_dict(marks.get(name))
        return Dot(label=label, value=real(base.get(name)), low=real(mark.get("low")), high=real(mark.get("high")))

    def own(value: Any, side: Row, name: str, label: str, tone: str = "start", gap: bool = False) -> Dot:
        low, high = interval(side.get(name), real(value))
        return Dot(label=label, value=real(value), low=low, high=high, tone=tone, gap=gap)

    def temperature(side: str) -> str:
        found = as_dict(as_dict(best.get("settings")).get(side)).get("temperature")
        return f" (T={found:g})" if finite(found) else ""

    k = as_dict(marks.get("vote_k")).get("k") or 8
    same = as_dict(result.get("equal_tokens"))
    paid, drawn = real(same.get("k")), real(same.get("drawn"))
    many = "?" if paid is None else f"{drawn:.0f}+" if drawn is not None and paid >= drawn + 1 else f"{int(paid)}"
    start_best = real(base.get("best_temperature", best.get("before")))
    rows = [
        own(result.get("before"), before, "stated", "Start, as stated"),
        known("greedy", "Start, greedy"),
        known("best_temperature", f"Start, best{temperature('before')}"),
        known("vote_k", f"Start, vote of {k}"),
        Dot(label=f"Start, equal-token vote of {many}", value=real(same.get("vote"))),
        own(result.get("after"), after, "stated", "After, as stated", "after", True),
        own(best.get("after"), after, "best", f"After, best{temperature('after')}", "after"),
    ]
    return dot_plot(rows, "Share of held-out tasks solved", guide=start_best, unit="held-out tasks solved; dashed: the start at its best")


def gains_of(run: RunFiles) -> Markup:
    """The gain as stated, at each side's best, and on other families, in points."""
    rows = [gain(run.result, "As stated"), gain(as_dict(run.result.get("best")), "Each at its best")]
    for i, family in enumerate(run.result.get("off_task") or ()):
        one = as_dict(family)
        mark = "▾" if one.get("worse") else ""
        rows.append(gain(one, f"Elsewhere: {one.get('family', '')}", tone="start", mark=mark, gap=i == 0))
    return dot_plot(rows, "Gain over the start, in points", signed=True, unit="points gained")


def gain(numbers: Mapping[str, Any], label: str, tone: str = "after", mark: str = "", gap: bool = False) -> Dot:
    """A row of a gain and its interval."""
    low, high = real(numbers.get("low")), real(numbers.get("high"))
    return Dot(label=label, value=real(numbers.get("gain")), low=low, high=high, tone=tone, mark=mark, gap=gap)


def forecast_of(run: RunFiles) -> Markup:
    """What was expected before anything was spent, and what came: both at best decoding."""
    told = run.forecast or as_dict(run.result.get("forecast"))
    expected = Dot(
        label="Forecast", value=real(told.get("expected_gain")), low=real(told.get("low")), high=real(told.get("high")), tone="forecast"
    )
    if expected.value is None:
        return Markup("")
    return dot_plot(
        [expected, gain(as_dict(run.result.get("best")), "What came")],
        "Gain expected before spending, and gain measured",
        signed=True,
        unit="points at best decoding",
    )


def rolled_back(run: RunFiles) -> list[int]:
    """Steps after which a generation was rolled back: the next step's weights are older than the ones it had."""
    found = [int(row["step"]) for row in run.steps if row.get("rolled_back") and finite(row.get("step"))]
    for one, other in zip(run.steps, run.steps[1:], strict=False):
        a, b = one.get("generation"), other.get("generation")
        if finite(a) and finite(b) and b < a and finite(one.get("step")):
            found.append(int(one["step"]))
    return sorted(set(found))


def generations_of(run: RunFiles) -> Markup:
    """The line of generations."""
    steps = max([int(r["step"]) for r in run.steps if finite(r.get("step"))] or [0])
    ends = schedule_ends(as_dict(run.manifest.get("recipe")), steps)
    pointers = {name: at for name, at in run.pointers.items() if name in ("start", "best", "latest")}
    return generations(steps, ends, pointers, rolled_back(run)) if steps and pointers else Markup("")
