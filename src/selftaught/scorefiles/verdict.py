"""The verdict on two score files.

A file knows one sampler. Whether a gain survives when each side is decoded at its best takes two further files; without
them the verdict says that nobody checked.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from selftaught.parts import BadInput
from selftaught.prove.verdict import not_tested
from selftaught.scorefiles.fields import plain
from selftaught.scorefiles.lm_eval import is_lower
from selftaught.scorefiles.pairs import COMMON, REFUSE, WRONG, Matched, Scale, alike, match, refuse_missing, same_questions
from selftaught.scorefiles.scores import Scores
from selftaught.statistics.differences import smallest_effect
from selftaught.statistics.intervals import FEW
from selftaught.statistics.paired import Paired, compare, largest, needed, too_few

UNCHECKED = "at the sampler these files were drawn with; nobody checked the best decoding"
GONE = "can't tell (scores are missing)"


def compare_scores(
    before: Scores, after: Scores, *, best: tuple[Scores, Scores] | None = None, missing: str = REFUSE, same: bool = False,
    lower: bool = False, seed: int = 0, level: float = 0.95, margin: float = 0.05, draws: int = 10_000,
) -> dict[str, Any]:  # fmt: skip
    """The verdict on two score files: paired by task, each task's value its mean over attempts.

    `improved` needs ten tasks, and every interval there is above zero: the files' own, and the best decoding's where
    given. Scores in [0, 1] are told as percentages; others as they are, and then the margin is a part of the range they
    span. Attempts that neither side scored are left out and counted. One that a single side lacks is refused, or
    counted as the worst score there is (`wrong`), or left out of both (`common`); then `improved` also needs an
    improvement when the attempts that failed are counted wrong.

    Args:
        before: the base's scores.
        after: the candidate's.
        best: the same two at each one's best decoding.
        missing: what becomes of scores that one side alone lacks: refuse, wrong or common.
        same: take it that scorers, prompts and settings are the same on both sides, whatever the files say.
        lower: less is better, as of a loss.
        seed: of the resampling.
        level: two-sided confidence.
        margin: a change within it is called no change.
        draws: resamples of each interval.

    Returns:
        The keys of `gate.verdict`; what files cannot tell is None.

    Raises:
        BadInput: the files are not about the same thing, see `scorepairs`; or scores are missing on one side.
    """
    files = [before, after, *(best or ())]
    if missing == COMMON:
        tasks = set.intersection(*(set(side.tasks_B) for side in files))
        dropped = [len(side.tasks_B) - len(tasks) for side in files[:2]]
        files = [side.only(tasks) for side in files]
    else:
        dropped = [0, 0]
    for metric in {side.settings.get("metric", "") for side in files}:
        if is_lower(metric) and not lower:
            raise BadInput(f"{before.name}: '{plain(metric)}' is better when it is lower: give --lower-is-better, or another metric")
    found = [matched(files[0], files[1], missing, same, ())]
    if best:
        found.append(matched(files[2], files[3], missing, same, ("sampler",)))
        for stated, decoded in zip(files[:2], files[2:], strict=True):
            about_the_same(stated, decoded, same)
    seen = np.concatenate([side[np.isfinite(side)] for pair in found for side in pair.sides])
    if not len(seen):
        return not_tested("none of these tasks was scored on both sides")
    fraction = bool((seen >= 0).all() and (seen <= 1).all())
    scale = Scale(0.0, 1.0, lower) if fraction else Scale(float(seen.min()), float(seen.max()), lower)
    found = [pair._replace(sides=(scale.down(pair.sides[0]), scale.down(pair.sides[1]))) for pair in found]
    pairs: list[Paired] = []
    for pair in found:
        start_B, end_B = pair.filled(0.0) if missing == WRONG else pair.cut()
        kept_B = np.isfinite(start_B) & np.isfinite(end_B)
        if kept_B.sum() < 2:
            return not_tested(f"only {kept_B.sum()} of {len(kept_B)} tasks were scored on both sides")
        pairs.append(compare(start_B[None], end_B[None], seed, level, draws))
    word = decide(pairs, margin, level, fraction, scale.size)
    if word == "improved" and missing == COMMON:
        failed = [pair.filled(0.0) for pair in found]
        word = word if rose([compare(a_B[None], b_B[None], seed, level, draws) for a_B, b_B in failed]) else GONE
    raw = [scale.up(pair) for pair in pairs]
    counts = dict(zip(("before", "after", "both"), found[0].counts(), strict=True))
    left_out = {"before": dropped[1], "after": dropped[0]}
    return verdict(word, pairs, raw, fraction, missing, counts, left_out) | {
        "ungraded": max(len(pair.tasks_B) - own.tasks for pair, own in zip(found, pairs, strict=True)),
        "smallest_effect": scale.size * max(smallest_effect(pair.sd, pair.tasks, level=level) for pair in pairs),
        "files": {"before": before.name, "after": after.name}, "fraction": fraction, "margin": margin * scale.size,
        "lower_is_better": lower, "missing": counts | {"counted": "" if missing == REFUSE else missing, "not_in": left_out},
    }  # fmt: skip


def matched(before: Scores, after: Scores, missing: str, same: bool, free: tuple[str, ...]) -> Matched:
    """Two files task by task; see `compare_scores` for what is refused."""
    if not set(before.tasks_B) & set(after.tasks_B):
        raise BadInput(f"{before.name} and {after.name} have no task in common: score the same tasks on both sides")
    if not same:
        alike(before, after, free)
    found = match(before, after, same)
    if missing == REFUSE:
        refuse_missing(before, after, found)
    return found


def about_the_same(stated: Scores, decoded: Scores, same: bool) -> None:
    """Refuse a file of best decodings that is about other tasks, or graded otherwise."""
    if set(stated.tasks_B) != set(decoded.tasks_B):
        count = len(set(stated.tasks_B) ^ set(decoded.tasks_B))
        raise BadInput(
            f"{decoded.name} is about other tasks than {stated.name} ({count} are in one alone): decode the same tasks at their best"
        )
    if not same:
        alike(stated, decoded, ("sampler", "solver and prompts", "system message"))
    # Its prompts may differ, as a wording is a part of a decoding.
    same_questions(stated, decoded, same=True)


def rose(pairs: Sequence[Paired]) -> bool:
    """Whether every interval lies above zero."""
    return all(pair.low > 0 for pair in pairs)


def decide(pairs: Sequence[Paired], margin: float, level: float, fraction: bool, size: float = 1.0) -> str:
    """The verdict's words over all intervals there are; see `gate.verdict`. Numbers are fractions of the scores' `size`."""
    if rose(pairs):
        return "improved" if all(pair.tasks >= FEW for pair in pairs) else f"can't tell (needs {FEW} tasks)"
    if any(pair.high < 0 for pair in pairs):
        return "worse"
    most = {pair: largest(pair) for pair in pairs if pair.low <= 0}
    if (top := max(most.values())) <= margin:
        return f"no change larger than {100 * top:.1f} points" if fraction else f"no change larger than {size * top:.3g}"
    return f"can't tell (needs {max(needed(pair, margin, level) for pair in most if most[pair] > margin)} tasks)"


def verdict(
    word: str, pairs: Sequence[Paired], raw: Sequence[Paired], fraction: bool, missing: str, counts: dict[str, int],
    left_out: dict[str, int],
) -> dict[str, Any]:  # fmt: skip
    """The keys of `gate.verdict` as far as files can tell, with their sentence."""
    kind = "decoding" if len(pairs) > 1 and pairs[0].low > 0 >= pairs[1].low else ""
    numbers = told(raw[0], fraction)
    if len(raw) > 1:
        numbers += f" as drawn, {told(raw[1], fraction)} with each side at its best decoding"
    tails = ["only the first shows a gain, so the sampler explains it"] if kind else []
    if word == GONE:
        tails.append("counting wrong what failed on one side, the gain is not shown")
    elif word.startswith("can't tell") and pairs[0].tasks < FEW:
        tails.append(too_few(pairs[0].tasks))
    first = f"{word[0].upper()}{word[1:]}" + ("" if len(raw) > 1 else f" {UNCHECKED}")
    sentence = "; ".join([f"{first}: {numbers}", *tails, *missing_words(missing, counts, left_out)])
    empty = not_tested("")
    return empty | raw[0].record() | {
        "verdict": word, "kind": kind, "sentence": f"{sentence}.", "metric": "score", "tasks": raw[0].tasks,
        "best": empty["best"] | (raw[1].record() if len(raw) > 1 else {}) | {"metric": "score"}, "best_checked": len(raw) > 1,
    }  # fmt: skip


def missing_words(missing: str, counts: dict[str, int], left_out: dict[str, int]) -> list[str]:
    """What was missing, on which side, and what became of it."""
    became = "counted wrong" if missing == WRONG else "left out"
    found = []
    if counts["before"] or counts["after"]:
        found.append(f"scores missing on one side, {became}: {counts['before']} tasks before, {counts['after']} after")
    if any(left_out.values()):
        found.append(f"tasks in one file alone, left out: {left_out['before']} not before, {left_out['after']} not after")
    if counts["both"]:
        found.append(f"{counts['both']} tasks lack scores on both sides, left out")
    return found


def told(pair: Paired, fraction: bool) -> str:
    """The numbers of a pair, in percent or as they are."""
    return pair.words() if fraction else f"{pair.before:.4g} to {pair.after:.4g} ({pair.gain:+.3g}, {pair.low:.3g} to {pair.high:.3g})"
