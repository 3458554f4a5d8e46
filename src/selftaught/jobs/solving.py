"""One question through a recipe's test-time method, or a finished run's with what it has become."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from selftaught.coroutines import finished
from selftaught.jobs.asking import choose_wording
from selftaught.jobs.checkpoints import Which, find_checkpoint
from selftaught.jobs.job import Job
from selftaught.jobs.session import Session, open_session
from selftaught.parts import BadInput
from selftaught.recipes import ASKING
from selftaught.run.folder import holds_run
from selftaught.run.hashes import load_whole
from selftaught.run.method import Method
from selftaught.types import Task


def solve(
    question: str, *, recipe: str = ASKING, say: Callable[[str], None] = lambda line: None, **job: Any
) -> dict[str, Any]:  # fmt: skip
    """Answer one question with a recipe's test-time method: explore, read, decide.

    A model without a chat template is asked in the wording under which most attempts at the question give an answer.

    Args:
        question: the question.
        recipe: whose method answers; the folder of a run for that run's, with the weights and the memory it handed back.
        say: called with one line for people about what was chosen.
        job: fields of a `Job`.

    Returns:
        text and answer of the attempt decided on, how many attempts there were, how many of them give that answer, and the
        ledger.
    """
    import tempfile

    if not question.strip():
        raise BadInput("there is no question: write one, such as selftaught solve 'What is 3 times 4?'")
    with tempfile.TemporaryDirectory() as folder:
        session = opened(recipe, Path(folder) / "run", job)
        try:
            for line in session.warnings:
                say(line)
            return finished(lambda: solve_session(session, question, say))
        finally:
            session.close()


def opened(recipe: str, place: Path, job: dict[str, Any]) -> Session:
    """A session in `place` whose method is a recipe's, or a run's."""
    if not holds_run(Path(recipe)):
        return open_session(Job(recipe=recipe, gate=False, **job), place)
    if given := [name for name, value in job.items() if value != getattr(Job(), name)]:
        raise BadInput(f"{recipe} answers as it was asked when it ran: leave out --{given[0].replace('_', '-')}")
    return reopened(Path(recipe), "best", place)


def reopened(run: Path, which: Which, place: Path) -> Session:
    """A session beside a run, in `place`, with what the run was at its start, or what it handed back; the run is not touched."""
    found = find_checkpoint(str(run), which)
    assert found.generation
    session = open_session(replace(found.job, gate=False, gate_share=None, off_task=()), place)
    try:
        generation, model = found.generation, session.run.model
        session.run.states |= finished(lambda: load_whole(generation, model, checked=True))["state"]
    except BaseException:
        session.close()
        raise
    return session


async def solve_session(session: Session, question: str, say: Callable[[str], None]) -> dict[str, Any]:
    """One question through the recipe's method."""
    from selftaught.tasks.text import make_task

    run = session.run
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
