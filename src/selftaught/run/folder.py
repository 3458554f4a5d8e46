"""The run folder: what a run leaves behind, and what it resumes from.

run.json            the resolved recipe, settings, seeds and versions
journal.bin         every reply, one record a wave (see `run.journal`)
steps.jsonl         numbers of each step
attempts.jsonl      a sample of attempts with their scores, for the report
generations/NNNN/   all weights, optimizer states and part states of a saved version
latest.json         which generation is start, latest and best, and two older ones (sure, waiting) for when an alarm is raised
forecast.json       what was expected before anything was spent
gate.json           how much is drawn for the verdict, where that is a share of the run
start.json          the start as the gate measured it, before anything was learned
held_out.json       means of each held-out task before and after
held_out.jsonl      attempts at each held-out task before and after, for the report and for labels
ledger.json         every row of the ledger
result.json         the verdict
report.html         all of it for people
"""

import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from selftaught.models.base import Model
from selftaught.parts import BadInput
from selftaught.run.journal import Journal
from selftaught.types import Group

VERSION = 3
SHOWN_GROUPS = 6
# An alarm comes after three steps of a mean over four: what is this many steps older was saved before the trouble.
LAG = 8


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file whole or not at all."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(value, indent=1, default=float) + "\n")
    os.replace(part, path)


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a JSON-lines file whole or not at all."""
    part = path.with_suffix(".part")
    with part.open("w") as lines:
        lines.writelines(json.dumps(row, default=float) + "\n" for row in rows)
    os.replace(part, path)


class RunFolder:
    """One run's folder. Runs never share one: an existing run is resumed or refused."""

    def __init__(self, path: Path, resume: bool = False) -> None:
        self.check(path, resume)
        path.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.journal = Journal(path / "journal.bin")
        self.mark_best = False
        pointers = path / "latest.json"
        self.pointers: dict[str, str] = json.loads(pointers.read_text()) if pointers.exists() else {}

    @staticmethod
    def check(path: Path, resume: bool) -> None:
        """Raises BadInput when a new run would meet an old one, or an old one is not there; touches nothing."""
        if (path / "run.json").exists() and not resume:
            raise BadInput(f"{path} already holds a run: give --resume to go on with it, or another --out")
        if resume and not (path / "run.json").exists():
            raise BadInput(f"{path} holds no run to resume: leave out --resume")

    def has(self, which: str) -> bool:
        """Whether a generation of that name (start, latest, best) is saved."""
        return which in self.pointers

    def generation(self, which: str) -> Path:
        """Folder of a saved generation."""
        return self.path / "generations" / self.pointers[which]

    async def save(self, model: Model, snapshot: Mapping[str, Any]) -> None:
        """Write a generation beside the others, then point at it; drop those nothing points at."""
        name = f"{snapshot['position']:05d}"
        folder = self.path / "generations" / name
        part = folder.with_suffix(".part")
        for old in (part, folder):
            shutil.rmtree(old, ignore_errors=True)
        part.mkdir(parents=True)
        await model.save(part)
        write_json(part / "state.json", {"version": VERSION, **snapshot})
        part.rename(folder)
        pointers = {which: self.pointers.get(which, name) for which in ("start", "best", "sure", "waiting")}
        # Two more are kept for an alarm: one that is old enough to be trusted, and the one that will be next.
        if snapshot["position"] - int(pointers["waiting"]) >= LAG:
            pointers |= {"sure": pointers["waiting"], "waiting": name}
        self.pointers = pointers | {"latest": name} | ({"best": name} if self.mark_best else {})
        self.mark_best = False
        write_json(self.path / "latest.json", self.pointers)
        for other in folder.parent.iterdir():
            if other.name not in self.pointers.values():
                shutil.rmtree(other)

    async def load(self, which: str, model: Model) -> dict[str, Any]:
        """Load a generation's weights into the model; returns its snapshot."""
        folder = self.generation(which)
        saved: dict[str, Any] = json.loads((folder / "state.json").read_text())
        if saved["version"] != VERSION:
            raise BadInput(f"{folder} was written by another version of selftaught ({saved['version']}): start a new run")
        await model.load(folder)
        return saved

    def discard(self) -> None:
        """Remove what a run that was refused has written; whatever else lies in the folder stays."""
        for name in ("run.json", "journal.bin", "latest.json", "forecast.json"):
            (self.path / name).unlink(missing_ok=True)
        shutil.rmtree(self.path / "generations", ignore_errors=True)
        if not any(self.path.iterdir()):
            self.path.rmdir()

    def append(self, name: str, row: Mapping[str, Any]) -> None:
        """One line more in a jsonl file."""
        with (self.path / name).open("a") as lines:
            lines.write(json.dumps(row, default=float) + "\n")

    def write_step(self, numbers: Mapping[str, float]) -> None:
        """Log a step's numbers."""
        self.append("steps.jsonl", numbers)

    def write_held_out(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write one line a held-out task: {task, text, source, start, result}, the last two lists of attempts.

        An attempt is {text, answer, right (1, 0 or None), logprob (mean a token, nats), tokens ([text, logprob] pairs)}.
        The file is written whole or not at all.
        """
        write_lines(self.path / "held_out.jsonl", rows)

    def write_ledger(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write the ledger's rows: {table, stage, role, purpose, kind, count}."""
        write_json(self.path / "ledger.json", rows)

    def write_groups(self, step: int, groups: Sequence[Group]) -> None:
        """Log a few groups of the step, evenly from all of them, as people read them; the journal holds the others."""
        for group in groups[:: max(1, len(groups) // SHOWN_GROUPS)][:SHOWN_GROUPS]:
            scores = {s.attempt: (s.value, s.source, s.note) for s in group.scores if s.name == "reward"}
            notes: dict[str, list[str]] = {}
            for s in group.scores:
                if s.note:
                    notes.setdefault(s.attempt, []).append(f"{s.judge}: {s.note}")
            attempts = [
                {
                    "id": a.id,
                    "text": a.text,
                    "role": a.role,
                    "view": a.view,
                    "parents": a.parents,
                    "stop": a.stop,
                    "score": scores.get(a.id),
                    "notes": notes.get(a.id, []),
                }
                for a in group.attempts_G
            ]
            self.append("attempts.jsonl", {"step": step, "task": group.task.text, "source": group.task.source, "attempts": attempts})

    def forget_after(self, step: int) -> None:
        """Drop log lines of steps that will be run again."""
        for name, limit in (("steps.jsonl", step + 1), ("attempts.jsonl", step)):
            path = self.path / name
            if path.exists():
                rows = [line for line in path.read_text().splitlines() if json.loads(line)["step"] < limit]
                path.write_text("".join(row + "\n" for row in rows))
