"""The job of a run that was started, as its folder holds it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from selftaught.jobs.job import Job
from selftaught.parts import BadInput
from selftaught.run.files import read_json

# What a field is called on the command line where that is another name.
SWITCHES = {"gate": "no-gate", "forecast": "no-forecast", "monitors": "no-alarms"}


def load_job(out: Path) -> Job:
    """The job of an existing run. Raises BadInput where there is none, or run.json is damaged."""
    return written_job(out, "job")


def continued(job: Job, out: Path) -> Job:
    """The job of the run in a folder, to go on with; what is asked for beside that must be what was asked for at its start.

    Raises:
        BadInput: names the first option that differs.
    """
    kept, asked = load_job(out), written_job(out, "asked", "job")
    for name in Job.__dataclass_fields__:
        given = getattr(job, name)
        if plain(given) not in (plain(getattr(Job(), name)), plain(getattr(asked, name)), plain(getattr(kept, name))):
            words = sorted(given) if name == "options" else [SWITCHES.get(name, name.replace("_", "-"))]
            raise BadInput(f"--resume goes on with the job that {out} holds, which was started otherwise: leave out --{words[0]}")
    return kept


def plain(value: Any) -> Any:
    """A field as JSON gives it back, numbers as text."""
    if isinstance(value, Mapping):
        return {name: str(each) for name, each in value.items()}
    return list(value) if isinstance(value, tuple) else value


def written_job(out: Path, *names: str) -> Job:
    """The job that stands under the first of these names in a run's run.json."""
    path = out / "run.json"
    if not path.exists():
        raise BadInput(f"{out} holds no run: give the folder of one (to start a new run, leave out --resume)")

    def read(value: Any) -> Job:
        saved = next(value[name] for name in names if name in value or name == names[-1])
        given: dict[str, Any] = {key: tuple(each) if isinstance(each, list) else each for key, each in saved.items()}
        made = Job(**given)
        # a recipe, or an option of one, that this version does not have
        made.resolved()
        return made

    found: Job = read_json(path, "bring it back from a copy, or start a new run with another --out", read)
    return found
