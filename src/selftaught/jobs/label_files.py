"""What `selftaught label` reads and writes: a run's held-out attempts, and labels that survive a crash."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from selftaught.jobs.labels import Key, Question, plan
from selftaught.parts import BadInput
from selftaught.run.files import OtherVersion, append_line, parsed, sync, write_whole
from selftaught.shown import visible

MOST_SHOWN = 4000


def read_questions(run: Path) -> list[Question]:
    """The held-out tasks of a run folder; raises BadInput where it has none, or a line is malformed."""
    path = run / "held_out.jsonl"
    if not path.exists():
        raise BadInput(f"{run} has no held_out.jsonl, so there is nothing to label: give the folder of a finished run with a gate")
    rows = []
    for count, line in enumerate(path.read_bytes().split(b"\n"), 1):
        try:
            rows += [parsed(line, path)] if line else []
        except OtherVersion:
            raise
        except ValueError:
            raise damaged(path, count) from None
    return questions_of(rows, path)


def damaged(path: Path, count: int) -> BadInput:
    """What is said of a line that is no held-out task."""
    return BadInput(f"{path}, line {count}: not a held-out task with its attempts: measure the run again")


def questions_of(rows: Iterable[Mapping[str, Any]], path: Path) -> list[Question]:
    """The rows of a held_out.jsonl, which is or will be at `path`, as questions; raises BadInput as `read_questions` does."""
    questions = []
    for count, row in enumerate(rows, 1):
        try:
            sides = [[(a["answer"], a.get("right")) for a in row[side]] for side in ("start", "result")]
            known = {answer: int(right) for side in sides for answer, right in side if answer is not None and right is not None}
            answers = [tuple(None if a is None else str(a) for a, _ in side) for side in sides]
            questions.append(Question(str(row["task"]), str(row["text"]), answers[0], answers[1], known))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise damaged(path, count) from None
    questions = [q for q in questions if q.start and q.result]
    if not questions:
        raise BadInput(
            f"{path}: no task was attempted by both sides, so there is nothing to label: let the run measure its result, or give another"
        )
    if not any(answer is not None for q in questions for answer in (*q.start, *q.result)):
        raise BadInput(f"{path}: no attempt marks an answer (#### ANSWER, or boxed), so there is nothing to label: give another run")
    return questions


def labels_wanted(run: Path, rows: Iterable[Mapping[str, Any]] | None = None) -> tuple[str, int | None]:
    """Why a run whose held-out tasks nobody can grade is not tested, and how many labels would settle it (None: no number would).

    `rows` are those of its held_out.jsonl, where that is not yet written.
    """
    try:
        wanted = plan(read_questions(run) if rows is None else questions_of(rows, run / "held_out.jsonl"))
    except BadInput as error:
        return f"nobody can grade these held-out tasks, and labels would not help ({error})", None
    return f"nobody can grade these held-out tasks; {wanted.sentence()} (selftaught label {run})", wanted.labels


def read_labels(path: Path) -> dict[Key, int | None]:
    """Labels by (task, answer), the last one of each; a last line that was cut short is left out.

    Raises:
        BadInput: another line that is no label.
    """
    labels: dict[Key, int | None] = {}
    lines = path.read_bytes().split(b"\n") if path.exists() else []
    for count, line in enumerate(lines, 1):
        if not line:
            continue
        try:
            row = parsed(line, path)
            labels[str(row["task"]), str(row["answer"])] = {1: 1, 0: 0, None: None}[row["right"]]
        except OtherVersion:
            raise
        except (ValueError, KeyError, TypeError):
            if count < len(lines):
                raise BadInput(f"{path}, line {count}: not a label: mend or delete the line") from None
    return labels


def write_label(path: Path, question: Question, answer: str, right: int | None) -> None:
    """Append one label and wait until it is on the disk; what a crash left of a line is dropped. Raises NotWritten."""
    whole = path.read_bytes() if path.exists() else b""
    if not whole.endswith(b"\n") and whole:
        write_whole(path, whole[: whole.rfind(b"\n") + 1])
    append_line(path, {"task": question.task, "answer": answer, "right": right})
    sync(path)


def plain(text: str, most: int = MOST_SHOWN) -> str:
    """Text as a terminal can be given it, cut where it is very long."""
    return visible(text[:most]) + (f" ... ({len(text) - most} more characters)" if len(text) > most else "")
