"""Ratios of pairs, what they must reach, and the file they are written to."""

import json
import math
import os
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

LATEST = Path(__file__).resolve().parents[1] / "results" / "latest.json"


class Target(NamedTuple):
    """What a number must reach. Attributes: the bar; whether it must lie at or above it; what is compared with what."""

    bar: float
    above: bool
    what: str

    def met(self, value: float) -> bool:
        """Whether a number reaches it; NaN does not."""
        return value >= self.bar if self.above else value <= self.bar


RATIOS = {
    "trl_tokens_per_second": Target(3.0, True, "whole steps, tokens a second, over TRL's"),
    "trl_tokens_per_second_no_skip": Target(1.8, True, "the same with groups without signal trained on"),
    "trl_extra_memory": Target(0.5, False, "memory of a step beyond the loaded model's, over TRL's"),
    "trl_time_to_target": Target(3.0, True, "TRL's seconds to a held-out accuracy over ours"),
    "generate_512": Target(2.5, True, "512 attempts, sampled tokens a second, over the best of transformers"),
    "generate_1": Target(1.0, True, "1 attempt, the same"),
    "peer_decode": Target(1.0, True, "512 attempts, sampled tokens a second, over CTranslate2's"),
    "tree_over_flat": Target(0.6, True, "tree search, sampled tokens a second, over flat sampling"),
}
NUMBERS = {
    "overhead": Target(0.05, False, "share of a step outside the model's verbs and checkers"),
    "memory_slope": Target(0.0002, False, "growth of memory a round, as a share"),
    "seconds_to_verdict": Target(120.0, False, "selftaught improve, from start to verdict"),
    "logprob_gap.fp32.mean": Target(1e-6, False, "learner minus sampler, float32, mean"),
    "logprob_gap.fp32.max": Target(1e-4, False, "learner minus sampler, float32, most"),
    "logprob_gap.bf16.mean": Target(1e-2, False, "learner minus sampler, bfloat16, mean"),
    "logprob_gap.bf16.max": Target(0.15, False, "learner minus sampler, bfloat16, most"),
}
# Sections a partial run leaves alone unless it has something to put there.
SECTIONS = ("ratios", "targets", "machine", "settings", "footnotes", "not_run")


def ratio(name: str, pairs: Sequence[float]) -> dict[str, Any]:
    """Median and spread of a named ratio over pairs, its target and whether the median meets it.

    Raises:
        ValueError: when there is no pair.
    """
    if not pairs:
        raise ValueError(f"{name}: no pair to take a median of")
    target, median = RATIOS[name], statistics.median(pairs)
    return {
        "median": median, "spread": [min(pairs), max(pairs)], "pairs": list(pairs), "target": target.bar,
        "better": "higher" if target.above else "lower", "met": target.met(median), "what": target.what,
    }  # fmt: skip


def number(found: Mapping[str, Any], dotted: str) -> float:
    """A number by its dotted name; NaN where there is none."""
    value: Any = found
    for key in dotted.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return math.nan if value is None else float(value)


def merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Old results with new ones over them, key by key in mappings; what was measured is no longer `not_run`."""
    result = dict(old)
    for key, value in new.items():
        deep = key in SECTIONS or key == "logprob_gap"
        result[key] = {**result.get(key, {}), **value} if deep and isinstance(value, Mapping) else value
    measured = set(new.get("ratios", {})) | set(new)
    kept = new.get("not_run", {})
    result["not_run"] = {k: why for k, why in result.get("not_run", {}).items() if k in kept or k.split(".")[0] not in measured}
    result["targets"] = {
        name: {"value": number(result, name), "target": target.bar, "met": target.met(number(result, name)), "what": target.what}
        for name, target in NUMBERS.items() if not math.isnan(number(result, name))
    }  # fmt: skip
    return result


def read(path: Path) -> dict[str, Any]:
    """The file's results, none when it is not there."""
    return json.loads(path.read_text()) if path.exists() else {}


def write(path: Path, found: Mapping[str, Any]) -> None:
    """Write the file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(found, indent=1, default=float) + "\n")
    os.replace(part, path)


def table(found: Mapping[str, Any]) -> str:
    """What was measured, for people: ratios with their spread, then the other numbers, then what could not be run."""
    lines = [f"{'':31}{'median':>9}{'from':>9}{'to':>9}{'target':>10}  met"]
    for name, row in found.get("ratios", {}).items():
        sign, word = (">=" if RATIOS[name].above else "<="), ("yes" if row["met"] else "NO")
        low, high = row["spread"]
        lines.append(f"{name:31}{row['median']:9.2f}{low:9.2f}{high:9.2f}{sign:>5}{row['target']:5.2f}  {word:5}{RATIOS[name].what}")
    for name, target in NUMBERS.items():
        if not math.isnan(value := number(found, name)):
            word = "yes" if target.met(value) else "NO"
            lines.append(f"{name:31}{value:9.3g}{'':18}{'>=' if target.above else '<=':>5}{target.bar:5.3g}  {word:5}{target.what}")
    lines += [f"  {name}: {text}" for name, text in found.get("footnotes", {}).items()]
    lines += [f"  not run: {name}: {why}" for name, why in found.get("not_run", {}).items()]
    return "\n".join(lines)
