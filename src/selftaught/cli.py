"""The command line. Options are declared as dataclasses; mistakes are one line and exit code 2."""

import contextlib
import io
import json
import re
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Annotated, Any

import tyro

from selftaught.parts import BadInput, nearest

USAGE = """selftaught: a model teaches itself, and proves that it got better.

  selftaught improve [RECIPE]          let a model teach itself, and test whether it did
  selftaught evaluate                  accuracy of a model: sampled, greedy, best temperature, vote, pass@k
  selftaught solve "QUESTION"          answer one question with a recipe's test-time method
  selftaught chat RUN                  talk to the model before and after, side by side
  selftaught list recipes|parts|tasks  what there is
  selftaught show NAME                 a recipe, part or task source in full
  selftaught doctor                    what this machine has, and whether everything works

Add --help to a command for its options."""

Positional = tyro.conf.Positional
Many = tyro.conf.UseAppendAction


@dataclass(kw_only=True)
class Common:
    """Options several commands share.

    Attributes:
        model: a transformers folder or a hub id; the model that ships (sprout) when left out.
        tasks: task sources: sums:level=5, gym:chain_sum, file.jsonl, a data-set id.
        seed: seed of everything that is drawn.
        temperature: the stated sampler's temperature.
        max_tokens: length limit of an attempt in tokens.
        json: print one JSON object as the last line of standard output.
    """

    model: str = ""
    tasks: tuple[str, ...] = ()
    seed: int = 0
    temperature: float = 1.0
    max_tokens: int = 64
    json: bool = False


@dataclass(kw_only=True)
class Improve(Common):
    """Let a model teach itself on tasks without labels, then test on held-out tasks whether it got better.

    Options of the recipe's parts are reachable by name (--explore.n 16, --optimizer.lr 1e-5), and parts can be swapped
    (--explore sample). `selftaught show RECIPE` lists them.

    Attributes:
        recipe: name of the recipe, or name/preset.
        held_out: where held-out tasks come from; the training sources when left out.
        budget: most tokens to spend (prompted, sampled, scored and trained).
        steps: steps of every phase.
        adapter: "lora" trains an adapter instead of the weights.
        out: run folder; a new one under runs/ when left out.
        resume: go on with the run in --out.
        dry_run: say what it would do and cost, and stop.
        gate: --no-gate runs without held-out tasks, and so without a verdict.
        held_out_count: how many held-out tasks decide.
        evaluation_seed: seed of the held-out tasks and their noise.
        without: replace a pillar by its plain form: explore, supervise, reflect or train.
    """

    recipe: Annotated[Positional[str], tyro.conf.arg(metavar="[RECIPE]")] = "selftaught"
    held_out: tuple[str, ...] = ()
    budget: int | None = None
    steps: int | None = None
    adapter: str = ""
    out: str = ""
    resume: bool = False
    dry_run: bool = False
    gate: bool = True
    held_out_count: int = 200
    evaluation_seed: int = 1
    without: str = ""


@dataclass(kw_only=True)
class Evaluate(Common):
    """Measure a model on tasks with answers.

    Attributes:
        count: how many tasks.
    """

    count: int = 200


@dataclass(kw_only=True)
class Solve(Common):
    """Answer one question.

    Attributes:
        question: the question.
        with_: the recipe whose test-time method answers.
    """

    question: Positional[str]
    with_: Annotated[str, tyro.conf.arg(name="with")] = "self-consistency"


@dataclass(kw_only=True)
class Chat:
    """Talk to the model before and after a run, side by side.

    Attributes:
        run: a run folder.
        temperature: 0 is greedy.
    """

    run: Positional[str]
    temperature: float = 0.0


@dataclass(kw_only=True)
class List:
    """List what there is.

    Attributes:
        what: recipes, parts or tasks.
        json: print one JSON line.
    """

    what: Positional[str]
    json: bool = False


@dataclass(kw_only=True)
class Show:
    """Show a recipe, part or task source in full.

    Attributes:
        name: its name.
    """

    name: Positional[str]


@dataclass(kw_only=True)
class Doctor:
    """Check this machine."""


def parse(cls: type[Any], args: list[str], command: str, loose: bool) -> tuple[Any, dict[str, str]]:
    """Options of a command, and with `loose` the options it does not know, for the recipe; BadInput in one line."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            if not loose:
                return tyro.cli(cls, args=args, prog=f"selftaught {command}"), {}
            parsed, rest = tyro.cli(cls, args=args, prog=f"selftaught {command}", return_unknown_args=True)
    except SystemExit as stop:
        if stop.code == 0:
            raise
        text = re.sub(r"[^\x20-\x7e]+", " ", re.sub(r"\x1b\[[0-9;]*m", "", said.getvalue()))
        text = re.sub(r"\s+", " ", text.split("For full helptext")[0].split("Got errors")[0])
        line = re.sub(r"^(Value|Parsing) error ", "", text.strip(" -:")).strip(" -:")
        raise BadInput(f"{command}: {line or 'bad arguments'}") from None
    return parsed, dict(pairs(list(rest), [f.name for f in fields(cls)]))


def pairs(rest: list[str], known: list[str]) -> list[tuple[str, str]]:
    """`--a.b 1 --c=2` as pairs; raises BadInput on words that belong to no option."""
    found = []
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            raise BadInput(f"unexpected '{word}': options begin with --, and only one RECIPE is given")
        key, equals, value = word[2:].partition("=")
        if not equals:
            if not rest or rest[0].startswith("--"):
                raise BadInput(f"unknown option --{key}: {nearest(key.replace('-', '_'), known)}")
            value = rest.pop(0)
        found.append((key, value))
    return found


def main(argv: list[str] | None = None) -> None:
    """Entry point; exits with 2 on bad input."""
    from selftaught import commands

    if hasattr(signal, "SIGPIPE"):
        # A reader that has gone away (| head) ends the program quietly.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    args = list(sys.argv[1:] if argv is None else argv)
    table: dict[str, tuple[type[Any], Callable[..., int], bool]] = {
        "improve": (Improve, commands.improve, True), "evaluate": (Evaluate, commands.evaluate, False),
        "solve": (Solve, commands.solve, False), "chat": (Chat, commands.chat, False), "list": (List, commands.list_, False),
        "show": (Show, commands.show, False), "doctor": (Doctor, commands.doctor, False),
    }  # fmt: skip
    if not args or args[0] in ("-h", "--help", "help"):
        print(USAGE)
        sys.exit(0 if args else 2)
    if args[0] == "--version":
        from importlib.metadata import version

        print(version("selftaught"))
        sys.exit(0)
    try:
        if args[0] not in table:
            raise BadInput(f"unknown command '{args[0]}': {nearest(args[0], table)}")
        cls, command, loose = table[args[0]]
        parsed, options = parse(cls, args[1:], args[0], loose)
        sys.exit(command(parsed, options) if loose else command(parsed))
    except BadInput as error:
        print(f"selftaught: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)


def emit(value: dict[str, Any]) -> None:
    """The JSON line that scripts read."""
    print(json.dumps(value, default=float), flush=True)
