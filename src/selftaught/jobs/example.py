"""One prompt, one reply, and what becomes of it: the first thing to look at when numbers look wrong."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from selftaught.coroutines import finished
from selftaught.jobs.job import Job
from selftaught.jobs.session import open_session
from selftaught.parts import BadInput
from selftaught.protocols import TextModel
from selftaught.recipes import ASKING
from selftaught.shown import visible


def example(say: Callable[[str], None] = lambda line: None, **job: Any) -> dict[str, str]:
    """One development task asked once, as the stated sampler would.

    Returns:
        model, task_source, prompt (special tokens visible), reply, ended (why the reply ended), answer_read,
        right_answer and graded, all as text.

    Raises:
        BadInput: when model or tasks cannot be opened, or the model is not asked in words.
    """
    with tempfile.TemporaryDirectory() as folder:
        session = open_session(Job(recipe=ASKING, **job), Path(folder) / "run")
        try:
            return finished(lambda: shown(session, say))
        finally:
            session.close()


async def shown(session: Any, say: Callable[[str], None]) -> dict[str, str]:
    """See `example`."""
    run, tasks = session.run, session.splits["development"]
    if "text" not in run.model.capabilities:
        raise BadInput("this model is asked without words: there is no prompt to show")
    try:
        await session.prepare(say)
    except BadInput as unread:
        # That nothing can be read is what this command is to show.
        say(str(unread))
    task = tasks[0]
    [group] = await run.draw([task], 1, run.settings, "policy", "example", session.job.evaluation_seed)
    [attempt] = group.attempts_G
    [grade] = await run.check(task, [attempt.text], "evaluate", gold=True)
    entry = task.sealed.open(run.grader.reader("evaluate", task)) if task.sealed else {}
    answer = run.answer(attempt.text, task)
    return {
        "model": session.job.model or "sprout", "task_source": task.source,
        "prompt": visible(cast(TextModel, run.model).shown(task.messages)),
        "reply": visible(attempt.text), "ended": attempt.error or attempt.stop,
        "answer_read": "none" if answer is None else visible(f"{answer}   (as {run.format.answer})"),
        "right_answer": visible(str(entry["answer"])) if "answer" in entry else "none is known",
        "graded": "not graded" if grade != grade else f"{grade:g}",
    }  # fmt: skip
