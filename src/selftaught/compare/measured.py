"""Measures of a finished run or of a model, in a process of its own.

`python -m selftaught.compare.measured SPEC`: SPEC is JSON with `measures`, the `folder` to write measured.json into, and the `run`
that is looked at, or the `model` with the fields of `jobs.job.Job` it is asked by. What was measured stands there value by value.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from selftaught.parts import BadInput, named
from selftaught.shown import tell


def measured(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Measure -> side (or baseline) -> values."""
    from selftaught.jobs.measuring import of_model, of_run

    asked = {text: named("measure", text) for text in spec["measures"]}
    if "run" in spec:
        found = of_run(asked, Path(spec["run"]))
    else:
        job = {key: tuple(value) if isinstance(value, list) else value for key, value in spec["job"].items()}
        found = {text: of_model(measure, spec["model"], job.pop("tasks"), job, lambda line: None) for text, measure in asked.items()}
    return {text: {side: value.per_item.tolist() for side, value in sides.items()} for text, sides in found.items()}


def main() -> None:
    """Entry point; exits with 2 on bad input and 130 when interrupted."""
    from selftaught.run.files import write_json

    spec = json.loads(sys.argv[1])
    try:
        write_json(Path(spec["folder"]) / "measured.json", measured(spec))
    except BadInput as error:
        tell(error, error=True)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
