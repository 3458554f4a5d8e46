"""Bars of amounts that add up: where tokens went, and where the signal came from."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from selftaught.report.svg import canvas, figure, scale, tag, text


def stacked(rows: Sequence[tuple[str, Mapping[str, float]]], kinds: Sequence[str], title: str, sums: bool = True) -> Markup:
    """One bar a row, its pieces in the order of `kinds`; rows that hold nothing are left out.

    Args:
        rows: label, and amount of each kind.
        kinds: names of the pieces, which also say their color (class `k-NAME`).
        title: what the picture shows.
        sums: whether a row's sum stands behind it.
    """
    rows = [(label, {k: v for k, v in amounts.items() if v > 0}) for label, amounts in rows]
    rows = [(label, amounts) for label, amounts in rows if sum(amounts.values()) > 0]
    if not rows:
        return Markup("")
    describe = "; ".join(f"{label}: " + ", ".join(f"{kind} {short(amount)}" for kind, amount in amounts.items()) for label, amounts in rows)
    present = [kind for kind in kinds if any(kind in amounts for _, amounts in rows)]
    return figure(lambda width: draw(rows, kinds, title, describe, width, sums)) + legend(present)


def draw(
    rows: Sequence[tuple[str, Mapping[str, float]]], kinds: Sequence[str], title: str, describe: str, width: int, sums: bool
) -> Markup:
    """One drawing: labels beside the bars on a wide page, above them on a narrow one."""
    wide = width > 500
    left, right, each = (236.0, width - 118.0, 30.0) if wide else (0.0, float(width), 44.0)
    x = scale(0, max(sum(amounts.values()) for _, amounts in rows), 0, right - left)
    shapes: list[Markup] = []
    for i, (label, amounts) in enumerate(rows):
        top = i * each
        words, bar = (top + 19.5, top + 8) if wide else (top + 15, top + 23)
        shapes.append(text(left - 18 if wide else 0, words, label, "label", "end" if wide else "start"))
        at = left
        for kind in [k for k in kinds if k in amounts]:
            wide_by = x(amounts[kind])
            drawn = max(wide_by - 1.5, 0.6)
            piece = tag("title", f"{label}, {kind}: {amounts[kind]:,.0f}")
            shapes.append(tag("rect", piece, x=at, y=bar, width=drawn, height=14.0, rx=1.5, class_=f"piece k-{kind}"))
            at += wide_by
        if sums:
            whole = short(sum(amounts.values()))
            shapes.append(text(at + 12 if wide else width, words, whole, "value", "start" if wide else "end"))
    return canvas(width, len(rows) * each + 4, title, describe, *shapes)


def legend(present: Sequence[str]) -> Markup:
    """Colors and what they stand for."""
    items = [tag("li", tag("i", class_=f"swatch k-{kind}"), kind) for kind in present]
    return tag("ul", *items, class_="legend")


def short(amount: float) -> str:
    """An amount in at most five characters: 952k, 1.20M."""
    for size, letter in ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(amount) >= size * 0.9995:
            return f"{amount / size:.3g}{letter}"
    return f"{amount:.3g}" if amount != round(amount) else f"{amount:.0f}"
