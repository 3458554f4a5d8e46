"""Curves over steps: the staircase, the small multiples of a run's health, and its line of generations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from selftaught.report.svg import MINUS, canvas, figure, finite, line, scale, shorten, spread, tag, text, ticks


@dataclass(frozen=True, kw_only=True)
class Stairs:
    """One line of the staircase: `treads` are (first step, last step, level), `raw` are (step, level)."""

    label: str
    treads: tuple[tuple[float, float, float], ...]
    raw: tuple[tuple[float, float], ...] = ()


def staircase(series: Sequence[Stairs], title: str, *, low: float = 0.0, high: float = 1.0) -> Markup:
    """Levels by step: every tread is a generation's mean, the thin line behind it the single steps."""
    if not any(s.treads for s in series):
        return Markup("")
    describe = "; ".join(f"{s.label} from {100 * s.treads[0][2]:.0f}% to {100 * s.treads[-1][2]:.0f}%" for s in series if s.treads)
    return figure(lambda width: draw_stairs(series, title, describe, width, low, high))


def draw_stairs(series: Sequence[Stairs], title: str, describe: str, width: int, low: float, high: float) -> Markup:
    """One drawing of the staircase, labels at the right end of each line."""
    wide = width > 500
    left, right, top, bottom = 44.0, width - (186.0 if wide else 46.0), 12.0, (296.0 if wide else 230.0)
    end = max(s.treads[-1][1] for s in series if s.treads)
    axis = ticks(low, high, 6)
    x, y = scale(0, end, left, right), scale(axis[0], axis[-1], bottom, top)
    shapes: list[Markup] = []
    for tick in axis:
        shapes += [line(left, y(tick), right, y(tick), "grid"), text(left - 10, y(tick) + 4, f"{100 * tick:.0f}%", "axis", "end")]
    for tick in step_ticks(end, 7 if wide else 4):
        shapes.append(text(x(tick), bottom + 20, f"step {tick}" if tick == 0 else str(tick), "axis", "middle"))
    marks = spread([y(s.treads[-1][2]) for s in series], 17, top + 4, bottom)
    for i, (one, mark) in enumerate(zip(series, marks, strict=True)):
        if one.raw:
            points = " ".join(f"{x(step):.1f},{y(value):.1f}" for step, value in one.raw)
            shapes.append(tag("polyline", points=points, class_=f"raw s{i}"))
        path = "".join(
            f"{'M' if j == 0 else 'L'}{x(first):.1f},{y(value):.1f}H{x(last):.1f}" for j, (first, last, value) in enumerate(one.treads)
        )
        shapes.append(tag("path", d=path, class_=f"stairs s{i}"))
        value = one.treads[-1][2]
        shapes.append(line(right + 1, y(value), right + 9, mark, f"leader s{i}"))
        words = f"{shorten(one.label, 18)} {100 * value:.0f}%" if wide else f"{100 * value:.0f}%"
        shapes.append(text(right + 13, mark + 4.5, words, f"label s{i}"))
        if not wide:
            below = bottom + 48 + 21 * i
            shapes += [
                line(left, below, left + 20, below, f"key s{i}"),
                text(left + 30, below + 4.5, shorten(one.label, 32), f"label s{i}"),
            ]
    return canvas(width, bottom + (30 if wide else 40 + 21 * len(series)), title, describe, *shapes)


def step_ticks(end: float, most: int) -> list[int]:
    """Whole round steps from 0 up to the last one."""
    return sorted({round(t) for t in ticks(0, end, most) if t <= end})


