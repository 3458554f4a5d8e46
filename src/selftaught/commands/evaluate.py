"""`selftaught evaluate`: accuracy of a model."""

from dataclasses import dataclass

from selftaught.commands.shared import Common, job_of, percent
from selftaught.progress import Progress


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
    read = percent(result["answered"])
    print(
        f"{result['model']} on {result['tasks']} tasks: {percent(result['value'])} sampled; an answer was read from {read} of the attempts"
    )
    for name, value in result["baselines"].items():
        print(f"  {name:<18}{percent(value):>7}")
    for k, value in result["pass_at"].items():
        print(f"  {'pass@' + k:<18}{percent(value):>7}")
    if options.json:
        emit(result)
    return 0
