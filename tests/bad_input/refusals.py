"""What every bad input has to meet: exit code 2, one line that names it and says what to do, and nothing written or spent."""

import io
import os
import re
import shlex
import sys

import pytest

from selftaught.cli import main

# What a person can do about it stands in the line: an order, or what is known.
REMEDY = re.compile(
    r"\b(give|write|save|copy|leave|take|name|mend|delete|choose|use|try|say|start|bring|bind|run|untie|keep|convert|connect|"
    r"did you mean|known|must|needs?|put|expected|choose|choices|has no value|type matching|install|upgrade|change|check|number its|score the|decode the|within)\b"
)
SPENDERS = {"selftaught.models.scripted": "ScriptedModel", "selftaught.models.language.model": "LanguageModel"}


def seen(place):
    """{file: what would tell a write}; nothing is read, so that a folder of models costs nothing."""
    found = {}
    for entry in os.scandir(place):
        about = entry.stat(follow_symlinks=False)
        found[entry.path] = (about.st_mtime_ns, about.st_size, about.st_ino)
        if entry.is_dir(follow_symlinks=False):
            found |= seen(entry.path)
    return found


def refusal(words, monkeypatch, capsys, place):
    """The line with which a command is refused in a folder that stays as it is; nothing is sampled for it."""

    def spent(*given):
        raise AssertionError("attempts were drawn")

    # to import a model that nobody asks for takes longer than all that is tested here
    for module in SPENDERS.keys() & sys.modules.keys():
        monkeypatch.setattr(f"{module}.{SPENDERS[module]}.sample", spent)
    monkeypatch.setattr("selftaught.compare.sweep.Wanted.start", spent)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    before = seen(place)
    with pytest.raises(SystemExit) as end:
        main(shlex.split(words) if isinstance(words, str) else list(words))
    said = capsys.readouterr()
    assert end.value.code == 2 and not said.out, (end.value.code, said)
    lines = said.err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("selftaught: ") and lines[0].isprintable(), said.err
    assert REMEDY.search(said.err), f"no remedy: {said.err}"
    assert seen(place) == before
    return said.err.removeprefix("selftaught: ").strip()


def names(line, named):
    """Whether a line says what is meant, dashes and case aside."""
    return named.lower().replace("_", "-") in line.lower().replace("_", "-")


def cases(table):
    """pytest parameters of {command: {its last words: what the line names}}."""
    rows = [
        (f"{start} {words}", named, f"{start[:7]} {words}".strip()[:70]) for start, rows in table.items() for words, named in rows.items()
    ]
    return thinned([pytest.param(words, named, id=name) for words, named, name in rows])


def thinned(params):
    """Each fifth of them quick, for the default tests, the others slow: hundreds of commands take half a minute."""
    return [param if i % 5 == 0 else pytest.param(*param.values, id=param.id, marks=pytest.mark.slow) for i, param in enumerate(params)]