def spark(steps: Sequence[float], values: Sequence[float], title: str, alarms: Sequence[float] = (), width: int = 244) -> Markup:
    """A small line over steps with its lowest and highest value, and a red line where an alarm was raised."""
    pairs = [(s, v) for s, v in zip(steps, values, strict=True) if finite(v)]
    if not pairs:
        return Markup("")
    height, left, right, top, bottom = 92.0, 4.0, width - 44.0, 12.0, 72.0
    levels = [v for _, v in pairs]
    low, high = min(levels), max(levels)
    room = (high - low) or abs(high) * 0.1 or 0.1
    last = max(pairs[-1][0], 1)
    x, y = scale(pairs[0][0], max(last, pairs[0][0] + 1), left, right), scale(low - 0.06 * room, high + 0.06 * room, bottom, top)
    shapes = [line(left, bottom + 4, right, bottom + 4, "grid")]
    shapes += [line(x(s), top - 4, x(s), bottom + 4, "alarm") for s in alarms if pairs[0][0] <= s <= last]
    shapes.append(tag("polyline", points=" ".join(f"{x(s):.1f},{y(v):.1f}" for s, v in thin(pairs)), class_="spark"))
    shapes.append(tag("circle", cx=x(pairs[-1][0]), cy=y(pairs[-1][1]), r=3.0, class_="sparkdot"))
    if high > low:
        shapes += [text(right + 8, top + 5, brief(high), "tiny"), text(right + 8, bottom, brief(low), "tiny")]
    else:
        shapes.append(text(right + 8, y(high) + 4, brief(high), "tiny"))
    shapes += [text(left, height - 1, f"{pairs[0][0]:g}", "tiny"), text(right, height - 1, f"step {last:g}", "tiny", "end")]
    describe = f"from {brief(levels[0])} to {brief(levels[-1])}, lowest {brief(low)}, highest {brief(high)}"
    return canvas(width, height, title, describe, *shapes)


def thin(pairs: Sequence[tuple[float, float]], most: int = 400) -> list[tuple[float, float]]:
    """At most about `most` points, evenly, the last one kept."""
    every = max(1, len(pairs) // most)
    return [*pairs[:-1:every], pairs[-1]]


def brief(value: float) -> str:
    """A number in at most about five characters."""
    size = abs(value)
    if size >= 1000:
        return f"{value / 1000:.3g}k"
    return (f"{value:.3g}" if size >= 0.1 else f"{value:.2g}" if size >= 0.001 or value == 0 else f"{value:.0e}").replace("-", MINUS)


def generations(steps: int, ends: Sequence[int], pointers: Mapping[str, int], rolled_back: Sequence[int]) -> Markup:
    """The line of generations: where each ended, which is start, best and latest, and which were rolled back."""
    return figure(lambda width: draw_generations(max(steps, 1), ends, pointers, rolled_back, width))


def draw_generations(steps: int, ends: Sequence[int], pointers: Mapping[str, int], rolled_back: Sequence[int], width: int) -> Markup:
    """One drawing of the line of generations; names that share a place are written together."""
    left, right, y = 24.0, width - 24.0, 44.0
    x = scale(0, steps, left, right)
    shapes = [line(left, y, right, y, "axisline")]
    for end in ends:
        shapes.append(tag("circle", tag("title", f"step {end}"), cx=x(end), cy=y, r=4.0, class_="generation"))
    for end in rolled_back:
        cross = f"M{x(end) - 5:.1f},{y - 5}l10,10m0,-10l-10,10"
        shapes.append(tag("path", tag("title", f"step {end}: rolled back"), d=cross, class_="rolled"))
    names: dict[int, list[str]] = {}
    for name, at in pointers.items():
        names.setdefault(at, []).append(name)
    for at, together in sorted(names.items()):
        best = "best" in together
        shapes.append(tag("circle", cx=x(at), cy=y, r=7.0, class_="pointer best" if best else "pointer"))
        anchor = "start" if x(at) < 70 else "end" if x(at) > width - 70 else "middle"
        place = x(at) + {"start": -8, "end": 8, "middle": 0}[anchor]
        shapes.append(text(place, y - 18, " · ".join(together), "label after" if best else "label", anchor))
        shapes.append(text(place, y + 28, f"step {at}", "axis", anchor))
    describe = "; ".join(f"{name} at step {at}" for name, at in pointers.items())
    if rolled_back:
        describe += "; rolled back at step " + ", ".join(map(str, rolled_back))
    return canvas(width, 82, "Generations", describe, *shapes)
