"""Finished runs as one table: rows pooled over seeds, p adjusted over the table, letters; and the table for people."""

import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from selftaught.compare.sweep import AGAIN
from selftaught.run.files import read_json
from selftaught.statistics.differences import Numbers, holm
from selftaught.statistics.pooled import letters, pooled, told_apart, words

MEASURES = ("stated", "best", "pass@16")


def tabled(folders: Mapping[str, Sequence[Path]], seeds: Sequence[int], trains: Collection[str]) -> dict[str, Any]:
    """Finished runs as rows, with p adjusted over the rows that train, and letters at each side's best decoding.

    Args:
        folders: recipe -> its run folders, one a seed.
        seeds: of the training runs, in the order of the folders.
        trains: the recipes that leave something changed.
    """
    rows = {text: row(text, mine, seeds, text in trains) for text, mine in folders.items()}
    ends = {text: stacked(mine, "result", "best") for text, mine in folders.items()}
    trained = [r for r in rows.values() if r["trains"]]
    for name in ("stated", "best"):
        for r, p in zip(trained, holm([r[name]["p"] for r in trained]), strict=True):
            r[name]["holm"] = p
    for r, p in zip(trained, holm([r["p"] for r in trained]), strict=True):
        r["holm"] = p
    for r in rows.values():
        # A method that changes no weights is one decision, not one of many: nothing is adjusted.
        r["verdict"], r["kind"] = words(r["stated"], r["best"], r["pass@16"], r["p"] if r["holm"] is None else r["holm"], r["tasks"])
    ordered = sorted(rows, key=lambda text: -rows[text]["best"]["after"])
    apart = told_apart(ends)
    for text, mark in letters(ordered, apart).items():
        rows[text] |= {"letters": mark, "separated": [other for other in ordered if frozenset((text, other)) in apart]}
    return {"rows": list(rows.values())}


def read(folder: Path) -> dict[str, Any]:
    """A run's measures task by task."""
    found: dict[str, Any] = read_json(folder / "held_out.json", AGAIN)
    return found


def stacked(folders: Sequence[Path], side: str, name: str) -> Numbers:
    """f64[S,B]: one measure of a side by seed and task."""
    return np.array([read(folder)[side][name] for folder in folders], np.float64)


def row(text: str, folders: Sequence[Path], seeds: Sequence[int], trains: bool) -> dict[str, Any]:
    """One recipe's runs as a row of the table."""
    results = [read_json(folder / "result.json", AGAIN) for folder in folders]
    found: dict[str, Any] = {"recipe": text, "seeds": list(seeds), "trains": trains}
    found["tasks"] = stacked(folders, "start", "best").shape[1]
    for name in MEASURES:
        if not all(name in read(folder)[side] for folder in folders for side in ("start", "result")):
            found[name] = None
            continue
        start, end = (stacked(folders, side, name) for side in ("start", "result"))
        kept = pooled(end - start)._asdict() | {"holm": None}
        found[name] = {"before": float(np.nanmean(start)), "after": float(np.nanmean(end))} | kept
    spent = [sum(r["tokens"][k] for k in ("prompted", "sampled", "scored", "trained")) for r in results]
    return found | {
        # Both gains must be shown, so the larger p decides (intersection-union).
        "p": max(found["stated"]["p"], found["best"]["p"]), "holm": None, "tokens": float(np.mean(spent)), "tokens_by_seed": spent,
        "flops": float(np.mean([r.get("flops", {}).get("spent", math.nan) for r in results])),
        "evaluated": float(np.mean([r["tokens"]["evaluated"] for r in results])),
        "gold_read": {purpose: max(r["gold_read"][purpose] for r in results) for purpose in results[0]["gold_read"]},
        "seconds": float(np.mean([r["seconds"] for r in results])), "verdicts": [r["verdict"] for r in results],
        "alarms": [alarm | {"seed": seed} for seed, r in zip(seeds, results, strict=True) for alarm in r["alarms"]],
    }  # fmt: skip


def points(value: float) -> str:
    """`+14.4`."""
    return f"{100 * value:+.1f}"


def lines(table: Mapping[str, Any], width: int) -> list[str]:
    """The table as text, best row first; columns that do not fit the width are left out from the right."""

    def gain(side: Mapping[str, Any]) -> str:
        return f"{points(side['gain'])} ({points(side['low'])} to {points(side['high'])})"

    def cells(r: Mapping[str, Any]) -> dict[str, str]:
        verdict = r["verdict"].replace("larger than", ">").removesuffix(" points")
        return {
            "recipe": r["recipe"], "": r["letters"], "gain at best decoding": gain(r["best"]), "gain as stated": gain(r["stated"]),
            "verdict": verdict, "kind": r["kind"], "tokens": f"{r['tokens'] / 1000:,.0f}k",
            "read": f"{r['gold_read']['train']}/{r['gold_read']['select']}", "seconds": f"{r['seconds']:.0f}",
            "alarms": str(len(r["alarms"])),
        }  # fmt: skip

    rows = [cells(r) for r in sorted(table["rows"], key=lambda r: -r["best"]["after"])]
    if not rows:
        return []
    sizes = {name: max(len(name), *(len(r[name]) for r in rows)) for name in rows[0]}
    names = list(sizes)
    while len(names) > 3 and sum(sizes[name] + 2 for name in names) - 2 > width:
        names.pop()
    found = ["  ".join(f"{r[name]:<{sizes[name]}}" for name in names).rstrip() for r in [{name: name for name in names}, *rows]]
    left_out = [name for name in sizes if name not in names]
    return [*found, *([f"(not shown in {width} columns: {', '.join(left_out)})"] if left_out else [])]
