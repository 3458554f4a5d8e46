"""What several commands share."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from selftaught.shown import tell


@dataclass(kw_only=True)
class Common:
    """Options several commands share.

    Attributes:
        model: a transformers or PEFT folder, a GGUF file, smollm2 or a hub id; the model that ships (sprout) when left out.
        tasks: task sources: sums:level=5, gym:chain_sum, file.jsonl, a data-set id.
        seed: seed of everything that is drawn.
        engine: what samples the model: local, or vllm (options of vllm.LLM behind a colon: vllm:gpu_memory_utilization=0.5).
        temperature: the stated sampler's temperature; what suits the model, else 1, when left out.
        max_tokens: length limit of an attempt in tokens; 64 for sprout and 512 for other models when left out.
        template: how prompts are rendered: auto (the tokenizer's chat template where there is one), chat, or text with {prompt} in it.
        system: text of a system turn.
        answer: how answers are read: auto, marked, number, text, choice, boxed, or a regular expression with one group.
        stop: an attempt ends after a token whose text contains one of these.
        chat_template_kwargs: a JSON object of further arguments of the chat template, such as {"enable_thinking": false}.
        unsafe_checkers: run answers as code also on a machine that has no walls for them; those of no family that ships need it.
        json: print one JSON object as the last line of standard output.
    """

    model: str = ""
    tasks: tuple[str, ...] = ()
    seed: int = 0
    engine: str = "local"
    temperature: float | None = None
    max_tokens: int = 0
    template: str = "auto"
    system: str = ""
    answer: str = "auto"
    stop: tuple[str, ...] = ()
    chat_template_kwargs: str = ""
    unsafe_checkers: bool = False
    json: bool = False


def job_of(options: Any, extra: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a Job among a command's options."""
    from selftaught.jobs.job import Job

    known = {name: value for name, value in asdict(options).items() if name in Job.__dataclass_fields__}
    return {**known, **extra}


def percent(value: float | None) -> str:
    """52.0%, or a dash."""
    return "-" if value is None else f"{value:.1%}"


def print_result(result: dict[str, Any]) -> None:
    """The verdict and the numbers behind it, for people."""
    print_verdict(result)
    tokens, read = result["tokens"], result["gold_read"]
    spent = sum(tokens[kind] for kind in ("prompted", "sampled", "scored", "trained"))
    tell(
        f"  {spent / 1000:,.0f}k tokens, {result['seconds']:.0f} s; answers read: {read['train']} to train, {read['select']} to select",
        end=", ",
    )
    tell(f"{read['evaluate']} to evaluate, {read['audit']} to test the graders")
    if (read := result["answered"])["before"] is not None:
        later = "" if read["after"] is None else f" before and {percent(read['after'])} after"
        tell(f"  an answer was read from {percent(read['before'])} of the attempts{later}")
    for alarm in result["alarms"]:
        tell(f"  ALARM at step {alarm['step']}: {alarm['message']}")
    tell(f"  report: {result['run']}/report.html   (talk to it: selftaught chat {result['run']})")


def print_verdict(result: Mapping[str, Any]) -> None:
    """The sentence, what decoding alone makes of the start, and how much the verdict is worth."""
    from selftaught.prove.cache import ordinal

    tell("", result["sentence"], "")
    if result["before"] is None:
        return
    best, marks, equal = result["best"], result["baseline_intervals"], result["equal_tokens"]
    rows = [("start, as stated", result["before"]), ("start, greedy", result["baselines"]["greedy"])]
    rows += [("start, best decoding", best["before"]), (f"start, vote of {marks['vote_k']['k']}", result["baselines"]["vote_k"])]
    if equal["vote"] is not None and equal["drawn"] != marks["vote_k"]["k"]:
        rows.append((f"start, vote of {equal['drawn']}", equal["vote"]))
    rows += [("after, as stated", result["after"]), ("after, best decoding", best["after"])]
    for name, value in rows:
        tell(f"  {name:<26}{percent(value):>7}  {'█' * round(40 * (value or 0))}")
    most, passes = max(((int(k), both) for k, both in result["pass_at"].items() if both["before"] is not None), key=lambda pair: pair[0])
    reached = f" to {percent(passes['after'])}" if passes["after"] is not None else ""
    tell("", f"  pass@{most} {percent(passes['before'])}{reached}; p = {result['p']:.3g} on {result['tasks']} tasks", end="")
    tell(f"; {ordinal(result['reuse'])} verdict on them" if result["reuse"] else "")
    if equal["k"] is not None:
        tell(f"  for the same tokens the start could vote over {equal['k']:,.0f} attempts a question", end="; ")
        tell(result["break_even"]["sentence"])
    for row in result["off_task"]:
        tell(f"  not trained for: {row['family']} {percent(row['before'])} to {percent(row['after'])}{', WORSE' if row['worse'] else ''}")
