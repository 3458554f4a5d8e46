"""`selftaught solve`: answer one question."""

from dataclasses import dataclass
from typing import Annotated

import tyro

from selftaught.commands.shared import Common, job_of


@dataclass(kw_only=True)
class Options(Common):
    """Answer one question.

    Attributes:
        question: the question.
        with_: the recipe whose test-time method answers.
    """

    question: tyro.conf.Positional[str]
    with_: Annotated[str, tyro.conf.arg(name="with")] = "self-consistency"


def run(options: Options) -> int:
    """Print the reply to a question."""
    from selftaught import api
    from selftaught.cli import emit
    from selftaught.progress import Progress

    job = job_of(options, {})
    job.pop("recipe", None)
    result = api.solve(options.question, recipe=options.with_, say=Progress().say, **job)
    print(result["text"])
    if options.json:
        emit(result)
    return 0
