"""`selftaught chat`: the same questions before and after a run."""

import sys
from dataclasses import dataclass

import tyro

from selftaught.shown import tell


@dataclass(kw_only=True)
class Options:
    """Ask the model before and after a run the same questions.

    Attributes:
        run: a run folder.
        temperature: 0 is greedy.
    """

    run: tyro.conf.Positional[str]
    temperature: float = 0.0


def run(options: Options) -> int:
    """Read questions from standard input, answer each before and after."""
    from selftaught.jobs.chat import replies

    both = replies(options.run, sys.stdin, options.temperature)
    tell("Ask something (an empty line ends). Each question is answered by the model before the run, then by the one after it.", error=True)
    for before, after in both:
        for side, reply in (("before", before), ("after", after)):
            # no reply can begin a line that looks like the other's
            tell(*f"  {side + ':':<8}{reply}".replace("\n", f"\n{'':10}").split("\n"))
    return 0
