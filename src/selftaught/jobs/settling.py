"""Settling: at which temperature a model nobody here knows is sampled, and how far, where both are left open. No answer is read.

Votes teach only where they tell right from wrong, and hot samples of a small or untuned model are noise, whose vote is
worse than one greedy reply. Whether a vote means anything shows without answers: two votes over different attempts at
one question then agree.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from selftaught.prove.preflight import winner
from selftaught.run.access import RunAccess
from selftaught.types import Attempt, Group, SamplerSettings, Task

TASKS, EACH, FEW = 16, 8, 2
HEATS, LENGTHS = (1.0, 0.7, 0.4), (32, 64, 128, 256, 512)
# Of attempts, that end within the length; of questions, on which two votes agree.
ENDED, AGREE = 0.9, 0.5
# A length is given some room, and a whole number of these.
ROOM, UNIT = 1.25, 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled:
    """What was chosen, and why.

    Attributes:
        settings: the stated sampler.
        ended: share of attempts that end within its length, as far as was looked.
        agree: {temperature: share of questions on which two votes of half the attempts agree}, as far as was tried.
        tasks: how many questions were looked at.
    """

    settings: SamplerSettings
    ended: float
    agree: dict[float, float]
    tasks: int

    def line(self) -> str:
        """For people."""
        tried = ", ".join(f"{share:.0%} at {heat:g}" for heat, share in self.agree.items())
        why = f"two votes of {EACH // 2} agree on {tried} of {self.tasks} questions" if tried else "as was asked"
        hot = "" if not tried or max(self.agree.values()) >= AGREE else "; votes mean little at any of these"
        return (
            f"set for this model: --temperature {self.settings.temperature:g} ({why}{hot}) "
            f"--max-tokens {self.settings.max_tokens} ({self.ended:.0%} of attempts end within it)"
        )


async def settle(run: RunAccess, tasks: Sequence[Task], seed: int, *, heat: float | None = None, most: int = 0) -> Settled:
    """The hottest temperature at which votes mean something, and a length that most attempts need.

    Args:
        run: whose model is asked, in its format; nothing of it changes.
        tasks: a few tasks that nothing is judged by.
        seed: of the noise.
        heat: the temperature that was asked for, which is kept; None when none was.
        most: the same of the length; 0 when none was.
    """
    tasks = tasks[:TASKS]
    ended, settings = 1.0, replace(run.settings, temperature=min(HEATS) if heat is None else heat)
    for length in (most,) if most else LENGTHS:
        settings = replace(settings, max_tokens=length)
        made = attempts_of(await run.draw(tasks, FEW, settings, "policy", "length", seed))
        ended = float(np.mean([a.stop != "length" for a in made]))
        if ended >= ENDED:
            break
    if not most:
        settings = replace(settings, max_tokens=room_for([a.sampled_count for a in made], settings.max_tokens))
    agree: dict[float, float] = {}
    for tried in HEATS if heat is None else ():
        settings = replace(settings, temperature=tried)
        agree[tried] = votes_agree(run, await run.draw(tasks, EACH, settings, "policy", "heat", seed))
        if agree[tried] >= AGREE:
            break
    else:
        # the first of equals is the hottest
        best = max(agree, key=lambda tried: agree[tried], default=settings.temperature)
        settings = replace(settings, temperature=best)
    return Settled(settings=settings, ended=ended, agree=agree, tasks=len(tasks))


def attempts_of(groups: Sequence[Group]) -> list[Attempt]:
    """All attempts of groups."""
    return [attempt for group in groups for attempt in group.attempts_G]


def room_for(lengths: Sequence[int], most: int) -> int:
    """Tokens that `ENDED` of the attempts need with some room, at most `most`.

    >>> room_for([4] * 9 + [60], 64), room_for([60] * 10, 64)
    (8, 64)
    """
    need = float(np.quantile(lengths, ENDED, method="lower")) * ROOM
    return min(most, UNIT * max(1, int(np.ceil(need / UNIT))))


def votes_agree(run: RunAccess, groups: Sequence[Group]) -> float:
    """Share of the groups in which the votes of the two halves of the attempts give one answer; without an answer they do not."""
    answers = [[run.answer(attempt.text, group.task) for attempt in group.attempts_G] for group in groups]
    both = [(winner(given[::2]), winner(given[1::2])) for given in answers]
    return float(np.mean([first is not None and first == second for first, second in both])) if both else 0.0
