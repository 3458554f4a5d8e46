"""docs/claims.md: every recipe's claim, what came out, and the numbers, from committed results."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from selftaught.compare import second
from selftaught.compare.outcomes import Row
from selftaught.recipe import get_recipe
from selftaught.statistics.differences import holm

HEAD = """# Claims

Every recipe says what must come true for its method to work as its paper says. `selftaught compare --claims` puts that to
the test and writes this page from the results in `benchmarks/results/claims/`; `selftaught compare --claims NAME` repeats
one. Seeds, budget and held-out tasks stand in `src/selftaught/compare/claims.py` and were fixed before the runs.

- **holds**: every interval lies above what the claim asks; as stated and with each side at its own best decoding.
- **opposite**: an interval lies below zero, and none above.
- **fails**: anything else. A gain that is too small to be told from zero at this budget and on these tasks fails.
- **untested**: it was not, with the reason where there is one.

Intervals are 95%, with training seeds and held-out tasks crossed; where a measure gives one number a seed, over seeds. An
outcome is about the model it names and no other. Results that hold no `version` took the highest of the tried decodings for
the best, without regard to its standard error."""


def page(found: Mapping[str, Mapping[str, Any]], beside: Mapping[str, Mapping[str, Any]] | None = None) -> str:
    """The page. `found` is recipe -> committed result, or the reason why there is none; `beside` the same on the second model."""
    counts = Counter(kept["status"] for kept in found.values())
    tally = ", ".join(f"{counts[word]} {word}" for word in ("holds", "fails", "opposite", "untested") if counts[word])
    lines = [HEAD, f"Of {len(found)} claims: {tally}.", *family(found)]
    head = "| recipe | claim | outcome | shown on | the interval that decides |\n| --- | --- | --- | --- | --- |"
    rows = []
    for name, kept in found.items():
        link = f"[`{name}`](#{anchor(name)})" if kept["rows"] else f"`{name}`"
        cells = [link, cell(get_recipe(name).claim.text), outcome_of(kept), cell(kept["model"]), cell(kept["reason"])]
        rows.append("| " + " | ".join(cells) + " |")
    lines.append("\n".join([head, *rows]))
    lines += carried(found, beside or {})
    for name, kept in found.items():
        if kept["rows"]:
            lines += section(name, kept)
    return "\n\n".join(lines) + "\n"


def carried(found: Mapping[str, Mapping[str, Any]], beside: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Outcomes on both models, and for how many pairs they agree; nothing where none was tested on the second."""
    tested = {name: kept for name, kept in beside.items() if kept["rows"]}
    if not tested:
        return []
    any_of = next(iter(tested.values()))
    about = (
        f"The same recipes on {second.CALLED}, at {any_of['budget']:,.0f} tokens, on tasks and settings that suit it "
        f"(`src/selftaught/compare/second.py`); `selftaught compare --claims NAME --model {second.SETTINGS.model}` tests one. "
        f"{second.agreement(found, tested)} Not tested on it: {len([n for n in beside if second.asked(n)]) - len(tested)} claims."
    )
    head = f"| recipe | on sprout | on {second.CALLED} | the interval that decides there |\n| --- | --- | --- | --- |"
    rows = [f"| `{name}` | {outcome_of(found[name])} | {outcome_of(kept)} | {cell(kept['reason'])} |" for name, kept in tested.items()]
    return ["## Does it carry over?", about, "\n".join([head, *rows])]


def family(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What is left of the claims that hold once p is adjusted over every difference on the page."""
    differences = [(name, Row(**row)) for name, kept in found.items() for row in kept["rows"]]
    if not differences:
        return []
    adjusted = holm([row.p for _, row in differences])
    holds = [name for name, kept in found.items() if kept["status"] == "holds" and get_recipe(name).claim.beats]
    lost = sorted({n for (n, row), p in zip(differences, adjusted, strict=True) if n in holds and row.by == 0 and p > 0.05})
    kept = len(holds) - len(lost)
    line = (
        f"Adjusted over all {len(differences)} differences of the page (Holm), {kept} of the {len(holds)} recipes that beat others still do"
    )
    return [line + (f"; {', '.join(f'`{name}`' for name in lost)} no longer." if lost else ".")]


def section(name: str, kept: Mapping[str, Any]) -> Sequence[str]:
    """One claim's numbers."""
    options = "".join(f" `--{key} {value}`" for key, value in kept["options"].items())
    about = (
        f"{get_recipe(name).claim.text[0].upper()}{get_recipe(name).claim.text[1:]}. Outcome: {outcome_of(kept)}. Seeds "
        f"{', '.join(map(str, kept['seeds']))}; tasks {', '.join(f'`{task}`' for task in kept['tasks'])}{options and ';' + options}."
    )
    head = "| against | measure | theirs | this | difference (95%) | p | asked |\n| --- | --- | --- | --- | --- | --- | --- |"
    rows = [numbers(Row(**row)) for row in kept["rows"]]
    spent = ", ".join(f"`{text}` {tokens:,} tokens and {kept['seconds'][text]:.0f} s" for text, tokens in kept["tokens"].items())
    return [f"({anchor(name)})=", f"## {name}", about, "\n".join([head, *rows]), f"A run spent: {spent}."]


def numbers(row: Row) -> str:
    """A row of a section."""
    plain = row.at in ("exploitability", "log variance")

    def show(value: float, sign: str = "") -> str:
        return f"{value:{sign}.3f}" if plain else f"{100 * value:{sign}.1f}"

    interval = f"{show(row.gain, '+')} ({show(row.low, '+')} to {show(row.high, '+')})"
    cells = [f"`{row.against}`" if re.fullmatch(r"[a-z0-9/ -]+", row.against) and row.against != "the start" else row.against, row.at]
    return "| " + " | ".join([*cells, show(row.before), show(row.after), interval, f"{row.p:.2g}", f"> {show(row.by)}"]) + " |"


def outcome_of(kept: Mapping[str, Any]) -> str:
    """The status in bold, and whether it is of an earlier form."""
    return f"**{kept['status']}**" + (" (before it was last changed)" if kept.get("stale") else "")


def anchor(name: str) -> str:
    """A section's label."""
    return f"claim-{name}"


def cell(text: str) -> str:
    """Text that is safe in a table cell."""
    return re.sub(r"([|*_<>\[\]])", r"\\\1", " ".join(text.split()))
