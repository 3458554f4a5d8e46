"""`selftaught improve`: let a model teach itself, and test whether it did."""

import logging
import signal
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import tyro

from selftaught.commands.progress import Progress
from selftaught.commands.shared import Common, job_of, print_result
from selftaught.parts import BadInput
from selftaught.shown import tell

WORDS = "recipe"
Off = Annotated[bool, tyro.conf.FlagCreatePairsOff]


@dataclass(kw_only=True)
class Options(Common):
    """Let a model teach itself on tasks without labels, then test on held-out tasks whether it got better.

    Options of the recipe's parts are reachable by name (--plan.n 16, --optimizer.lr 1e-5), and parts can be swapped
    (--explore sample). `selftaught show RECIPE` lists them.

    Attributes:
        recipe: name of the recipe, or name/preset; also the first word after `improve`.
        held_out: where held-out tasks come from; the training sources when left out.
        budget: most to spend: tokens (1000000, 1M; prompted, sampled, scored and trained), or 90s, 10m, 5000calls, 2e12flops;
            several joined by commas.
        steps: steps in all, over all phases and rounds; a recipe of several phases keeps them in proportion.
        adapter: "lora" trains an adapter instead of the weights.
        out: run folder; a new one under runs/ when left out.
        resume: go on with the run in --out; a whole command starts it where nothing has begun there, so that it can be given again.
        dry_run: say what it would cost, within seconds, and stop; with --json also the whole recipe.
        gate: "full" draws as many attempts of the result as of the start, "off" runs without a verdict.
        no_gate: the same as --gate off.
        require_gain: exit with 3 unless the verdict is `improved`.
        off_task: task sources that are not trained on and must not get worse.
        audit: how many audit tasks watch, with their answers, how right the pseudo-labels are.
        no_forecast: do not look first whether this can help.
        no_alarms: alarms are recorded and do not stop the run.
        anyway: run even when the forecast expects no help and finding out takes more than a few minutes.
        held_out_count: how many held-out tasks decide, with 16 and 4 attempts each; 200, or what --gate-share allows, when left out.
        gate_share: most the verdict may cost, as a share of what the run costs (at least 60 tasks decide); a quarter, or as much
            as it takes for sprout, when left out.
        evaluation_seed: seed of the held-out tasks and their noise.
        without: replace a pillar by its plain form: explore, supervise, reflect or train.
    """

    recipe: str = "selftaught"
    held_out: tuple[str, ...] = ()
    budget: str | None = None
    steps: int | None = None
    adapter: str = ""
    out: str = ""
    resume: Off = False
    dry_run: Off = False
    gate: Literal["on", "full", "off"] = "on"
    no_gate: Off = False
    require_gain: Off = False
    off_task: tuple[str, ...] = ()
    audit: int = 0
    no_forecast: Off = False
    no_alarms: Off = False
    anyway: Off = False
    held_out_count: int | None = None
    gate_share: float | None = None
    evaluation_seed: int = 1
    without: str = ""


def run(options: Options, extra: dict[str, str]) -> int:
    """Run the loop and print the verdict."""
    from selftaught import api
    from selftaught.cli import emit
    from selftaught.jobs.job import Job
    from selftaught.run.budget import Budget

    if options.no_gate and options.gate == "full":
        raise BadInput("--gate full and --no-gate contradict each other: leave one out")
    if options.require_gain and (options.no_gate or options.gate == "off"):
        raise BadInput("--require-gain needs a verdict: leave out --no-gate (or --gate off)")
    gate: bool | str = "full" if options.gate == "full" else options.gate == "on" and not options.no_gate
    switched = {"gate": gate, "forecast": not options.no_forecast, "monitors": not options.no_alarms}
    job = job_of(options, {"options": extra, **switched})
    if options.dry_run:
        from selftaught.jobs.estimate import estimate, lines

        planned = estimate(Job(**job))
        tell(*lines(planned))
        if options.json:
            emit(planned)
        return 0
    progress = Progress(Budget.parse(options.budget).tokens)
    stopped: list[int] = []

    def stop(number: int, frame: Any) -> None:
        if stopped:
            # what was under way is not news
            logging.getLogger("asyncio").setLevel(logging.CRITICAL)
            raise KeyboardInterrupt
        stopped.append(number)
        progress.say("stopping after this step; press Ctrl-C again to stop at once (nothing that was logged is lost)")

    old = signal.signal(signal.SIGINT, stop)
    try:
        result = api.improve(
            out=options.out, resume=options.resume, say=progress.say, watch=progress.step, halt=lambda: bool(stopped), **job
        )
    except KeyboardInterrupt:
        progress.say("stopped; go on with --resume")
        return 130
    finally:
        signal.signal(signal.SIGINT, old)
    print_result(result)
    if options.json:
        emit(result)
    if stopped:
        return 130
    return 3 if options.require_gain and result["verdict"] != "improved" else 0
