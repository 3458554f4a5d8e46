"""What each command of the command line does."""

import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from selftaught.parts import BadInput, nearest
from selftaught.progress import Progress


def job_of(options: Any, extra: dict[str, Any]) -> dict[str, Any]:
    """The fields of a Job among a command's options."""
    from selftaught.session import Job

    known = {name: value for name, value in asdict(options).items() if name in Job.__dataclass_fields__}
    return known | extra


def improve(options: Any, extra: dict[str, str]) -> int:
    """Run the loop and print the verdict."""
    from selftaught import api
    from selftaught.cli import emit
    from selftaught.session import Job

    job = job_of(options, {"options": extra})
    given = [name for name, value in job.items() if value != getattr(Job(), name)]
    if options.resume and given:
        name = next(iter(extra)) if given[0] == "options" else given[0].replace("_", "-")
        raise BadInput(f"--resume goes on with the job the run folder holds: leave out --{name}")
    if options.dry_run:
        from selftaught.estimate import estimate

        planned = estimate(Job(**job))
        print_plan(planned)
        if options.json:
            emit(planned)
        return 0
    progress = Progress(options.budget)
    stopped: list[int] = []

    def stop(number: int, frame: Any) -> None:
        if stopped:
            raise KeyboardInterrupt
        stopped.append(number)
        progress.say("stopping after this step; press Ctrl-C again to stop at once (nothing that was logged is lost)")

    old = signal.signal(signal.SIGINT, stop)
    try:
        result = api.improve(
            out=options.out, resume=options.resume, say=progress.say, watch=progress.step, stop=lambda: bool(stopped), **job
        )
    except KeyboardInterrupt:
        progress.say("stopped; go on with --resume")
        return 130
    finally:
        signal.signal(signal.SIGINT, old)
    print_result(result)
    if options.json:
        emit(result)
    return 130 if stopped else 0


def percent(value: float | None) -> str:
    """52.0%, or a dash."""
    return "-" if value is None else f"{value:.1%}"


def print_result(result: dict[str, Any]) -> None:
    """The verdict and the numbers behind it, for people."""
    print(f"\n{result['sentence']}\n")
    if result["before"] is not None:
        best, marks = result["best"], result["baseline_intervals"]
        rows = [("start, as stated", result["before"]), ("start, greedy", result["baselines"]["greedy"])]
        rows += [("start, best temperature", best["before"]), (f"start, vote of {marks['vote_k']['k']}", result["baselines"]["vote_k"])]
        rows += [("after, as stated", result["after"]), ("after, best temperature", best["after"])]
        for name, value in rows:
            print(f"  {name:<26}{percent(value):>7}  {'█' * round(40 * (value or 0))}")
        passes = result["pass_at"]["16"]
        print(
            f"\n  pass@16 {percent(passes['before'])} to {percent(passes['after'])}; p = {result['p']:.3g} on {result['tasks']} tasks",
            end="; ",
        )
    tokens, read = result["tokens"], result["gold_read"]
    spent = sum(tokens[kind] for kind in ("prompted", "sampled", "scored", "trained"))
    print(f"{spent / 1000:,.0f}k tokens, {result['seconds']:.0f} s")
    print(f"  answers read: {read['train']} to train, {read['select']} to select", end=", ")
    print(f"{read['evaluate']} to evaluate, {read['audit']} to test the graders")
    print(f"  run: {result['run']}   (talk to it: selftaught chat {result['run']})")


def print_plan(planned: dict[str, Any]) -> None:
    """A dry run, for people."""
    import json

    print(json.dumps(planned["recipe"], indent=1))
    tokens = planned["tokens"]
    print(f"\ntokens: about {tokens['expected']:,} (at most {tokens['worst']:,}), and {tokens['evaluated']:,} to evaluate")
    print(f"time: about {planned['minutes']} minutes at {planned['tokens_per_second']:,} tokens a second", end="; ")
    print(f"memory: about {planned['memory_mb']:,} MB")


def evaluate(options: Any) -> int:
    """Print the accuracy of a model."""
    from selftaught import api
    from selftaught.cli import emit

    result = api.evaluate(count=options.count, say=Progress().say, **job_of(options, {}))
    print(f"{result['model']} on {result['tasks']} tasks: {percent(result['value'])} sampled")
    for name, value in result["baselines"].items():
        print(f"  {name:<18}{percent(value):>7}")
    for k, value in result["pass_at"].items():
        print(f"  {'pass@' + k:<18}{percent(value):>7}")
    if options.json:
        emit(result)
    return 0


def solve(options: Any) -> int:
    """Print the reply to a question."""
    from selftaught import api
    from selftaught.cli import emit

    job = job_of(options, {})
    job.pop("recipe", None)
    result = api.solve(options.question, recipe=options.with_, **job)
    print(result["text"])
    if options.json:
        emit(result)
    return 0


def chat(options: Any) -> int:
    """Read questions from standard input, answer each before and after."""
    from selftaught.chat import replies
    from selftaught.session import load_job

    load_job(Path(options.run))
    print("Ask something (an empty line ends). The model before is on the left, after on the right.", file=sys.stderr)
    for before, after in replies(options.run, sys.stdin, options.temperature):
        print(f"  before: {before}\n  after:  {after}", flush=True)
    return 0


def list_(options: Any) -> int:
    """List recipes, parts or tasks."""
    from selftaught.cli import emit
    from selftaught.describe import parts_table, recipes_table, tasks_table

    tables = {"recipes": recipes_table, "parts": parts_table, "tasks": tasks_table}
    if options.what not in tables:
        raise BadInput(f"list {options.what}: {nearest(options.what, tables)}")
    rows = tables[options.what]()
    if options.json:
        emit({options.what: rows})
    else:
        width = max(len(row["name"]) for row in rows)
        for row in rows:
            print(f"{row['name']:<{width}}  {row['about']}")
    return 0


def show(options: Any) -> int:
    """Show one recipe, part or task source."""
    from selftaught.describe import describe

    print(describe(options.name))
    return 0


def doctor(options: Any) -> int:
    """Check this machine; exit code 1 when something needed is missing."""
    from selftaught.describe import examine

    ok = True
    for name, good, note in examine():
        print(f"{'ok ' if good else 'NO '} {name}: {note}")
        ok = ok and good
    return 0 if ok else 1
