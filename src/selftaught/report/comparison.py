"""write_comparison: recipes side by side as one HTML file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from selftaught.recipe import recipe_names
from selftaught.report.amounts import time_words
from selftaught.report.bars import short
from selftaught.report.dots import Dot, dot_plot, said
from selftaught.report.page import KINDS, pretty, render, tone, write_page
from selftaught.report.reading import as_dict
from selftaught.report.strings import visible
from selftaught.report.svg import DASH, finite, real


def write_comparison(table: Mapping[str, Any], out: Path) -> Path:
    """Write a comparison's table as one page; `out` is the file, or a folder that gets `comparison.html`.

    Rows are drawn from the highest gain at each side's best decoding down, controls on a band; recipes that no interval
    separates share a letter.
    """
    path = Path(out) / "comparison.html" if Path(out).is_dir() else Path(out)
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_page(path, render("comparison.html", **page_of(table)))


def controls() -> set[str]:
    """Names of the recipes that are controls."""
    return {name for name, module in recipe_names().items() if ".controls." in module}


def ordered(table: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows from the highest level at each side's best decoding down; those without one last."""
    rows = [dict(row) for row in table.get("rows") or () if isinstance(row, dict)]
    return sorted(rows, key=lambda row: -(real(as_dict(row.get("best")).get("after")) or -1.0))


def dot(row: Mapping[str, Any], is_control: bool) -> Dot:
    """A recipe's gain at each side's best, and hollow below it the gain as stated."""
    best, stated = as_dict(row.get("best")), as_dict(row.get("stated"))
    return Dot(
        label=visible(str(row.get("recipe", ""))), value=real(best.get("gain")), low=real(best.get("low")), high=real(best.get("high")),
        second=real(stated.get("gain")), second_low=real(stated.get("low")), second_high=real(stated.get("high")),
        tone="control" if is_control else "after", mark=str(row.get("letters") or ""), shaded=is_control,
    )  # fmt: skip


