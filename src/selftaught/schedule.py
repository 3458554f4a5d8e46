"""How many steps in all: a recipe's phases and rounds, made shorter or longer as a whole."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from selftaught.parts import BadInput


def in_all(phases: Sequence[Any], rounds: int, steps: int, fixed: bool = False) -> tuple[tuple[Any, ...], int]:
    """(phases, rounds) of `steps` steps in all.

    Rounds stay about as long as they were, so there are as many of them as fit, and at least one; every round has all
    its phases. A phase of one step (a search, a hand-over) stays one, one of none (never played) none, the others share the
    rest of a round in proportion. Where rounds come out unequal they are written out one after the other.

    Args:
        phases: dataclasses with `steps`.
        rounds: passes over them.
        steps: wanted in all.
        fixed: keep the number of rounds.

    Raises:
        BadInput: fewer steps than a round has phases (or than all rounds have, when they are fixed).
    """
    usual, played = sum(phase.steps for phase in phases), sum(phase.steps > 0 for phase in phases)
    least = played * (rounds if fixed else 1)
    if steps < least:
        what = f"its {played} phases" if least == played else f"{rounds} rounds of {played} phases"
        raise BadInput(f"steps={steps} must be at least {least}: {what} take a step each" if least > 1 else "steps must be at least 1")
    if not fixed and rounds > 1:
        rounds = max(1, min(int(steps / usual + 0.5), steps // played))
    sizes = [steps // rounds + (i < steps % rounds) for i in range(rounds)]
    shares = [shared([phase.steps for phase in phases], size) for size in sizes]
    if len(set(sizes)) > 1:
        return tuple(replace(phase, steps=n) for share in shares for phase, n in zip(phases, share, strict=True)), 1
    return tuple(replace(phase, steps=n) for phase, n in zip(phases, shares[0], strict=True)), rounds


def shared(usual: Sequence[int], steps: int) -> list[int]:
    """`steps` over phases that usually take so many each: one each, ones stay ones where others can grow, the rest in proportion."""
    found = [min(n, 1) for n in usual]
    weights = [max(n - 1, 0) for n in usual] if max(usual) > 1 else list(usual)
    left = steps - sum(found)
    exact = [left * weight / sum(weights) for weight in weights]
    found = [one + int(share) for one, share in zip(found, exact, strict=True)]
    # What is left over goes to the largest remainders, of equal ones to the longest phase and then the first.
    order = sorted(range(len(usual)), key=lambda i: (-(exact[i] - int(exact[i])), -usual[i], i))
    for i in order[: steps - sum(found)]:
        found[i] += 1
    return found
