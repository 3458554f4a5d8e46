"""One question through a recipe's test-time method."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from selftaught.coroutines import finished
from selftaught.jobs.asking import choose_wording
from selftaught.jobs.checkpoints import find_checkpoint
from selftaught.jobs.job import Job
from selftaught.jobs.session import Session, open_session
from selftaught.parts import BadInput
from selftaught.recipes import ASKING
from selftaught.run.hashes import load_whole
from selftaught.run.method import Method
from selftaught.types import Task


def solve(
    question: str, *, recipe: str = ASKING, say: Callable[[str], None] = lambda line: None, **job: Any
) -> dict[str, Any]:  # fmt: skip
    """Answer one question with a recipe's test-time method: explore, read, decide.

    A model without a chat template is asked in the wording under which most attempts at the question give an answer. Where the
    model is the folder of a run, its own job answers: its method, with the weights and what it remembers of its best generation.

    Args:
        question: the question.
        recipe: whose method answers; a run's own where the model is a run.
        say: called with one line for people about what was chosen.
        job: fields of a `Job`.

    Returns:
        text and answer of the attempt decided on, how many attempts there were, how many of them give that answer, and the
        ledger.
    """
    import tempfile

    if not question.strip():
        raise BadInput("there is no question: write one, such as selftaught solve 'What is 3 times 4?'")
    model = str(job.get("model", ""))
    of_run = find_checkpoint(model, "best") if (Path(model).expanduser() / "run.json").is_file() else None
    asked = replace(of_run.job, gate=False, off_task=(), forecast=False) if of_run else Job(recipe=recipe, gate=False, **job)
    with tempfile.TemporaryDirectory() as folder:
        session = open_session(asked, Path(folder) / "run")
        try:
            for line in session.warnings:
                say(line)
            return finished(lambda: solve_session(session, question, say, of_run.generation if of_run else None))
        finally:
            session.close()


async def solve_session(session: Session, question: str, say: Callable[[str], None], generation: Path | None = None) -> dict[str, Any]:
    """One question through the recipe's method, as it began or as it was saved with a generation."""
    from selftaught.tasks.text import make_task

    run = session.run
    if generation:
        run.states |= (await load_whole(generation, run.model, checked=True))["state"]
    task = recognized(question) or make_task(question, "asked", "train", None, "")
    await choose_wording(run, [task], session.job.seed, say)
    method = Method(run, run.settings, session.job.seed, "solve", purpose="train")
    [group] = await method.groups([task])
    attempt = await method.decided(group)
    answer, answers = run.answer(attempt.text, task), [run.answer(a.text, task) for a in group.attempts_G]
    found = {"text": attempt.text, "answer": answer, "attempts": len(answers), "agreed": answers.count(answer)}
    return found | run.ledger.summary()


def recognized(question: str) -> Task | None:
    """The question as a task of an own family, which brings its rule checker."""
    from selftaught.tasks.own import families
    from selftaught.tasks.text import make_task

    for name, cls in families().items():
        if cls.read(question) is not None:
            return make_task(question, name, "train", None, "rule" if cls.signal == "rule" else "", cls.numeric, cls.reads)
    return None