def alike(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Recipes that no interval separates from the first row."""
    apart = set(map(str, rows[0].get("separated") or ()))
    return [name for row in rows[1:] if (name := str(row.get("recipe"))) not in apart]


def sentence(rows: Sequence[Mapping[str, Any]], names: set[str]) -> tuple[str, str, str]:
    """(color, first words, the rest) of what the table says."""
    if not rows:
        return "none", "", "No run has finished: there is nothing to compare."
    top = rows[0]
    name, numbers, near = str(top.get("recipe")), dot(top, False), alike(rows)
    near = [f"{other} (a control)" if base(other) in names else other for other in near]
    apart = f"no interval separates it from {listed(near)}" if near else "its interval is apart from all others"
    apart = apart if len(rows) > 1 else "nothing stands beside it"
    rest = f" {said(numbers, signed=True)} points over the start, each at its best decoding; {apart}."
    color = "unsure" if base(name) in names or any("control" in other for other in near) else tone(top.get("verdict"))
    return color, visible(f"{name}{' (a control)' if base(name) in names else ''} is highest:"), visible(rest)


def base(name: str) -> str:
    """A recipe's name without preset or pillar."""
    return name.partition(" without ")[0].partition("/")[0]


def listed(names: Sequence[str]) -> str:
    """a, b and c; no more than four by name."""
    shown = list(names[:4]) if len(names) <= 5 else list(names[:3])
    if len(names) > len(shown):
        return f"{', '.join(shown)} and {len(names) - len(shown)} others"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def cells(row: Mapping[str, Any], names: set[str], order: Sequence[str]) -> dict[str, Any]:
    """One row of the table in words."""
    best, stated, reads = as_dict(row.get("best")), as_dict(row.get("stated")), as_dict(row.get("gold_read"))
    holm = next((v for v in (row.get("holm"), best.get("holm"), best.get("p")) if finite(v)), None)
    seeds = row.get("seeds")
    apart, name = set(map(str, row.get("separated") or ())), str(row.get("recipe"))
    found = {
        "recipe": name, "letters": row.get("letters") or "", "control": base(name) in names,
        "level": " → ".join(f"{100 * best[k]:.1f}%" for k in ("before", "after") if finite(best.get(k))),
        "best": said(gain(best), True), "stated": said(gain(stated), True), "holm": f"{holm:.3g}" if holm is not None else DASH,
        "verdict": row.get("verdict") or "", "tone": tone(row.get("verdict")), "kind": str(row.get("kind") or ""),
        "seeds": len(seeds) if isinstance(seeds, (list, tuple)) else seeds or "", "tokens": amount(row.get("tokens")),
        "flops": amount(row.get("flops")), "read": sum(int(reads[k]) for k in ("train", "select") if finite(reads.get(k))),
        "time": time_words(row.get("seconds")), "alike": [other for other in order if other != name and other not in apart],
    }  # fmt: skip
    return {k: visible(v) if isinstance(v, str) else v for k, v in found.items()}


def gain(numbers: Mapping[str, Any]) -> Dot:
    """A gain as a row, for its words."""
    return Dot(label="", value=real(numbers.get("gain")), low=real(numbers.get("low")), high=real(numbers.get("high")))


def amount(value: Any) -> str:
    """1.2M, or a dash."""
    return short(float(value)) if finite(value) else DASH


def alarms_of(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Every row's alarms, the recipe's name in front."""
    found = []
    for row in rows:
        for alarm in row.get("alarms") or ():
            one = as_dict(alarm)
            seed = f", seed {one['seed']}" if "seed" in one else ""
            name = visible(f"{row.get('recipe')}{seed}: {one.get('name', '')}")
            found.append({"name": name, "step": one.get("step"), "message": visible(str(one.get("message", alarm)))[:600].rstrip(".")})
    return found


def page_of(table: Mapping[str, Any]) -> dict[str, Any]:
    """Everything the template shows."""
    rows, names = ordered(table), controls()
    color, head, rest = sentence(rows, names)
    if rows and not any(row.get("letters") for row in rows):
        near = alike(rows)
        rows = [row | {"letters": "≈" if row is rows[0] or str(row.get("recipe")) in near else ""} for row in rows] if near else rows
    order = [str(row.get("recipe")) for row in rows]
    tasks, settings = table.get("tasks") or (), as_dict(table.get("settings"))
    count = settings.get("held_out_count")
    words = [f"{short(float(table['budget']))} {settings.get('equal', 'tokens')} each" if finite(table.get("budget")) else ""]
    words += [str(table.get("model") or "sprout"), tasks if isinstance(tasks, str) else ", ".join(map(str, tasks))]
    words += [f"{count:,} held-out tasks" if finite(count) else "", seeds_of(rows)]
    return {
        "tone": color, "head": head, "rest": rest, "muted": [visible(w) for w in words if w], "alarms": alarms_of(rows),
        "plot": picture(rows, names), "rows": [cells(row, names, order) for row in rows], "kinds": KINDS,
        "failed": [{k: visible(str(v)) for k, v in as_dict(one).items()} for one in table.get("failed") or ()],
        "settings": pretty(settings), "lettered": any(row.get("letters") for row in rows),
    }  # fmt: skip


def seeds_of(rows: Sequence[Mapping[str, Any]]) -> str:
    """How many training seeds stand behind a row."""
    counts = {len(row["seeds"]) for row in rows if isinstance(row.get("seeds"), (list, tuple))}
    return f"{max(counts)} training seed{'s' if max(counts) > 1 else ''}" if counts else ""


def picture(rows: Sequence[Mapping[str, Any]], names: set[str]) -> Markup:
    """The dot plot of gains."""
    made = [dot(row, base(str(row.get("recipe"))) in names) for row in rows]
    return dot_plot(made, "Gain of each recipe over the start, in points", signed=True, unit="points gained")
