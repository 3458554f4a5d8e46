"""The few shapes every chart is made of. Colors come from classes of the page's style sheet, so that the dark page has its own."""

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeGuard

from markupsafe import Markup, escape

WIDE, NARROW = 820, 340
MINUS, DASH = "\N{MINUS SIGN}", "\N{EN DASH}"


def tag(name: str, *content: str, **attributes: object) -> Markup:
    """One element; contents and attribute values are escaped unless they are markup. `class_` and `text_anchor` lose underscores."""
    pairs = "".join(
        f' {key.rstrip("_").replace("_", "-") if key != "viewBox" else key}="{escape(number(value))}"' for key, value in attributes.items()
    )
    inner = "".join(str(escape(piece)) for piece in content)
    return Markup(f"<{name}{pairs}>{inner}</{name}>")


def number(value: object) -> object:
    """Coordinates with at most one decimal; anything else as it is."""
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else value


def text(x: float, y: float, content: str, class_: str = "", anchor: str = "start") -> Markup:
    """Words at a point."""
    return tag("text", content, x=float(x), y=float(y), class_=class_, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """A straight line."""
    return tag("line", x1=float(x1), y1=float(y1), x2=float(x2), y2=float(y2), class_=class_)


def canvas(width: float, height: float, title: str, describe: str, *shapes: str, class_: str = "") -> Markup:
    """An image that says in words what it shows."""
    return tag(
        "svg", tag("title", title), tag("desc", describe), *shapes,
        class_=f"chart {class_}".strip(), role="img", aria_label=f"{title}. {describe}", viewBox=f"0 0 {number(width)} {number(height)}",
        width=float(width), height=float(height),
    )  # fmt: skip


def figure(draw: Callable[[int], Markup]) -> Markup:
    """A chart drawn twice, for wide and for narrow pages; the style sheet shows one of them."""
    return tag("div", tag("div", draw(WIDE), class_="wide"), tag("div", draw(NARROW), class_="narrow"), class_="figure")


def finite(value: object) -> TypeGuard[float]:
    """Whether a value is a number that can be drawn."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def real(value: Any) -> float | None:
    """A number that can be drawn, None for anything else."""
    return float(value) if finite(value) else None


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers from at most `low` to at least `high`, at most about `most` of them, evenly 1, 2, 2.5 or 5 apart."""
    span = high - low or abs(high) or 1.0
    raw = span / max(most - 1, 1)
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(unit * m for m in (1, 2, 2.5, 5, 10) if unit * m >= raw * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, max(last, first + 1) + 1)]


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Positions near the wanted ones, in the same order, at least `gap` apart and inside [low, high] where that can be."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    placed: list[float] = []
    for i in order:
        placed.append(max(wanted[i], placed[-1] + gap if placed else low))
    over = high
    for j in reversed(range(len(placed))):
        placed[j] = min(placed[j], over)
        over = placed[j] - gap
    return [placed[order.index(i)] for i in range(len(wanted))]


def scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    """The straight map from [low, high] to [start, end]."""
    span = (high - low) or 1.0
    return lambda value: start + (value - low) / span * (end - start)


def shorten(words: str, most: int) -> str:
    """At most `most` characters, an ellipsis where some are left out."""
    return words if len(words) <= most else words[: most - 1] + "…"
