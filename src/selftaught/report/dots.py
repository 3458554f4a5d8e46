"""Dot plots: one row a number, its interval as a band behind the dot."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from selftaught.report.svg import DASH, MINUS, canvas, figure, finite, line, scale, shorten, tag, text, ticks


@dataclass(frozen=True, kw_only=True)
class Dot:
    """One row of a dot plot.

    Attributes:
        label: what it is.
        value, low, high: fractions; None where not known.
        tone: class of its color: "start" (hollow), "after" (filled), "forecast", "control".
        second: another value in the same row, drawn hollow, with its own `second_low` and `second_high`.
        mark: a few characters behind the label.
        shaded: whether the row stands on a band.
        gap: whether some room goes before the row.
    """

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    tone: str = "start"
    second: float | None = None
    second_low: float | None = None
    second_high: float | None = None
    mark: str = ""
    shaded: bool = False
    gap: bool = False


def percent(value: float | None, signed: bool = False, plain: bool = False) -> str:
    """A fraction as 52.0%, or in points with its sign; a plain number as 0.421; a dash for None."""
    if value is None or not finite(value):
        return DASH
    if plain:
        return f"{value:.3g}".replace("-", MINUS)
    return f"{100 * value:+.1f}".replace("-", MINUS) if signed else f"{100 * value:.1f}%"


def said(row: Dot, signed: bool, plain: bool = False) -> str:
    """A row in words: 51.5% (44.5 to 58.5)."""
    if row.low is None or row.high is None:
        return percent(row.value, signed, plain)
    ends = [percent(end, plain=True) if plain else f"{100 * end:.1f}".replace("-", MINUS) for end in (row.low, row.high)]
    return f"{percent(row.value, signed, plain)} ({ends[0]} to {ends[1]})"


def dot_plot(
    rows: Sequence[Dot], title: str, *, signed: bool = False, guide: float | None = None, unit: str = "", plain: bool = False
) -> Markup:
    """Rows of dots over one axis, for wide and narrow pages; rows without a value are left out.

    Args:
        rows: what to draw, from top to bottom.
        title: what the picture shows, for people who do not see it.
        signed: values are gains in points, drawn around a zero line.
        guide: a value to draw a dashed line at.
        unit: words under the axis.
        plain: values are numbers, and no fractions.
    """
    rows = [row for row in rows if finite(row.value)]
    if not rows:
        return Markup("")
    describe = "; ".join(f"{row.label} {said(row, signed, plain)}" for row in rows)
    return figure(lambda width: draw(rows, title, describe, width, signed, guide, unit, plain))


def bounds(rows: Sequence[Dot], signed: bool, plain: bool = False) -> tuple[float, float]:
    """Ends of the axis: everything drawn, zero for gains, inside [0, 1] for shares."""
    drawn = [float(v) for r in rows for v in (r.value, r.low, r.high, r.second, r.second_low, r.second_high) if v is not None and finite(v)]
    low, high = min(drawn), max(drawn)
    if signed:
        room = 0.08 * max(high, 0.0, -low)
        return min(low, 0.0) - room, max(high, 0.0) + room
    room = max(0.03, 0.12 * (high - low))
    return (low - room, high + room) if plain else (max(0.0, low - room), min(1.0, high + room))


def draw(rows: Sequence[Dot], title: str, describe: str, width: int, signed: bool, guide: float | None, unit: str, plain: bool) -> Markup:
    """One drawing: labels and values beside the dots on a wide page, above them on a narrow one."""
    wide = width > 500
    left, right, each = (236.0, width - 168.0, 31.0) if wide else (20.0, width - 20.0, 47.0)
    axis = ticks(*bounds(rows, signed, plain), 7 if wide else 5)
    x = scale(axis[0], axis[-1], left, right)
    tops, y = [], 6.0
    for row in rows:
        y += 14.0 if row.gap else 0.0
        tops.append(y)
        y += each
    bottom = y + 4
    shapes: list[Markup] = [
        tag("rect", x=0.0, y=top, width=float(width), height=each, class_="band") for row, top in zip(rows, tops, strict=True) if row.shaded
    ]
    # On a narrow page the words stand above the dots, so that lines do not run through them.
    spans = [(2.0, bottom)] if wide else [(top + 23, top + 43) for top in tops]
    for tick in axis:
        zero = signed and abs(tick) < 1e-12
        shapes += [line(x(tick), start, x(tick), end, "zero" if zero else "grid") for start, end in spans]
        named = percent(tick, signed, plain).replace(".0", "") if not zero else "0"
        shapes.append(text(x(tick), bottom + 17, named, "axis", "middle"))
    if unit:
        shapes.append(text((left + right) / 2, bottom + 36, unit, "axis", "middle"))
    if guide is not None and finite(guide):
        shapes += [line(x(guide), start, x(guide), end, "guide") for start, end in spans]
    for row, top in zip(rows, tops, strict=True):
        middle = top + each / 2 if wide else top + 33
        words = top + each / 2 + 4.5 if wide else top + 16
        value = said(row, signed, plain)
        most = 30 if wide else int((width - 12) / 8) - len(value)
        label = f"{shorten(row.label, most - len(row.mark))} {row.mark}".strip()
        shapes.append(text(left - 18 if wide else 0, words, label, f"label {row.tone}", "end" if wide else "start"))
        shapes.append(text(right + 18 if wide else width, words, value, "value", "start" if wide else "end"))
        shapes += marks(row, x, middle)
    return canvas(width, bottom + (44 if unit else 26), title, describe, *shapes)


def marks(row: Dot, at: Callable[[float], float], y: float) -> list[Markup]:
    """The bands and dots of a row."""
    shapes = []
    both = row.second is not None
    lines = [(row.second, row.second_low, row.second_high, "second", y + 6)] if both else []
    lines.append((row.value, row.low, row.high, row.tone, y - 4 if both else y))
    for value, low, high, tone, height in lines:
        if value is None:
            continue
        if low is not None and high is not None:
            shapes.append(line(at(low), height, at(high), height, f"interval {tone}"))
        shapes.append(tag("circle", cx=float(at(value)), cy=float(height), r=4.0 if tone == "second" else 5.5, class_=f"dot {tone}"))
    return shapes
