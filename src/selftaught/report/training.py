"""Training attempts: what was tried at each step, how it was scored and why, and what was revised."""

from collections.abc import Iterable
from typing import Any

from selftaught.report.reading import Row
from selftaught.report.strings import Strings, visible
from selftaught.report.svg import finite

MOST = 8_000


def training(rows: Iterable[Row], strings: Strings) -> dict[str, Any]:
    """Groups as compact data for the page: attempts as [text, score, source, note, role, view, parent's place in the group, stop].

    When there are more than `MOST` attempts, evenly spaced groups are kept.
    """
    kept = [row for row in rows if isinstance(row.get("attempts"), list)]
    total = sum(len(row["attempts"]) for row in kept)
    every = -(-total // MOST) if total > MOST else 1
    names: dict[str, int] = {}
    groups = [group(row, strings, names) for row in kept[::every]]
    return {"groups": groups, "words": list(names), "attempts": total, "every": every, "all": len(kept)}


def group(row: Row, strings: Strings, names: dict[str, int]) -> dict[str, Any]:
    """One group; a revision points at the place of the attempt it came from."""
    attempts = [a for a in row["attempts"] if isinstance(a, dict)]
    places = {str(a.get("id")): i for i, a in enumerate(attempts)}

    def word(value: object) -> int:
        return names.setdefault(visible(str(value or "")[:80]), len(names))

    packed: list[list[Any]] = []
    for a in attempts:
        score = a.get("score")
        value, source, note = (*score, "", "")[:3] if isinstance(score, (list, tuple)) and score else (None, "", "")
        said = a.get("notes")
        note = "\n".join(map(str, said)) if isinstance(said, list) and said else note
        parents = [places[str(p)] for p in a.get("parents") or () if str(p) in places]
        packed.append([
            strings.add(a.get("text")), round(float(value), 3) if finite(value) else None, word(source), strings.add(note),
            word(a.get("role")), a.get("view") if finite(a.get("view")) else 0, parents[0] if parents else -1, word(a.get("stop")),
        ])  # fmt: skip
    values = [float(p[1]) for p in packed if p[1] is not None]
    found = "n" if values and len(set(values)) == 1 else ""
    found += "z" if values and max(values) <= 0 else ""
    found += "r" if any(p[6] >= 0 for p in packed) else ""
    found += "p" if any(p[3] != strings.add("") for p in packed) else ""
    step = row.get("step")
    return {
        "p": int(step) + 1 if finite(step) else 0,
        "q": strings.add(row.get("task")),
        "s": word(row.get("source")),
        "f": found,
        "a": packed,
    }
