"""What each command takes, declared as dataclasses that the command line reads."""

from dataclasses import dataclass
from typing import Annotated

import tyro


@dataclass(kw_only=True)
class Common:
    """Options several commands share.

    Attributes:
        model: a transformers folder or a hub id; the model that ships (sprout) when left out.
        tasks: task sources: sums:level=5, gym:chain_sum, file.jsonl, a data-set id.
        seed: seed of everything that is drawn.
        temperature: the stated sampler's temperature.
        max_tokens: length limit of an attempt in tokens; 64 for sprout and 512 for other models when left out.
        json: print one JSON object as the last line of standard output.
    """

    model: str = ""
    tasks: tuple[str, ...] = ()
    seed: int = 0
    temperature: float = 1.0
    max_tokens: int = 0
    json: bool = False


@dataclass(kw_only=True)
class Improve(Common):
    """Let a model teach itself on tasks without labels, then test on held-out tasks whether it got better.

    Options of the recipe's parts are reachable by name (--explore.n 16, --optimizer.lr 1e-5), and parts can be swapped
    (--explore sample). `selftaught show RECIPE` lists them.

    Attributes:
        recipe: name of the recipe, or name/preset; also the first word after `improve`.
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

    recipe: str = "selftaught"
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

    question: tyro.conf.Positional[str]
    with_: Annotated[str, tyro.conf.arg(name="with")] = "self-consistency"


@dataclass(kw_only=True)
class Chat:
    """Talk to the model before and after a run, side by side.

    Attributes:
        run: a run folder.
        temperature: 0 is greedy.
    """

    run: tyro.conf.Positional[str]
    temperature: float = 0.0


@dataclass(kw_only=True)
class List:
    """List what there is.

    Attributes:
        what: recipes, parts or tasks.
        json: print one JSON line.
    """

    what: tyro.conf.Positional[str]
    json: bool = False


@dataclass(kw_only=True)
class Show:
    """Show a recipe, part or task source in full.

    Attributes:
        name: its name.
    """

    name: tyro.conf.Positional[str]


@dataclass(kw_only=True)
class Doctor:
    """Check this machine."""
