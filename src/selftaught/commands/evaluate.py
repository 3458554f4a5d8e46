"""`selftaught evaluate`: accuracy of a model."""

from dataclasses import dataclass

from selftaught.commands.progress import Progress
from selftaught.commands.shared import Common, job_of, percent
from selftaught.shown import tell

NAMES = {
    "greedy": "greedy", "best_temperature": "best decoding (chosen on development tasks)", "vote_k": "vote of {k}",
    "best_of_k": "best of {k} by log-probability",
}  # fmt: skip


@dataclass(kw_only=True)
class Options(Common):
    """Measure a model on tasks with answers.

    Attributes:
        count: how many tasks.
    """

    count: int = 200


def run(options: Options) -> int:
    """Print the accuracy of a model."""
    from selftaught import api
    from selftaught.cli import emit

    result = api.evaluate(count=options.count, say=Progress().say, **job_of(options, {}))
    read, marks = percent(result["answered"]), result["intervals"]
    said = f"an answer was read from {read} of the attempts"
    if result["value"] is None:
        tell(f"{result['model']}: not measured, as no task comes with an answer or a rule that grades it; {said}")
    else:
        tell(f"{result['model']} on {result['tasks']} tasks: {percent(result['value'])} sampled; {said}")
        rows = {words.format(k=marks[name]["k"]): result["baselines"][name] for name, words in NAMES.items()}
        rows |= {f"pass@{k}": value for k, value in result["pass_at"].items()}
        for words, value in rows.items():
            tell(f"  {words:<44}{percent(value):>7}")
    if options.json:
        emit(result)
    return 0
