"""`selftaught label`: grade held-out answers by hand, blind to which side wrote them."""

import sys
from dataclasses import dataclass
from typing import Annotated

import tyro

from selftaught.parts import BadInput
from selftaught.shown import tell

HELP = "y = right, n = wrong, s = skip, q = stop here"


@dataclass(kw_only=True)
class Options:
    """Grade held-out answers by hand, one at a time, without being told which side gave them.

    Every label is kept at once in RUN/labels.jsonl; start again to go on. At the end the change is told with its interval.

    Attributes:
        run: a run folder.
        count: most labels to give now; 0 for all that wait.
        json: print one JSON object as the last line of standard output.
    """

    run: tyro.conf.Positional[str]
    count: int = 0
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False


def run(options: Options) -> int:
    """Ask for labels on standard input, then print what they show."""
    from pathlib import Path

    from selftaught.cli import emit
    from selftaught.jobs.label_files import plain, read_labels, read_questions, write_label
    from selftaught.jobs.labels import estimate, plan, queue

    if options.count < 0:
        raise BadInput(f"label: --count {options.count}: give a number of labels, or leave it out for all that wait")
    folder = Path(options.run)
    questions, path = read_questions(folder), folder / "labels.jsonl"
    labels, planned = read_labels(path), plan(questions)
    waiting = list(queue(questions, labels, planned.attempts))
    say = f"{len(waiting)} answers wait for a label; {planned.sentence()}. {HELP}." if waiting else "No answer waits for a label."
    tell(say, error=True)
    last = ""
    for count, (question, answer) in enumerate(waiting[: options.count or None], 1):
        if question.task != last:
            tell("", "-" * 60, *plain(question.text).split("\n"), error=True)
        last = question.task
        tell("", f"  answer: {plain(answer)}", error=True)
        said = ask(f"  [{count}/{len(waiting)}] right? (y/n/s/q) ")
        if said == "q":
            break
        labels[question.task, answer] = {"y": 1, "n": 0, "s": None}[said]
        write_label(path, question, answer, labels[question.task, answer])
    found = estimate(questions, labels, planned.attempts)
    if not labels and not found["waiting"]:
        # the run has said this already, from all of its attempts: no second number for it
        found |= dict.fromkeys(("value", "low", "high")) | {"sentence": f"Every answer is graded without labels: see {folder}/report.html."}
    tell("", found["sentence"])
    if found["skipped"]:
        tell(f"  {found['skipped']} skipped; tasks with a skipped answer are left to the predictions")
    if options.json:
        emit(found | {"run": str(folder)})
    return 0


def ask(prompt: str) -> str:
    """y, n, s or q; the end of the input and Ctrl-C are q."""
    while True:
        tell(prompt, end="", error=True)
        try:
            line = sys.stdin.readline()
        except KeyboardInterrupt:
            line = ""
        said = line.strip().lower()[:1] if line else "q"
        if said in ("y", "n", "s", "q") and said:
            return said
        tell(f"  {HELP}", error=True)
