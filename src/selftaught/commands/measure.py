"""`selftaught measure`: one measure on a model, a run or a score file."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from selftaught.commands.progress import Progress
from selftaught.commands.shared import Common, job_of
from selftaught.shown import tell


@dataclass(kw_only=True)
class Options(Common):
    """Measure a model, both sides of a run, or a score file, with an interval. `selftaught list parts` names the measures.

    Attributes:
        name: a measure, with options behind a colon: pass-1, vote:k=4.
        model: what is measured: a model as in improve, a run folder (its start and its result), one of its generations, a score file.
        count: how many held-out tasks of a model; 200 when left out.
        out: also write the numbers with a picture into this HTML file.
    """

    name: tyro.conf.Positional[str]
    count: int | None = None
    out: str = ""


def run(options: Options) -> int:
    """Print a table: a line a side, and of a run the difference."""
    from selftaught.cli import emit
    from selftaught.jobs.measuring import CALLED, measure
    from selftaught.report import write_measure
    from selftaught.run.place import check_file

    if options.out:
        check_file(Path(options.out), "--out")
    plain, names = Options(name=options.name), {word: field for field, word in CALLED.items()}
    fields = job_of(options, {}) | {"count": options.count}
    given = {names.get(key, key): value for key, value in fields.items() if value != getattr(plain, key)}
    model, tasks = given.pop("model", ""), given.pop("tasks", ())
    found = measure(options.name, model, tasks=tasks, say=Progress().say, **given)
    tell(*lines(found))
    if options.out:
        tell(f"page: {write_measure(found, Path(options.out))}")
    if options.json:
        emit(found)
    return 0


def lines(found: Mapping[str, Any]) -> list[str]:
    """The table as text."""
    better = "more" if found["higher"] else "less"
    head = f"{found['label']} of {found['model']}, a value a {found['unit']}, {better} is better"
    rows = [(row["name"], number(row["value"], found["share"]), ends(row, found["share"]), f"n = {row['n']}") for row in found["rows"]]
    sizes = [max(len(row[i]) for row in rows) for i in range(3)]
    return [head, *(f"  {name:<{sizes[0]}}  {value:>{sizes[1]}}  {interval:<{sizes[2]}}  {n}" for name, value, interval, n in rows)]


def number(value: float | None, share: bool) -> str:
    """52.0%, 0.421 or a dash."""
    if value is None or not math.isfinite(value):
        return "-"
    return f"{100 * value:.1f}%" if share else f"{value:.3g}"


def ends(row: Mapping[str, Any], share: bool) -> str:
    """The interval in parentheses, "" where there is none."""
    return "" if row["low"] is None else f"({number(row['low'], share)} to {number(row['high'], share)})"
