"""Procedural lessons for sprout: solving, judging, revising, rewording and writing tasks."""

import random
from collections.abc import Iterator

from selftaught.models.sprout.gym_skills import WORKED, draws
from selftaught.parts import shelf
from selftaught.tasks.family import Facts, Family

Turn = tuple[str, str, bool]
Lesson = list[Turn]

JUDGE = "Is that right? Answer yes or no."
REVISE = "Check that and answer again."
REWORD = "Say this in other words: "
WRITE = "Write another task like this: "
SKILLS = {"solve": 66, "gym": 11, "judge": 10, "revise": 8, "reword": 4, "write": 1}
# A broad first course over everything, then one that spends its time on what a model of this size can learn.
BROAD = dict.fromkeys(("sums", "chain", "products", "sort", "linear", "countdown", "subset", "sudoku", "path"), 1.0)
CORE = {"sums": 1.6, "chain": 1.2, "linear": 1.2, "countdown": 1.2, "subset": 1.0, "sort": 0.9, "sudoku": 0.5}


def level_weights(levels: int, broad: bool) -> list[float]:
    """How often each level is asked. The top two never are, so that every ladder ends beyond what was taught."""
    taught = range(1, levels - 1)
    return [0.8**i if broad else min(i, 3) / 3 * 0.6 ** max(0, i - 5) for i in taught]


def solution(worked: tuple[str, str]) -> str:
    """(steps, answer) as one line that ends with the marked answer."""
    return f"{worked[0]} #### {worked[1]}".strip()


def question(rng: random.Random, shares: dict[str, float], broad: bool) -> tuple[Family, Facts, str]:
    """A random question as (family, facts, wording)."""
    kind = shelf("family")[rng.choices(list(shares), list(shares.values()))[0]]
    assert issubclass(kind, Family)
    weights = level_weights(len(kind.ladder), broad)
    family = kind(level=rng.choices(range(1, len(weights) + 1), weights)[0])
    return family, family.draw(rng), rng.choice(kind.wordings)


def lessons(seed: int, broad: bool = False) -> Iterator[Lesson]:
    """An endless stream of conversations as (role, content, graded); the learner imitates the graded turns."""
    rng = random.Random(seed)
    names, weights = list(SKILLS), list(SKILLS.values())
    gym: list[tuple[str, str]] = []
    while True:
        skill = rng.choices(names, weights)[0]
        if skill == "gym":
            gym = gym or draws(rng.choice(list(WORKED)), rng, 64)
            prompt, worked = gym.pop()
            yield [("user", prompt, False), ("assistant", worked, True)]
            continue
        family, facts, wording = question(rng, BROAD if broad else CORE, broad)
        prompt = family.render(facts, family.wordings.index(wording))
        right = solution(family.work(facts))
        if skill == "solve":
            yield [("user", prompt, False), ("assistant", right, True)]
        elif skill == "reword":  # another wording, and another order where order does not matter
            shift = rng.randrange(1, len(family.wordings))
            other = family.render(family.vary(facts, rng), family.wordings.index(wording) + shift)
            yield [("user", REWORD + prompt, False), ("assistant", other, True)]
        elif skill == "write":
            other = family.render(family.draw(rng), rng.randrange(8))
            yield [("user", WRITE + prompt, False), ("assistant", other, True)]
        else:
            spoiled = solution(family.spoil(facts, rng))
            wrong = rng.random() < (0.5 if skill == "judge" else 0.8) and spoiled != right
            head = [("user", prompt, False), ("assistant", spoiled if wrong else right, not wrong)]
            if skill == "judge":
                yield [*head, ("user", JUDGE, False), ("assistant", "no" if wrong else "yes", True)]
            else:
                yield [*head, ("user", REVISE, False), ("assistant", right, True)]
