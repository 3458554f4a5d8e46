"""Pages and tables made from the code.

`python docs/generate.py` writes docs/generated/; with `--readme` it renews what stands between markers
in README.md and docs/is-my-gain-real.md.
"""

import dataclasses
import importlib
import json
import math
import random
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from selftaught.describe import parts_table, recipes_table, tasks_table
from selftaught.parts import shelf
from selftaught.recipe import recipe_names
from selftaught.tasks.own import families

DOCS = Path(__file__).parent
ROOT = DOCS.parent
SHOWN = "ttrl"
WORDS = ("none", "one", "two", "three", "four", "five")
COMMANDS = """for seed in 21 22 23 24 25; do
    selftaught improve --seed $seed --gate full --out runs/readme/selftaught-$seed
    for control in random-reward sft-unfiltered shuffled-votes format-only; do
        selftaught improve $control --seed $seed --budget 955000 --steps 200 --optimizer.lr 1e-4 \\
            --no-alarms --gate full --out runs/readme/$control-$seed
    done
done"""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def cell(text: str) -> str:
    """Text that is safe in a table cell, with papers as links."""
    pieces = " ".join(text.split()).split("`")
    # Every second piece is code, in which only a bar means something.
    pieces = [re.sub(r"\|" if i % 2 else r"([|*_<>\[\]])", r"\\\g<0>", piece) for i, piece in enumerate(pieces)]
    return re.sub(r"arXiv:(\d{4}\.\d{5})", r"[arXiv:\1](https://arxiv.org/abs/\1)", "`".join(pieces))


def code(text: str) -> str:
    """Text as code in a table cell."""
    return f"`{text}`".replace("|", "\\|")


def source_of(name: str) -> Path:
    """A recipe's file, from the root of the repository."""
    path = Path(importlib.import_module(recipe_names()[name]).__file__ or "").resolve()
    return Path("src/selftaught") / path.relative_to(path.parents[[p.name for p in path.parents].index("selftaught")])


def claim(row: dict[str, dict[str, str]]) -> str:
    """`untested`, or a status with the model it was measured on."""
    status, model = row["claim"]["status"], row["claim"]["model"]
    return f"{status} ({model})" if model else status


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
    found = {row["recipe"]: row for row in json.loads((ROOT / "benchmarks" / "results" / "improve.json").read_text())["rows"]}
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
    found = {row["name"]: row for row in json.loads((ROOT / "benchmarks" / "results" / "calibration.json").read_text())["rows"]}
    rows = [
        (name, f"{row['simulations']:,}", *(f"{row[key]:.1%}" for key in ("improved", "worse", "covers_stated", "covers_best")))
        for name, row in found.items()
    ]
    head = ("simulated pairs", "how many", "`improved`", "`worse`", "interval covers, as stated", "interval covers, best decoding")
    about = "200 held-out tasks, 4 attempts each, 95% intervals; what a training does to single tasks varies from nothing to much."
    nil = json.loads((ROOT / "benchmarks" / "results" / "nil_runs.json").read_text())
    worse = sum(row["verdict"] == "worse" for row in nil["rows"])
    real = f"Of {nil['runs']} real runs that cannot have learned anything (a learning rate of zero, random rewards, the start drawn anew), "
    return "\n\n".join([about, table(head, rows), f"{real}{nil['improved']} said `improved` and {worse} said `worse`."])


def calibration_blocks() -> dict[str, str]:
    """The block of docs/is-my-gain-real.md."""
    return {"calibration": calibration()}


def speed() -> dict[str, str]:
    """The block on speed, from the last committed `make bench`."""
    found = json.loads((ROOT / "benchmarks" / "results" / "latest.json").read_text())
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


