"""The command that runs a run again."""

import shlex
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from selftaught.jobs.job import Job

# Switches whose name on the command line is not the field's.
SPELLED = {"monitors": "alarms"}


def rerun_command(job: Mapping[str, Any]) -> str:
    """`selftaught improve RECIPE ...` with every field of the job that is not its default, quoted for a shell.

    Parsed again it gives the same job; a field that this version does not have is left out.
    """
    defaults = {f.name: f.default_factory() if f.default_factory is not MISSING else f.default for f in fields(Job)}
    words = ["selftaught", "improve", str(job.get("recipe", defaults["recipe"]))]
    for name, default in defaults.items():
        value = job.get(name)
        if value is None or name == "recipe" or same(value, default):
            continue
        if name == "options":
            for key, setting in sorted(value.items()):
                words += option(key, setting, of_recipe=True)
        else:
            words += option(SPELLED.get(name, name).replace("_", "-"), value)
    return shlex.join(words)


def same(value: Any, default: Any) -> bool:
    """Whether a saved value is the default; JSON has lists where a job has tuples."""
    return bool((tuple(value) if isinstance(value, list) else value) == default)


def option(name: str, value: Any, of_recipe: bool = False) -> list[str]:
    """Words of one option: `--name value`; lists are `--name a b` (a+b for a recipe's part), False is `--no-name` (false)."""
    if isinstance(value, bool) and not of_recipe:
        return [f"--{name}" if value else f"--no-{name}"]
    if isinstance(value, (list, tuple)):
        return [f"--{name}", "+".join(map(spelled, value))] if of_recipe else [f"--{name}", *map(spelled, value)]
    said = spelled(value)
    return [f"--{name}={said}"] if said.startswith("-") else [f"--{name}", said]


def spelled(value: Any) -> str:
    """A value as the command line reads it."""
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
