"""docs/claims.md: every recipe's claim, what came out, and the numbers, from committed results, by the engines recipes share."""

import importlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any

from selftaught.compare import second
from selftaught.compare.outcomes import Row
from selftaught.recipe import engine_of, get_recipe
from selftaught.statistics.differences import holm

HEAD = """# Claims

Every recipe says what must come true for its method to work as its paper says. `selftaught compare --claims` puts that to
the test and writes this page from the results in `benchmarks/results/claims/`; `selftaught compare --claims NAME` repeats
one. Seeds, budget and held-out tasks stand in `src/selftaught/compare/plans.py` and were fixed before the runs. A claim is
made of asks, each a measure against another recipe, the start or a baseline of the measure's own; the first is the primary one.

- **holds**: every interval lies above what the claim asks; as stated and with each side at its own best decoding.
- **opposite**: an interval lies below zero, and none above.
- **premise**: what the method presumes of the start is not so on this model and these tasks, so that nothing was trained.
- **fails**: anything else. A gain that is too small to be told from zero at this budget and on these tasks fails.
- **untested**: it was not, with the reason where there is one.

Intervals are 95%, with training seeds and held-out tasks crossed; where a measure gives one number a seed, over seeds. An
outcome is about the model it names and no other. Recipes stand together by their engine, the folder they share parts with,
and p is corrected over the primary asks of an engine (Holm); where an ask is decided together with others, the largest of
their p counts for it (intersection-union). Results that hold no `version` took the highest of the tried decodings for
the best, without regard to its standard error."""


def page(found: Mapping[str, Mapping[str, Any]], beside: Mapping[str, Mapping[str, Any]] | None = None) -> str:
    """The page. `found` is recipe -> committed result, or the reason why there is none; `beside` the same on the second model."""
    counts = Counter(kept["status"] for kept in found.values())
    tally = ", ".join(f"{counts[word]} {word}" for word in ("holds", "fails", "opposite", "premise", "untested") if counts[word])
    lines = [HEAD, f"Of {len(found)} claims: {tally}.", *carried(found, beside or {})]
    engines: dict[str, dict[str, Mapping[str, Any]]] = {}
    for name, kept in found.items():
        engines.setdefault(engine_of(name), {})[name] = kept
    for engine, inside in sorted(engines.items()):
        lines += [f"## {engine}", about(engine), overview(inside), *corrected(inside)]
        for name, kept in inside.items():
            if kept["rows"]:
                lines += section(name, kept)
    return "\n\n".join(lines) + "\n"


def about(engine: str) -> str:
    """What the recipes of a folder have in common; "" for one of another package."""
    try:
        return (importlib.import_module(f"selftaught.recipes.{engine}").__doc__ or "").strip()
    except ImportError:
        return ""


