"""Pages and tables made from the code.

`python docs/generate.py` writes docs/generated/; with `--readme` it renews what stands between markers
in README.md and docs/is-my-gain-real.md.
"""

import dataclasses
import json
import math
import random
import sys
from pathlib import Path

from blocks import BLOCKS, renewed
from flow import picture
from tables import cell, claim, code, source_of, table

from selftaught.commands.describe import parts_table, recipes_table, tasks_table
from selftaught.parts import shelf
from selftaught.tasks.own import families

DOCS = Path(__file__).parent
ROOT = DOCS.parent


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
        " A family marked `rule` can be checked from the question alone, so its checker is an honest signal without an answer."
        " Where a family has terse wordings, made for small models of one's own, `words=plain` asks the same questions in plain language,"
        " as in `sums:level=2,words=plain`: for a model that somebody else trained.",
        table(("tasks", "what they are"), ((code(row["name"]), cell(row["about"])) for row in tasks_table())),
    ]
    for name, cls in families().items():
        lines = []
        for level in range(1, len(cls.ladder) + 1):
            family, rng = cls(level=level), random.Random(level)
            facts = family.draw(rng)
            asked = code(family.render(facts))
            if family.plain:
                asked += " or " + code(cls(level=level, words="plain").render(facts, level))
            lines.append((str(level), asked, code(family.work(facts)[1])))
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
        write_new(folder / f"{name}.md", text + "\n")
    write_new(folder / "flow.svg", picture())


def write_new(path: Path, text: str) -> None:
    """Write a file unless it says that already."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def main() -> None:
    """Write the pages, or with --readme renew the blocks of README.md and the guide."""
    if sys.argv[1:] == ["--readme"]:
        for name, blocks in BLOCKS.items():
            (ROOT / name).write_text(renewed((ROOT / name).read_text(), blocks()))
    else:
        write_pages(DOCS / "generated")


if __name__ == "__main__":
    main()
