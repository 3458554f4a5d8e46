"""The run folder: what a run leaves behind, and what it resumes from.

run.json            the resolved recipe, settings, seeds and versions
journal.bin         every reply, one record a wave (see `run.journal`)
steps.jsonl         numbers of each step
attempts.jsonl      a sample of attempts with their scores, for the report
generations/NNNNN/  all weights, optimizer states and part states of a saved version, and a hash of each file; NAME.txt is
                    what of a state people can read (a memory)
latest.json         which generation is start, latest and best, and two older ones (sure, waiting) for when an alarm is raised
forecast.json       what was expected before anything was spent
gate.json           how much is drawn for the verdict, where that is a share of the run
start.json          the start as the gate measured it, before anything was learned
held_out.json       means of each held-out task before and after
held_out.jsonl      attempts at each held-out task before and after, for the report and for labels
ledger.json         every row of the ledger
result.json         the verdict
report.html         all of it for people

Each file says of which version it is, and each line of a log (see `run.files.SCHEMA`); a record of the journal says it by the sign
behind its key. A folder of an older version is gone on with, or it is said why not.
"""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from selftaught.parts import BadInput
from selftaught.run.files import append_line, keep_lines, write_json, write_lines
from selftaught.run.generations import Generations
from selftaught.run.journal import Journal
from selftaught.run.place import LOCK, Held, hold, names_in, refuse_foreign
from selftaught.types import Group

SHOWN_GROUPS = 6
# What a run that was killed before it began may have left.
BEGUN = frozenset({"run.json.part", "journal.bin"})


class RunFolder(Generations):
    """One run's folder. Runs never share one: an existing run is resumed or refused.

    Attributes:
        journal: every reply so far.
        held: the lock on the folder, where it is held.
        fresh: nothing was in the folder before.
    """

    def __init__(self, path: Path, resume: bool = False, held: Held | None = None) -> None:
        """Open a folder; `held` is let go of when it is closed. Raises BadInput as `check` does."""
        self.check(path, resume)
        path.mkdir(parents=True, exist_ok=True)
        super().__init__(path)
        self.held, self.fresh = held, not resume
        self.journal = Journal(path / "journal.bin", lambda line: self.say(line))

    @staticmethod
    def check(path: Path, resume: bool) -> None:
        """Raises BadInput when a new run would meet an old one, or an old one is not there; touches nothing."""
        names_in(path)
        if resume and not holds_run(path):
            raise BadInput(f"{path} holds no run to resume: to start one there, give the whole command beside --resume")
        if not resume and holds_run(path):
            raise BadInput(f"{path} already holds a run: give --resume to go on with it, or another --out")

    def discard(self) -> None:
        """Close, and remove what a new run that was refused has written; whatever else lies in the folder stays."""
        self.journal.close()
        if self.fresh:
            for name in ("run.json", "journal.bin", "latest.json", "forecast.json", LOCK):
                (self.path / name).unlink(missing_ok=True)
            shutil.rmtree(self.path / "generations", ignore_errors=True)
        self.close()

    def close(self) -> None:
        """Let go of the folder and its files; replay still works."""
        self.journal.close()
        if self.held:
            self.held.release()

    def append(self, name: str, row: Mapping[str, Any]) -> None:
        """One line more in a jsonl file. Raises NotWritten."""
        append_line(self.path / name, row)

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
        """Write the ledger's rows, under `rows`: {table, stage, role, purpose, kind, count}."""
        write_json(self.path / "ledger.json", {"rows": rows})

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
        """Drop log lines of steps that will be run again, and what a kill left of a last one. Raises BadInput for other damage."""
        keep_lines(self.path / "steps.jsonl", lambda row: row["step"] <= step)
        keep_lines(self.path / "attempts.jsonl", lambda row: row["step"] < step)


def hold_run(path: Path, resume: bool) -> Held:
    """Hold the folder of a run that is to begin, or to go on, before anything is spent.

    Raises:
        BadInput: the folder cannot be used, holds another run or what is not ours, or another process is at work in it.
    """
    RunFolder.check(path, resume)
    if not resume:
        refuse_foreign(path, "run", BEGUN)
    return hold(path)


def holds_run(path: Path) -> bool:
    """Whether a run has begun in a folder."""
    try:
        return (path / "run.json").is_file()
    except OSError:
        return False
