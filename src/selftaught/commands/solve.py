"""`selftaught solve`: answer one question."""

from dataclasses import dataclass
from typing import Annotated

import tyro

from selftaught.commands.shared import Common, job_of
from selftaught.recipes import ASKING
from selftaught.shown import tell


@dataclass(kw_only=True)
class Options(Common):
    """Answer one question.

    Attributes:
        question: the question.
        with_: the recipe whose test-time method answers, or the folder of a run, which answers as it has become.
        work: print also the reply that the answer was read from.
    """

    question: tyro.conf.Positional[str]
    with_: Annotated[str, tyro.conf.arg(name="with")] = ASKING
    work: bool = False


def run(options: Options) -> int:
    """Print the answer to a question, and the reply it was read from where that is asked for or nothing could be read."""
    from selftaught import api
    from selftaught.cli import emit
    from selftaught.commands.progress import Progress

    job = job_of(options, {})
    job.pop("recipe", None)
    say = Progress().say
    result = api.solve(options.question, recipe=options.with_, say=say, **job)
    answer, attempts = result["answer"], result["attempts"]
    if answer is None:
        say(f"no answer could be read (as {job['answer']}); the reply as it is:")
    else:
        tell(answer)
        say(f"{result['agreed']} of {attempts} attempts give this answer" if attempts > 1 else "one attempt was made")
    if options.work or answer is None:
        tell(*result["text"].split("\n"))
    if options.json:
        emit(result)
    return 0
