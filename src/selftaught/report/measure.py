"""write_measure: one measure as a page: the picture, the table, what it is."""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from selftaught.parts import named
from selftaught.report.dots import Dot, dot_plot, said
from selftaught.report.page import pretty, render, write_page
from selftaught.report.strings import visible

TONES = {"result": "after", "difference": "after", "start": "start"}


def write_measure(found: Mapping[str, Any], out: Path) -> Path:
    """Write what `jobs.measuring.measure` returned into an HTML file."""
    share, rows = bool(found["share"]), found["rows"]
    dots = [
        Dot(label=visible(row["name"]), value=row["value"], low=row["low"], high=row["high"], tone=TONES.get(row["name"], "control"))
        for row in rows
    ]
    levels, gains = ([dot for dot in dots if (dot.label == "difference") == gain] for gain in (False, True))
    signed = any(dot.value is not None and dot.value < 0 for dot in levels)
    better = "more is better" if found["higher"] else "less is better"
    about = inspect.cleandoc(type(named("measure", found["measure"])).__doc__ or "").split("\n\n")[0]
    words = [found["label"], f"one value a {found['unit']}", better, ", ".join(found["tasks"])]
    page = render(
        "measure.html", name=visible(found["measure"]), model=visible(found["model"]), about=about,
        words=[visible(word) for word in words if word], found=pretty(found),
        plots=[
            dot_plot(levels, f"{found['label']} of {visible(found['model'])}", signed=signed, plain=not share),
            dot_plot(gains, "Result minus start", signed=True, plain=not share),
        ],
        rows=[{"name": dot.label, "value": said(dot, dot in gains, not share), "n": row["n"]} for dot, row in zip(dots, rows, strict=True)],
    )  # fmt: skip
    return write_page(out, page)
