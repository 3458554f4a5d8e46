"""What stands between markers in README.md and the guides, made from the code and from committed measurements."""

import json
from pathlib import Path
from typing import Any

from tables import cell, claim, code, source_of, table

from selftaught.commands.describe import recipes_table

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
SHOWN = "ttrl"
WORDS = ("none", "one", "two", "three", "four", "five")
COMMANDS = "python -m benchmarks.improve    # the default run and its controls, five seeds, some hours"


def readme_recipes() -> str:
    """The README's table of recipes."""
    rows = [
        (f"[`{row['name']}`]({source_of(row['name']).as_posix()})", cell(row["about"]), cell(row["signal"]), row["changes"], claim(row))
        for row in recipes_table()
    ]
    return table(("Recipe", "What it does", "Signal from", "Changes", "Claim"), rows)


def points(found: dict[str, float]) -> str:
    """`39.2% to 56.0%, +16.8 (13.1 to 20.5)`; the interval needs two seeds."""
    interval = "" if found["low"] is None else f" ({100 * found['low']:.1f} to {100 * found['high']:.1f})"
    return f"{found['before']:.1%} to {found['after']:.1%}, {100 * found['gain']:+.1f}{interval}"


def readme_numbers() -> str:
    """The README's numbers, from the committed table."""
    found = {row["recipe"]: row for row in json.loads((RESULTS / "improve.json").read_text())["rows"]}
    rows = [
        (code(name), *(points(row[key]) for key in ("stated", "best", "pass@16")), f"{row['best']['positive']} of {len(row['seeds'])}")
        for name, row in found.items()
    ]
    count, million = len(found["selftaught"]["seeds"]), found["selftaught"]["tokens"] / 1e6
    fewer = {name: len(row["seeds"]) for name, row in found.items() if len(row["seeds"]) < count}
    few = f"; {' and '.join(fewer)} have {WORDS[min(fewer.values())]}" if fewer else ""
    about = (
        f"The default run over {count} training seeds that were fixed before they ran, pooled over seeds and 200 held-out tasks (95% "
        "intervals, tasks and seeds crossed), on sprout and on tasks that a rule can check from the question alone. No answer was read to "
        f"train or to select. A run spends about {million:.2f} million tokens; controls are given as many, at the same learning rate. The "
        f"last column says on how many of the seeds a row was run{few}."
    )
    caution = (
        "sprout ships before its learning rate is annealed, so that it has something left to learn. How much less an annealed model "
        "wins, and where votes do harm, is in the [notebook](docs/notebook.md)."
    )
    picture = "![One run: the start sampled, greedy, at its best decoding and by vote, and the same model after](docs/run.svg)"
    head = ("Recipe", "As stated (T=1)", "Each side at its best decoding", "pass@16", "Seeds up (best decoding)")
    return "\n\n".join([picture, about, table(head, rows), f"```console\n{COMMANDS}\n```", caution])


def readme_blocks() -> dict[str, str]:
    """Marker -> what stands in README.md between `<!-- marker -->` and `<!-- /marker -->`."""
    return {
        "numbers": readme_numbers(),
        "recipe": f"```python\n{(ROOT / source_of(SHOWN)).read_text().strip()}\n```",
        "recipes": readme_recipes(),
    }


def calibration() -> str:
    """How often the gate is wrong, from the committed simulations and real runs."""
    rows = json.loads((RESULTS / "calibration.json").read_text())["rows"]
    shown = ("improved", "worse", "covers_stated", "covers_best")
    whole, staged = ([row for row in rows if ("looks" in row) == looked] for looked in (False, True))
    head = ("simulated pairs", "how many", "`improved`", "`worse`", "interval covers, as stated", "interval covers, best decoding")
    about = "200 held-out tasks, 4 attempts each, 95% intervals; what a training does to single tasks varies from nothing to much."
    looks = "Gates sized by a share of the run and looked at in stages: tasks x attempts, and how many tasks were seen on average."
    lines = table(head, [(row["name"], f"{row['simulations']:,}", *(f"{row[key]:.1%}" for key in shown)) for row in whole])
    more = [(row["name"], f"{row['simulations']:,}", *(f"{row[k]:.1%}" for k in shown), f"{row['seen']:.0f}") for row in staged]
    nil = json.loads((RESULTS / "nil_runs.json").read_text())
    worse = sum(row["verdict"] == "worse" for row in nil["rows"])
    real = f"Of {nil['runs']} real runs that cannot have learned anything (a learning rate of zero, random rewards, the start drawn anew), "
    said = f"{real}{nil['improved']} said `improved` and {worse} said `worse`."
    return "\n\n".join([about, lines, looks, table((*head, "tasks seen"), more), said])


def calibration_blocks() -> dict[str, str]:
    """The block of docs/is-my-gain-real.md."""
    return {"calibration": calibration()}


def speed() -> dict[str, str]:
    """The block on speed, from the last committed `make bench`."""
    found = json.loads((RESULTS / "latest.json").read_text())
    rows = [
        (row["what"], f"{row['median']:.2f} ({row['spread'][0]:.2f} to {row['spread'][1]:.2f})", bar(row, ".2f"))
        for row in found["ratios"].values()
    ]
    rows += [(row["what"], f"{row['value']:.3g}", bar(row, "g")) for row in found["targets"].values()]
    about = "Medians of pairs and their spread, on two cores, sprout, 64 prompts with 8 attempts each (`make bench`)."
    return {"speed": "\n\n".join([about, table(("what", "measured", "aim"), rows)])}


def bar(row: dict[str, Any], form: str) -> str:
    """An aim, and whether it was missed."""
    sign = "at least" if row.get("better") == "higher" else "at most"
    return f"{sign} {row['target']:{form}}" + ("" if row["met"] else " (missed)")


BLOCKS = {
    "README.md": lambda: readme_blocks() | speed(),
    "docs/speed.md": speed,
    "docs/is-my-gain-real.md": calibration_blocks,
}


def renewed(text: str, blocks: dict[str, str]) -> str:
    """A text with its blocks as the code has them; raises ValueError when a marker is missing."""
    for marker, block in blocks.items():
        head, tail = f"<!-- {marker} -->", f"<!-- /{marker} -->"
        if text.count(head) != 1 or text.count(tail) != 1:
            raise ValueError(f"{head} and {tail} are needed once each")
        before, rest = text.split(head)
        text = f"{before}{head}\n{block}\n{tail}{rest.split(tail)[1]}"
    return text
