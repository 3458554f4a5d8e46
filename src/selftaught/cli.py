"""The command line. Options are declared as dataclasses; mistakes are one line and exit code 2."""

import atexit
import contextlib
import errno
import importlib
import io
import itertools
import json
import logging
import os
import re
import signal
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import fields
from typing import Any, NoReturn

import tyro

from selftaught.commands.readable import complaint, readable
from selftaught.parts import BadInput, nearest
from selftaught.shown import tell

# As shells say of a program that wrote to nobody.
READER_GONE = 141
COMMANDS = (
    "improve", "gate", "compare", "report", "label", "evaluate", "measure", "show-prompt", "solve", "chat", "list", "show", "doctor",
)  # fmt: skip
USAGE = """selftaught: a model teaches itself, and proves that it got better.

  selftaught improve [RECIPE]          let a model teach itself, and test whether it did
  selftaught gate BASE CANDIDATE       the same test for two checkpoints, adapters or score files from anywhere
  selftaught compare RECIPE...         recipes side by side at equal budgets, controls beside them
  selftaught report RUN                a run as one offline page
  selftaught label RUN                 grade held-out answers by hand, blind, where nothing else can
  selftaught evaluate                  accuracy of a model: sampled, greedy, best temperature, vote, pass@k
  selftaught measure NAME              one measure on a model, a run or a score file, with its interval
  selftaught show-prompt               what a model is asked, what it says, what is read from it and compared with
  selftaught solve "QUESTION"          answer one question with a recipe's test-time method
  selftaught chat RUN                  ask the model before and after a run the same questions
  selftaught list recipes|parts|tasks  what there is
  selftaught show NAME                 a recipe, part or task source in full
  selftaught doctor                    what this machine has, and whether everything works

Add --help to a command for its options."""


def parse(cls: type[Any], args: list[str], command: str, loose: bool) -> tuple[Any, dict[str, str]]:
    """Options of a command, and with `loose` the options it does not know, for the recipe; BadInput in one line."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            if not loose:
                return tyro.cli(readable(cls), args=args, prog=f"selftaught {command}"), {}
            parsed, rest = tyro.cli(readable(cls), args=args, prog=f"selftaught {command}", return_unknown_args=True)
    except SystemExit as stop:
        if stop.code == 0:
            raise
        text = re.sub(r"[^\x20-\x7e]+", " ", re.sub(r"\x1b\[[0-9;]*m", "", said.getvalue()))
        raise BadInput(f"{command}: {complaint(text, cls)}: write it as `selftaught {command} --help` says") from None
    return parsed, dict(pairs(list(rest), [f.name for f in fields(cls)]))


def pairs(rest: list[str], known: list[str]) -> list[tuple[str, str]]:
    """`--a.b 1 --c=2` as pairs; raises BadInput on words that belong to no option."""
    found = []
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            raise BadInput(f"unexpected '{word}': options begin with --, and only one RECIPE is given: leave it out")
        key, equals, value = word[2:].partition("=")
        if not equals:
            if not rest or rest[0].startswith("--"):
                near = nearest(key.replace("-", "_"), known)
                raise BadInput(f"unknown option --{key}: {near}" if "did you" in near else f"--{key} has no value: write --{key} VALUE")
            value = rest.pop(0)
        found.append((key, value))
    return found


def named(words_are: str, args: list[str]) -> list[str]:
    """Leading words as values of an option: an optional positional and unknown options do not go together."""
    words = list(itertools.takewhile(lambda word: not word.startswith("-"), args))
    return [f"--{words_are}", *words, *args[len(words) :]] if words else args


def main(argv: list[str] | None = None) -> None:
    """Entry point; exits with 2 on bad input."""
    args = list(sys.argv[1:] if argv is None else argv)
    if not args or args[0] in ("-h", "--help", "help"):
        tell(*USAGE.split("\n"))
        sys.exit(0 if args else 2)
    if args[0] == "--version":
        from importlib.metadata import version

        tell(version("selftaught"))
        sys.exit(0)
    try:
        if args[0] not in COMMANDS:
            raise BadInput(f"unknown command '{args[0]}': {nearest(args[0], COMMANDS)}")
        module = importlib.import_module(f"selftaught.commands.{args[0].replace('-', '_')}")
        # A command that says which option its first words are also takes the options of a recipe's parts.
        loose = hasattr(module, "WORDS")
        args[1:] = named(module.WORDS, args[1:]) if loose else args[1:]
        parsed, options = parse(module.Options, args[1:], args[0], loose)
        with one_line_warnings():
            code = module.run(parsed, options) if loose else module.run(parsed)
        sys.stdout.flush()
        leave(code)
    except BadInput as error:
        tell(f"selftaught: {error}", error=True)
        sys.exit(2)
    except BrokenPipeError:
        # A reader that has gone away (| head) ends the program quietly. The signal stays ignored: with it a checker that
        # died would take the whole run along when it is written to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(READER_GONE)
    except KeyboardInterrupt:
        # what was under way is not news
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
        leave(130)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        tell(f"selftaught: {error.filename or tempfile.gettempdir()}: {error.strerror}: make room there, and give it again", error=True)
        sys.exit(2)


def leave(code: int) -> NoReturn:
    """End with a code that stays what it is: Ctrl-C while Python is on its way out would kill it by the signal instead."""
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)
    sys.exit(code)


@contextlib.contextmanager
def one_line_warnings() -> Iterator[None]:
    """Warnings as one line for people, like everything else that is said."""
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *rest, **named: tell(f"warning: {' '.join(str(message).split())}", error=True)
        yield


def emit(value: dict[str, Any]) -> None:
    """The JSON line that scripts read."""
    tell(json.dumps(value, default=float).replace("\x7f", "\\u007f"))
