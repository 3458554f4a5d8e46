"""What a run cost: tokens by stage, calls, answers read, time; and where its signal came from."""

from collections.abc import Iterable, Mapping
from typing import Any

from markupsafe import Markup

from selftaught.report.bars import short, stacked
from selftaught.report.reading import RunFiles, as_dict
from selftaught.report.svg import finite
from selftaught.types import SOURCES

KINDS = ("prompted", "sampled", "scored", "trained", "evaluated")
MEANS = {
    "self": "the model itself", "peer": "another wording or model beside it", "rule": "a checker that decides from the question",
    "gold": "answers", "teacher": "a stronger model", "human": "people",
}  # fmt: skip
READS = {"train": "to train", "select": "to select", "audit": "to audit", "evaluate": "to evaluate"}


def stages(run: RunFiles) -> dict[str, dict[str, float]]:
    """Tokens by stage and kind: from the ledger, else from the result; empty when neither says."""
    found: dict[str, dict[str, float]] = {}
    for row in run.ledger:
        if row.get("table") == "tokens" and finite(row.get("count")):
            kind = str(row.get("kind", ""))
            kind = kind if kind in KINDS and row.get("purpose") not in ("evaluate", "audit") else "evaluated"
            name = str(row.get("stage") or row.get("role") or "other")[:40]
            amounts = found.setdefault(name, {})
            amounts[kind] = amounts.get(kind, 0.0) + float(row["count"])
    if not found:
        for name, kinds in as_dict(run.result.get("stages")).items():
            found[str(name)[:40]] = {k: float(v) for k, v in as_dict(kinds).items() if finite(v) and k in KINDS}
    if not found and (tokens := as_dict(run.result.get("tokens"))):
        found = {k: {k: float(v)} for k, v in tokens.items() if finite(v) and k in KINDS}
    return dict(sorted(found.items(), key=lambda item: -sum(item[1].values())))


def budget_of(run: RunFiles) -> Markup:
    """Bars of tokens by stage."""
    return stacked(list(stages(run).items()), KINDS, "Tokens by stage")


def signal_of(run: RunFiles) -> Markup:
    """One bar of the training signal's sources."""
    shares = {str(k): float(v) for k, v in as_dict(run.result.get("sources")).items() if finite(v) and k in SOURCES}
    return stacked(
        [("Training signal", {k: 100 * v for k, v in shares.items()})], SOURCES, "Where the training signal came from", sums=False
    )


def signal_words(run: RunFiles) -> str:
    """The sources in words, the largest first."""
    shares = {k: float(v) for k, v in as_dict(run.result.get("sources")).items() if finite(v) and v > 0 and k in MEANS}
    parts = [f"{100 * v:.0f}% {k} ({MEANS[k]})" for k, v in sorted(shares.items(), key=lambda item: -item[1])]
    return ", ".join(parts) or "nothing was trained on"


def time_words(seconds: Any) -> str:
    """1 h 2 min, 1 min 47 s, 8.2 s; nothing when not known."""
    if not finite(seconds):
        return ""
    minutes, rest = divmod(float(seconds), 60)
    if minutes < 1:
        return f"{rest:.1f} s"
    hours, left = divmod(int(minutes), 60)
    return f"{hours} h {left} min" if hours else f"{left} min {rest:.0f} s"


def seconds_by_stage(run: RunFiles) -> str:
    """Wall seconds of each stage, the longest first."""
    found: dict[str, float] = {}
    for row in run.ledger:
        if (row.get("table"), row.get("kind")) == ("seconds", "wall") and finite(row.get("count")):
            stage = str(row.get("stage") or "other")[:40]
            found[stage] = found.get(stage, 0.0) + float(row["count"])
    return ", ".join(f"{stage} {time_words(v)}" for stage, v in sorted(found.items(), key=lambda item: -item[1]) if v >= 0.05)


def spent(result: Mapping[str, Any]) -> float:
    """Tokens of the budget that are gone."""
    return sum(float(v) for k, v in as_dict(result.get("tokens")).items() if k != "evaluated" and finite(v))


def listed(amounts: Mapping[str, Any], names: Iterable[str]) -> str:
    """`1.2M a, 3k b` of those that are known."""
    return ", ".join(f"{short(float(amounts[name]))} {name}" for name in names if finite(amounts.get(name)))


def facts(run: RunFiles) -> list[tuple[str, str]]:
    """(what, how much) of everything that was counted."""
    result = run.result
    tokens, flops, calls = (as_dict(result.get(name)) for name in ("tokens", "flops", "calls"))
    reads = as_dict(result.get("gold_read"))
    rows = [
        ("Tokens of the budget", listed(tokens, KINDS[:4])),
        ("Tokens to evaluate", short(float(tokens["evaluated"])) if finite(tokens.get("evaluated")) else ""),
        ("FLOPs", listed(flops, flops)),
        ("Calls", listed(calls, calls)),
        ("Answers read", ", ".join(f"{reads[k]:,} {words}" for k, words in READS.items() if finite(reads.get(k)))),
        ("Wall time", time_words(result.get("wall_seconds", result.get("seconds")))),
        ("Wall time by stage", seconds_by_stage(run)),
        ("CPU time", time_words(result.get("cpu_seconds"))),
    ]
    return [(name, words) for name, words in rows if words]
