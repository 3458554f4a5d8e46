"""`selftaught chat`: before and after, side by side."""

import sys
from dataclasses import dataclass

import tyro


@dataclass(kw_only=True)
class Options:
    """Talk to the model before and after a run, side by side.

    Attributes:
        run: a run folder.
        temperature: 0 is greedy.
    """

    run: tyro.conf.Positional[str]
    temperature: float = 0.0


def run(options: Options) -> int:
    """Read questions from standard input, answer each before and after."""
    from selftaught.chat import replies

    both = replies(options.run, sys.stdin, options.temperature)
    print("Ask something (an empty line ends). The model before is on the left, after on the right.", file=sys.stderr)
    for before, after in both:
        print(f"  before: {before}\n  after:  {after}", flush=True)
    return 0
