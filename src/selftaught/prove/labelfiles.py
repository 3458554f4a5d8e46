"""What `selftaught label` reads and writes: a run's held-out attempts, and labels that survive a crash."""

import json
import os
from pathlib import Path

from selftaught.parts import BadInput
from selftaught.prove.labels import Key, Question, plan

MOST_SHOWN = 4000


def read_questions(run: Path) -> list[Question]:
    """The held-out tasks of a run folder; raises BadInput where it has none, or a line is malformed."""
    path = run / "held_out.jsonl"
    if not path.exists():
        raise BadInput(f"{run} has no held_out.jsonl, so there is nothing to label: give the folder of a finished run with a gate")
    questions = []
    for count, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            sides = [[(a["answer"], a.get("right")) for a in row[side]] for side in ("start", "result")]
            known = {answer: int(right) for side in sides for answer, right in side if answer is not None and right is not None}
            answers = [tuple(None if a is None else str(a) for a, _ in side) for side in sides]
            questions.append(Question(str(row["task"]), str(row["text"]), answers[0], answers[1], known))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise BadInput(f"{path}, line {count}: not a held-out task with its attempts: measure the run again") from None
    questions = [q for q in questions if q.start and q.result]
    if not questions:
        raise BadInput(f"{path}: no task was attempted by both sides, so there is nothing to label")
    if not any(answer is not None for q in questions for answer in (*q.start, *q.result)):
        raise BadInput(f"{path}: no attempt marks an answer (#### ANSWER, or boxed), so there is nothing to label")
    return questions


def labels_wanted(run: Path) -> tuple[str, int | None]:
    """Why a run whose held-out tasks nobody can grade is not tested, and how many labels would settle it (None: no number would)."""
    try:
        wanted = plan(read_questions(run))
    except BadInput as error:
        return f"nobody can grade these held-out tasks, and labels would not help ({error})", None
    return f"nobody can grade these held-out tasks; {wanted.sentence()} (selftaught label {run})", wanted.labels


def read_labels(path: Path) -> dict[Key, int | None]:
    """Labels by (task, answer), the last one of each; a last line that was cut short is left out.

    Raises:
        BadInput: another line that is no label.
    """
    labels: dict[Key, int | None] = {}
    lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else []
    for count, line in enumerate(lines, 1):
        if not line:
            continue
        try:
            row = json.loads(line)
            labels[str(row["task"]), str(row["answer"])] = {1: 1, 0: 0, None: None}[row["right"]]
        except (ValueError, KeyError, TypeError):
            if count < len(lines):
                raise BadInput(f"{path}, line {count}: not a label: mend or delete the line") from None
    return labels


def write_label(path: Path, question: Question, answer: str, right: int | None) -> None:
    """Append one label and wait until it is on the disk; what a crash left of a line is dropped."""
    line = json.dumps({"task": question.task, "answer": answer, "right": right})
    whole = path.read_bytes() if path.exists() else b""
    with path.open("r+b" if path.exists() else "wb") as file:
        file.truncate(whole.rfind(b"\n") + 1)
        file.seek(0, os.SEEK_END)
        file.write(line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def plain(text: str, most: int = MOST_SHOWN) -> str:
    """Text that a terminal prints as it is: what could steer it, hide or turn characters around is written out."""
    cut = text[:most]
    shown = "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in cut.replace("\t", "    "))
    return shown + (f" ... ({len(text) - most} more characters)" if len(text) > most else "")