def recipes_page() -> str:
    """Every recipe: a table, then its file."""
    rows = recipes_table()
    lines = [
        (f"[{row['name']}](#recipe-{row['name']})", cell(row["about"]), cell(row["signal"]), row["changes"], claim(row)) for row in rows
    ]
    page = ["# Recipes", "One recipe is one file. `selftaught show NAME` prints its options."]
    page.append(table(("recipe", "what it does", "signal from", "changes", "claim"), lines))
    for row in rows:
        presets = ", ".join(f"`{row['name']}/{preset}`" for preset in row["presets"])
        page += [f"(recipe-{row['name']})=", f"## {row['name']}", *([f"Presets: {presets}."] if presets else [])]
        page.append(f"```{{literalinclude}} ../../{source_of(row['name']).as_posix()}\n:language: python\n```")
    return "\n\n".join(page)


def parts_page() -> str:
    """Every part by kind, with its options."""
    page = ["# Parts", "What recipes are made of. `selftaught show NAME` prints a part in full."]
    rows = {row["name"]: row for row in parts_table()}
    for kind in dict.fromkeys(name.partition("/")[0] for name in rows):
        lines = []
        for name, cls in shelf(kind).items():
            row = rows[f"{kind}/{name}"]
            options = ", ".join(f"{f.name}={default(f)}" for f in dataclasses.fields(cls) if f.init)
            lines.append((code(name), cell(row["about"]), cell(row["paper"]), code(options) if options else ""))
        page += [f"## {kind}", table(("part", "what it does", "paper", "options"), lines)]
    return "\n\n".join(page)


def default(field: dataclasses.Field[object]) -> str:
    """A field's default, short."""
    if field.default is dataclasses.MISSING:
        return "..."
    value = field.default
    return getattr(value, "name", None) or repr(value) if dataclasses.is_dataclass(value) else repr(value)


def tasks_page() -> str:
    """Own families with a question of each level, and how other sources are written."""
    page = [
        "# Tasks",
        "Families come with the package and draw questions without end. Level 1 is easy; the last level is out of reach of small models."
        " A family marked `rule` can be checked from the question alone, so its checker is an honest signal without an answer.",
        table(("tasks", "what they are"), ((code(row["name"]), cell(row["about"])) for row in tasks_table())),
    ]
    for name, cls in families().items():
        lines = []
        for level in range(1, len(cls.ladder) + 1):
            family, rng = cls(level=level), random.Random(level)
            facts = family.draw(rng)
            lines.append((str(level), code(family.render(facts)), code(family.work(facts)[1])))
        page += [f"## {name}", table(("level", "a question", "an answer"), lines)]
    return "\n\n".join(page)


def sprout_page() -> str:
    """What sprout can do, from the committed measurement."""
    found = json.loads((ROOT / "benchmarks" / "results" / "sprout.json").read_text())
    percent = "{:.0%}".format
    solved = [
        (code(name), *(percent(row[key]) for key in ("pass@1", "greedy", "pass@16"))) for name, row in (found["own"] | found["gym"]).items()
    ]
    skills = [(name, "not learned" if math.isnan(row["right"]) else percent(row["right"])) for name, row in found["skills"].items()]
    return table(("skill", "right"), skills) + "\n\n" + table(("task", "sampled", "greedy", "pass@16"), solved)


def write_pages(folder: Path) -> None:
    """Write every generated page; a page that has not changed keeps its date."""
    folder.mkdir(exist_ok=True)
    pages = {"recipes": recipes_page(), "parts": parts_page(), "tasks": tasks_page(), "sprout_skills": sprout_page()}
    for name, text in pages.items():
        path = folder / f"{name}.md"
        if not path.exists() or path.read_text() != text + "\n":
            path.write_text(text + "\n")


def main() -> None:
    """Write the pages, or with --readme renew the blocks of README.md and the guide."""
    if sys.argv[1:] == ["--readme"]:
        for name, blocks in BLOCKS.items():
            (ROOT / name).write_text(renewed((ROOT / name).read_text(), blocks()))
    else:
        write_pages(DOCS / "generated")


if __name__ == "__main__":
    main()
