"""`selftaught show-prompt`: what a model is asked, what it says, and what is read from that."""

from dataclasses import dataclass

from selftaught.commands.progress import Progress
from selftaught.commands.shared import Common, job_of
from selftaught.shown import tell


@dataclass(kw_only=True)
class Options(Common):
    """Show one prompt as the model gets it, special tokens and all, one reply, the answer read from it, and the right one.

    Attributes:
        adapter: "lora" opens the model with an adapter, as improve would.
    """

    adapter: str = ""


def run(options: Options) -> int:
    """Print prompt, reply, what was read and what it was compared with."""
    from selftaught.cli import emit
    from selftaught.jobs.example import example

    shown = example(say=Progress().say, **job_of(options, {}))
    for name, text in shown.items():
        if name != "model":
            tell(f"--- {name.replace('_', ' ')} ---", *text.split("\n"), "")
    if options.json:
        emit(shown)
    return 0