def overview(found: Mapping[str, Mapping[str, Any]]) -> str:
    """The table of an engine's claims."""
    lines = ["| recipe | claim | outcome | shown on | the interval that decides |", "| --- | --- | --- | --- | --- |"]
    for name, kept in found.items():
        link = f"[`{name}`](#{anchor(name)})" if kept["rows"] else f"`{name}`"
        cells = [link, cell(get_recipe(name).claim.text), outcome_of(kept), cell(kept["model"]), cell(kept["reason"])]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def carried(found: Mapping[str, Mapping[str, Any]], beside: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Outcomes on both models, and for how many pairs they agree; nothing where none was tested on the second."""
    tested = {name: kept for name, kept in beside.items() if kept["rows"]}
    if not tested:
        return []
    any_of = next(iter(tested.values()))
    words = (
        f"The same recipes on {second.CALLED}, at {any_of['budget']:,.0f} tokens, on tasks and settings that suit it "
        f"(`src/selftaught/compare/second.py`); `selftaught compare --claims NAME --model {second.SETTINGS.model}` tests one. "
        f"{second.agreement(found, tested)} Not tested on it: {len([n for n in beside if second.asked(n)]) - len(tested)} claims."
    )
    head = f"| recipe | on sprout | on {second.CALLED} | the interval that decides there |\n| --- | --- | --- | --- |"
    rows = [f"| `{name}` | {outcome_of(found[name])} | {outcome_of(kept)} | {cell(kept['reason'])} |" for name, kept in tested.items()]
    return ["## Does it carry over?", words, "\n".join([head, *rows])]


def corrected(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What is left of an engine's claims once p is adjusted over its primary asks; nothing where none asks for more."""
    primary = {name: p for name, kept in found.items() if (p := p_of([Row(**row) for row in kept["rows"]])) is not None}
    if not primary:
        return []
    adjusted = dict(zip(primary, holm(list(primary.values())), strict=True))
    said = [
        f"`{name}` {'still holds' if adjusted[name] <= 0.05 else 'no longer'} (p {adjusted[name]:.2g})"
        for name in primary
        if found[name]["status"] == "holds"
    ]
    if not said:
        return []
    return [f"Corrected over {len(primary)} primary ask{'' if len(primary) == 1 else 's'} (Holm): {'; '.join(said)}."]


def p_of(rows: Sequence[Row]) -> float | None:
    """The p of a primary ask for more, decided together with the others that are; None where it asks for something else.

    Where a result does not hold the p of what was asked, it is that of a normal difference with the result's interval.
    """
    deciding = [row for row in rows if row.decides]
    if not deciding or deciding[0].want != "more":
        return None
    return max(row.asked if row.asked is not None else beyond(row) for row in deciding)


def beyond(row: Row) -> float:
    """Two-sided p of no difference beyond what was asked, as of a normal difference with this interval."""
    error = (row.high - row.low) / 2 / NormalDist().inv_cdf(0.975)
    return 2 * NormalDist().cdf(-abs(row.gain - row.by) / error) if error > 0 else 1.0


def section(name: str, kept: Mapping[str, Any]) -> Sequence[str]:
    """One claim's numbers."""
    options = "".join(f" `--{key} {value}`" for key, value in kept["options"].items())
    words = (
        f"{get_recipe(name).claim.text[0].upper()}{get_recipe(name).claim.text[1:]}. Outcome: {outcome_of(kept)}. Seeds "
        f"{', '.join(map(str, kept['seeds']))}; tasks {', '.join(f'`{task}`' for task in kept['tasks'])}{options and ';' + options}."
    )
    head = "| against | measure | theirs | this | difference (95%) | p | asked |\n| --- | --- | --- | --- | --- | --- | --- |"
    rows = [numbers(Row(**row)) for row in kept["rows"]]
    spent = ", ".join(f"`{text}` {tokens:,} tokens and {kept['seconds'][text]:.0f} s" for text, tokens in kept["tokens"].items())
    return [f"({anchor(name)})=", f"### {name}", words, "\n".join([head, *rows]), *([f"A run spent: {spent}."] if spent else [])]


def numbers(row: Row) -> str:
    """A row of a section."""

    def show(value: float, sign: str = "") -> str:
        return f"{100 * value:{sign}.1f}" if row.share else f"{value:{sign}.3f}"

    wanted = {"more": f"> {show(row.by)}", "no more": f"not > {show(row.by)}", "same": "equal"}[row.want] if row.decides else ""
    interval = f"{show(row.gain, '+')} ({show(row.low, '+')} to {show(row.high, '+')})"
    cells = [f"`{row.against}`" if re.fullmatch(r"[a-z0-9/ -]+", row.against) and row.against != "the start" else row.against, row.at]
    return "| " + " | ".join([*cells, show(row.before), show(row.after), interval, f"{row.p:.2g}", wanted]) + " |"


def outcome_of(kept: Mapping[str, Any]) -> str:
    """The status in bold, and whether it is of an earlier form."""
    return f"**{kept['status']}**" + (" (before it was last changed)" if kept.get("stale") else "")


def anchor(name: str) -> str:
    """A section's label."""
    return f"claim-{name}"


def cell(text: str) -> str:
    """Text that is safe in a table cell."""
    return re.sub(r"([|*_<>\[\]])", r"\\\1", " ".join(text.split()))
