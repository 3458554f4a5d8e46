"""write_report: a run folder becomes one HTML file that needs nothing else."""

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from selftaught.jobs.job import DEFAULT_TASKS
from selftaught.report import amounts, figures
from selftaught.report.bars import short
from selftaught.report.dots import percent
from selftaught.report.health import alarms_of, panels
from selftaught.report.questions import questions
from selftaught.report.reading import RunFiles, as_dict, read_run
from selftaught.report.rerun import rerun_command
from selftaught.report.strings import Strings, clean, embed, visible
from selftaught.report.svg import finite
from selftaught.report.training import training
from selftaught.run.files import write_whole

TONES = {"improved": "good", "worse": "bad", "no change": "flat", "can't tell": "unsure"}
KINDS = {
    "decoding": "a temperature explains it",
    "sharpened": "sharpened: the same answers, more often; pass@16 is not shown to have risen",
    "new": "new: pass@16 rose too",
}


def asset(name: str) -> Markup:
    """A style sheet or script of this package."""
    return Markup(files("selftaught.report").joinpath("assets", name).read_text(encoding="utf-8"))


def render(template: str, **values: Any) -> str:
    """A page of `template` with styles and scripts in it; every value is escaped."""
    pages = Environment(
        loader=PackageLoader("selftaught.report", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.globals["asset"] = asset
    return pages.get_template(template).render(**values)


def write_page(path: Path, html: str) -> Path:
    """Write a page whole or not at all. Raises NotWritten."""
    write_whole(path, html.encode("utf-8", "replace"))
    return path


def write_report(folder: Path) -> Path:
    """Write `report.html` into a run folder.

    Raises:
        BadInput: when the folder holds no run, or a damaged one.
    """
    run = read_run(Path(folder))
    return write_page(run.folder / "report.html", render("run.html", **page_of(run)))


def tone(verdict: object) -> str:
    """The class of a verdict's color."""
    return next((name for start, name in TONES.items() if str(verdict).lower().startswith(start)), "none")


def sentence_of(run: RunFiles) -> tuple[str, str]:
    """The verdict in one sentence: its first words, which carry the color, and the rest."""
    words = run.result.get("sentence") or "Not finished: this run has no verdict yet."
    head, colon, rest = visible(str(words)).partition(":")
    return (head + colon, rest) if colon and len(head) < 60 else ("", visible(str(words)))


def muted(run: RunFiles) -> list[str]:
    """Budget, answers read, model and tasks in a few words each."""
    result, job, reads = run.result, run.job, as_dict(run.result.get("gold_read"))
    budget = job.get("budget")
    limit = f" of {short(budget)}" if finite(budget) else f" of {budget}" if budget else ""
    trained = sum(int(reads[k]) for k in ("train", "select") if finite(reads.get(k)))
    words = [f"{short(amounts.spent(result))}{limit} tokens"] if result.get("tokens") else []
    words += [f"{trained:,} answers read to train or select" if trained else "no answer read to train or select"] if reads else []
    words.append(str(result.get("model") or job.get("model") or "sprout"))
    sources = job.get("tasks") or as_dict(run.manifest.get("recipe")).get("tasks") or DEFAULT_TASKS
    words.append(", ".join(map(str, sources)))
    if finite(result.get("tasks")):
        words.append(f"{result['tasks']:,} held-out tasks")
    return [visible(w) for w in [*words, amounts.time_words(result.get("seconds"))] if w]


def notes(run: RunFiles) -> list[tuple[str, str]]:
    """What else the verdict knows, in words."""
    result = run.result
    rows = [("Kind of gain", KINDS.get(str(result.get("kind")), str(result.get("kind") or "")))]
    rows.append(("Smallest gain these tasks could show", points(result.get("smallest_effect"))))
    rows.append(("p (permutation)", f"{result['p']:.3g}" if finite(result.get("p")) else ""))
    rows.append(("Break-even", str(as_dict(result.get("break_even")).get("sentence") or "")))
    same = as_dict(result.get("equal_tokens"))
    if finite(k := same.get("k")) and finite(drawn := same.get("drawn")) and k >= drawn + 1:
        rows.append(("Vote at equal tokens", f"with the {drawn:,} attempts that were drawn; the tokens would pay for {int(k):,}"))
    if finite(slope := same.get("slope")):
        rows.append(("Doubling the start's vote", f"{percent(slope, signed=True)} points at the last doubling"))
    if finite(reuse := result.get("reuse")) and reuse:
        rows.append(("Verdicts on these held-out tasks", f"{reuse:,}, this one included"))
    return [(name, visible(words)) for name, words in rows if words]


def points(value: Any) -> str:
    """A fraction in points."""
    return f"{100 * value:.1f} points" if finite(value) else ""


def passes(result: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """pass@k before and after."""
    rows = [(k, as_dict(both)) for k, both in as_dict(result.get("pass_at")).items()]
    return [
        (f"pass@{k}", f"{100 * b['before']:.1f}%", f"{100 * b['after']:.1f}%")
        for k, b in rows
        if finite(b.get("before")) and finite(b.get("after"))
    ]


def page_of(run: RunFiles) -> dict[str, Any]:
    """Everything the template shows."""
    strings, alarms = Strings(), alarms_of(run.result)
    held = questions(run.lines("held_out.jsonl"), strings)
    trained = training(run.lines("attempts.jsonl"), strings)
    table = strings.table()
    versions = {**as_dict(run.manifest.get("versions")), "python": run.manifest.get("python", "")}
    head, rest = sentence_of(run)
    confident = [one for one in held["questions"] if "c" in one["f"]]
    told = run.forecast or as_dict(run.result.get("forecast"))
    return {
        "name": visible(str(run.result.get("recipe") or run.job.get("recipe") or "run")),
        "started": visible(str(run.manifest.get("started", ""))), "tone": tone(run.result.get("verdict")),
        "head": head, "rest": rest, "muted": muted(run), "notes": notes(run), "alarms": alarms,
        "stairs": figures.stairs_of(run), "levels": figures.levels_of(run), "gains": figures.gains_of(run), "passes": passes(run.result),
        "forecast": figures.forecast_of(run), "why": expected(told), "signal": amounts.signal_of(run),
        "signal_words": amounts.signal_words(run), "budget": amounts.budget_of(run), "amounts": amounts.facts(run),
        "staged": bool(run.ledger or run.result.get("stages")), "panels": panels(run, alarms),
        "generations": figures.generations_of(run), "rolled": figures.rolled_back(run),
        "rerun": visible(rerun_command(run.job)), "recipe": pretty(run.manifest.get("recipe")), "job": pretty(run.job),
        "versions": [(visible(str(k)), visible(str(v))) for k, v in versions.items()],
        "digest": visible(str(run.manifest.get("digest", ""))), "folder": visible(run.folder.resolve().name),
        "held": len(held["questions"]), "trained": len(trained["groups"]), "trained_attempts": trained["attempts"],
        "plain": [plain(one, table) for one in confident[:12]], "limit": strings.limit,
        "data": embed({"texts": table, "held": held, "training": trained}),
    }  # fmt: skip


def expected(told: Mapping[str, Any]) -> str:
    """What the forecast said, and why, as a sentence."""
    why = visible(str(told.get("why") or "")).rstrip(".")
    head = "A gain was expected" if told.get("help") else "No gain was expected"
    return f"{head}: {why}." if why else f"{head}."


def plain(one: Mapping[str, Any], table: list[str]) -> tuple[str, list[list[tuple[str, int, Any]]]]:
    """A question for readers without scripts: its text, and the answers of each side with how often and whether right."""
    return table[one["q"]][:300], [[(table[n][:60], times, right) for n, times, right in side[:4]] for side in one["c"]]


def pretty(value: Any) -> str:
    """JSON as people read it."""
    return visible(json.dumps(clean(value), indent=1, ensure_ascii=False))
