"""What a claim's runs say: the differences it names with their intervals, and holds, fails or opposite."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from selftaught.compare.sweep import AGAIN
from selftaught.compare.table import stacked
from selftaught.run.files import read_json
from selftaught.statistics.differences import Numbers
from selftaught.statistics.pooled import Pooled, over_seeds, pooled

# A first answer may lose this much while the second gains.
HARDLY = 0.03
# On how many of the tables the features must beat the raw rows.
ENOUGH_TABLES = 3
Folders = Mapping[str, Sequence[Path]]


class Row(NamedTuple):
    """One difference: what it is against, by which measure, both means, and by how much it must be above zero."""

    against: str
    at: str
    before: float
    after: float
    gain: float
    low: float
    high: float
    p: float
    by: float = 0.0

    def words(self) -> str:
        """`against ttrl, best: +2.3 points (-0.5 to +5.1)`."""
        unit, factor = ("", 1) if self.at in ("exploitability", "log variance") else (" points", 100)
        low, high = f"{factor * self.low:+.3g}", f"{factor * self.high:+.3g}"
        return f"against {self.against}, {self.at}: {factor * self.gain:+.3g}{unit} ({low} to {high})"


def difference(against: str, at: str, before: Numbers, after: Numbers, by: float = 0.0) -> Row:
    """A row from [S, B] values of both sides, or one number a seed."""
    before, after = np.asarray(before, np.float64), np.asarray(after, np.float64)
    found: Pooled = over_seeds((after - before).tolist()) if before.ndim == 1 else pooled(after - before)
    return Row(against, at, float(np.nanmean(before)), float(np.nanmean(after)), found.gain, found.low, found.high, found.p, by)


def decided(rows: Sequence[Row]) -> tuple[str, str]:
    """Status and reason: holds when every interval lies above what is asked, opposite when one lies below zero and none above.

    The reason is the row that is furthest from what is asked.
    """
    weakest = min(rows, key=lambda row: row.low - row.by)
    asked = f"; more than {100 * weakest.by:+.3g} points are asked" if weakest.by else ""
    if all(row.low > row.by for row in rows):
        return "holds", weakest.words()
    if any(row.high < 0 for row in rows) and not any(row.low > 0 for row in rows):
        return "opposite", min(rows, key=lambda row: row.high).words()
    return "fails", weakest.words() + asked


def beats(mine: Sequence[Path], others: Folders, by: float) -> tuple[list[Row], str, str]:
    """The result against other recipes' results on the same tasks and seeds, as stated and each at its best decoding."""
    rows = [
        difference(text, at, stacked(theirs, "result", at), stacked(mine, "result", at), by)
        for text, theirs in others.items()
        for at in ("stated", "best")
    ]
    return rows, *decided(rows)


def gains(mine: Sequence[Path]) -> list[Row]:
    """The result against the start."""
    return [difference("the start", at, stacked(mine, "start", at), stacked(mine, "result", at)) for at in ("stated", "best")]


def gains_nothing(mine: Sequence[Path]) -> tuple[list[Row], str, str]:
    """A control: holds unless both intervals lie above zero."""
    rows = gains(mine)
    improved = all(row.low > 0 for row in rows)
    return rows, "fails" if improved else "holds", max(rows, key=lambda row: -row.low).words()


def changes_nothing(mine: Sequence[Path]) -> tuple[list[Row], str, str]:
    """A control that trains at rate 0: holds when weights are those of the start bit for bit, and so every attempt."""
    rows, same = gains(mine), all(same_weights(folder) for folder in mine)
    equal = all(np.array_equal(stacked(mine, "start", at), stacked(mine, "result", at)) for at in ("stated", "best"))
    why = f"weights {'are' if same else 'are not'} equal bit for bit, attempts {'are' if equal else 'are not'}"
    return rows, "holds" if same and equal else "fails", why


def same_weights(folder: Path) -> bool:
    """Whether a run's last saved generation has the bytes of its start."""
    pointers = read_json(folder / "latest.json", AGAIN, dict)
    start, latest = (folder / "generations" / pointers[which] / "policy" for which in ("start", "latest"))
    files = sorted(start.glob("*.safetensors"))
    return bool(files) and all(file.read_bytes() == (latest / file.name).read_bytes() for file in files)


def measures(folders: Sequence[Path]) -> list[dict[str, Any]]:
    """What `selftaught.compare.measures` found, one dict a seed."""
    return [read_json(folder / "measured.json", AGAIN) for folder in folders]


def corrects(name: str, arms: Folders, by: float) -> tuple[list[Row], str, str]:
    """Second answers above first ones, by more than baselines manage, while first answers hardly lose."""
    found = {text: measures(folders) for text, folders in arms.items()}

    def turn(text: str, side: str, which: str) -> Numbers:
        return np.array([m[side][which] for m in found[text]])

    first, second = turn(name, "result", "first"), turn(name, "result", "second")
    rows = [difference("its own first answer", "second answer", first, second, by)]
    rows.append(difference("the start", "first answer", turn(name, "start", "first"), first, -HARDLY))
    for text in arms:
        if text != name:
            theirs = turn(text, "result", "second") - turn(text, "result", "first")
            rows.append(difference(text, "second minus first", theirs, second - first))
    status, reason = decided(rows)
    # That first answers do not fall says nothing about the opposite.
    return rows, status if status != "opposite" or rows[0].high < 0 else "fails", reason


def less_exploitable(name: str, arms: Folders) -> tuple[list[Row], str, str]:
    """Lower exploitability than its start and than baselines; one number a seed, so the interval is over seeds."""
    found = {text: measures(folders) for text, folders in arms.items()}
    mine = np.array([-m["result"] for m in found[name]])
    rows = [difference("the start", "exploitability", np.array([-m["start"] for m in found[name]]), mine)]
    for text, theirs in found.items():
        if text != name:
            rows.append(difference(text, "exploitability", np.array([-m["result"] for m in theirs]), mine))
    return rows, *decided(rows[1:] or rows)


def features_help(name: str, arms: Folders) -> tuple[list[Row], str, str]:
    """Features above raw rows on enough tables, and varying more than those of the preset without a token.

    `arms` are keyed `RECIPE SOURCE`.
    """
    found = {text: measures(folders) for text, folders in arms.items()}
    mine = {text.partition(" ")[2]: m for text, m in found.items() if text.partition(" ")[0] == name}
    rows = [
        difference(f"raw rows of {source}", "probe", np.array([m["start"] for m in ms]), np.array([m["result"] for m in ms]))
        for source, ms in mine.items()
    ]
    won, lost = sum(row.low > 0 for row in rows), sum(row.high < 0 for row in rows)
    reason = f"features beat raw rows on {won} of {len(rows)} tables and lose on {lost}"
    status = "holds" if won >= ENOUGH_TABLES else "opposite" if lost >= ENOUGH_TABLES else "fails"
    for text in dict.fromkeys(key.partition(" ")[0] for key in found if key.partition(" ")[0] != name):
        theirs, ours = (np.log([[m["variance"] for m in found[f"{which} {source}"]] for source in mine]).T for which in (text, name))
        rows.append(difference(text, "log variance", theirs, ours))
        status = "fails" if status == "holds" and rows[-1].low <= 0 else status
        reason += f"; {rows[-1].words()}"
    return rows, status, reason
