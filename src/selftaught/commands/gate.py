"""`selftaught gate`: is the candidate better than the base, whoever trained it?"""

import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import tyro

from selftaught.commands.progress import Progress
from selftaught.commands.shared import print_verdict
from selftaught.parts import BadInput
from selftaught.shown import tell

NO_GAIN = 3
FILES_ALONE = ("missing", "common", "same", "lower_is_better", "best_base", "best_candidate")
MODELS_ALONE = (
    "tasks", "held_out_count", "evaluation_seed", "engine", "temperature", "max_tokens", "off_task", "full", "spent", "out", "attempts",
    "template", "system", "answer", "stop", "chat_template_kwargs",
)  # fmt: skip
Off = Annotated[bool, tyro.conf.FlagCreatePairsOff]


@dataclass(kw_only=True)
class Options:
    """Test whether a candidate is better than its base: checkpoints, adapters, runs of ours, or two files of scores.

    A model is a transformers or PEFT folder, a GGUF file, smollm2, a hub id, "sprout", a run folder (its start as BASE,
    its best generation as CANDIDATE) or one of its generations. `selftaught gate runs/RUN` tests a run's result against
    its start again. A score file is jsonl with task, attempt and score, an inspect log (.eval, .json) or lm-eval's
    samples_*.jsonl; choose among several metrics or filters by FILE,metric=NAME,filter=NAME.

    Attributes:
        base: what the candidate must beat.
        candidate: what was trained; may be left out when BASE is a run folder.
        tasks: where held-out tasks come from; the run's when left out.
        held_out_count: how many held-out tasks decide; 200, or the run's, when left out.
        evaluation_seed: seed of the held-out tasks and their noise; 1, or the run's, when left out.
        engine: what samples both models, local or vllm; the run's, or local, when left out.
        temperature: the stated sampler's temperature; 1, or the run's, when left out.
        max_tokens: length limit of an attempt in tokens; the run's, 64 for sprout or 512 for other models when left out.
        template: how prompts are rendered on both sides: auto, chat, or text with {prompt} in it; the run's, or auto, when left out.
        system: text of a system turn.
        answer: how answers are read: auto, marked, number, text, choice, boxed, or a regular expression with one group.
        stop: an attempt ends after a token whose text contains one of these.
        chat_template_kwargs: a JSON object of further arguments of the chat template.
        off_task: sources of other tasks, to see whether anything was unlearned.
        full: draw 16 attempts a task on both sides, and look for tasks the base never solves.
        attempts: draw so few attempts a task on both sides and look at the candidate in stages; 16 and 4, at once, when left out.
        margin: a change within it is called no change, as a fraction.
        spent: tokens the training took, for the comparison at equal tokens; known for runs of ours.
        require_gain: exit with 3 unless the verdict is improved.
        missing: of two score files, what becomes of a score that one side alone lacks: refuse, or wrong, to count it wrong.
        common: of two score files compare what both scored, instead of refusing when one side lacks some.
        same: of two score files, take scorers, prompts and settings for the same where the files say that they differ.
        lower_is_better: of two score files, less is better, as of a loss or a perplexity.
        best_base: score file of the base at its best decoding.
        best_candidate: score file of the candidate at its best decoding.
        out: folder for the verdict and the attempts.
        json: print one JSON object as the last line of standard output.
    """

    base: tyro.conf.Positional[str]
    candidate: tyro.conf.Positional[str | None] = None
    tasks: tuple[str, ...] = ()
    held_out_count: int | None = None
    evaluation_seed: int | None = None
    engine: str = ""
    temperature: float | None = None
    max_tokens: int = 0
    template: str = ""
    system: str = ""
    answer: str = ""
    stop: tuple[str, ...] = ()
    chat_template_kwargs: str = ""
    off_task: tuple[str, ...] = ()
    full: Off = False
    attempts: int = 0
    margin: float = 0.05
    spent: int = 0
    require_gain: Off = False
    missing: Literal["refuse", "wrong"] = "refuse"
    common: Off = False
    same: Off = False
    lower_is_better: Off = False
    best_base: str = ""
    best_candidate: str = ""
    out: str = ""
    json: Off = False


def run(options: Options) -> int:
    """Print the verdict; exit code 3 when a gain was required and none is shown."""
    from selftaught.cli import emit
    from selftaught.scorefiles.scores import is_score_file

    if not 0 < options.margin < math.inf:
        raise BadInput(f"--margin {options.margin:g}: give a positive part, such as 0.05 for 5 points")
    files = [word for word in (options.base, options.candidate or "", options.best_base, options.best_candidate) if is_score_file(word)]
    result = of_files(options) if files else of_models(options)
    if options.json:
        emit(result)
    return NO_GAIN if options.require_gain and result["verdict"] != "improved" else 0


def of_models(options: Options) -> dict[str, Any]:
    """The verdict on two models."""
    from selftaught.jobs.gate import gate

    refused(options, FILES_ALONE, "is for score files")
    given = {name: getattr(options, name) for name in (*MODELS_ALONE, "margin")}
    return gate(options.base, options.candidate, **given, say=Progress().say, tell=tell_verdict)


def refused(options: Options, names: tuple[str, ...], why: str) -> None:
    """Refuse options that would be ignored."""
    empty = Options(base="")
    for name in names:
        if getattr(options, name) != getattr(empty, name):
            raise BadInput(f"--{name.replace('_', '-')} {why}: leave it out")


def of_files(options: Options) -> dict[str, Any]:
    """The verdict on two files of scores."""
    from selftaught.scorefiles.scores import read_scores
    from selftaught.scorefiles.verdict import compare_scores

    if bool(options.best_base) != bool(options.best_candidate):
        raise BadInput("give both --best-base and --best-candidate, or neither: each side is decoded at its best")
    if options.candidate is None:
        raise BadInput("two score files are needed: give BASE and CANDIDATE")
    refused(options, MODELS_ALONE, "is for models, score files are compared as they are")
    if options.common and options.missing != "refuse":
        raise BadInput("--common leaves out what --missing wrong counts wrong: give one of them")
    best = (read_scores(options.best_base), read_scores(options.best_candidate)) if options.best_base else None
    sides = read_scores(options.base), read_scores(options.candidate)
    missing = "common" if options.common else options.missing
    found = compare_scores(*sides, best=best, missing=missing, same=options.same, lower=options.lower_is_better, margin=options.margin)
    tell_verdict(found)
    return found


def tell_verdict(result: dict[str, Any]) -> None:
    """The verdict and the numbers behind it, for people."""
    if "files" in result:
        tell("", result["sentence"], "", f"  p = {result['p']:.3g} on {result['tasks']} tasks", end="")
        tell(f" ({result['ungraded']} left out)" if result["ungraded"] else "")
    else:
        print_verdict(result)
    if result["smallest_effect"]:
        value = result["smallest_effect"]
        told = f"{100 * value:.1f} points" if result.get("fraction", True) else f"{value:.3g}"
        tell(f"  a true change of {told} would have shown in 4 of 5 such tests")
