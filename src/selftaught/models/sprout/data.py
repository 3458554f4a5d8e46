"""Procedural lessons for sprout: solving, judging, revising, rewording and writing tasks."""

import random
from collections.abc import Iterator

from selftaught.models.sprout.gym_skills import WORKED, draws
from selftaught.prompts import CHECK_AGAIN, IS_RIGHT, REWORD, WRITE_ALIKE
from selftaught.tasks.family import Facts, Family
from selftaught.tasks.own import family_class

Turn = tuple[str, str, bool]
Lesson = list[Turn]

SKILLS = {"solve": 66, "gym": 11, "judge": 10, "revise": 8, "reword": 4, "write": 1}
FAMILIES = {"sums": 1.6, "chain": 1.2, "linear": 1.2, "countdown": 1.2, "subset": 1.0, "sort": 0.9, "sudoku": 0.5}


def level_weights(levels: int) -> list[float]:
    """How often each level is asked. The top two never are, so that every ladder ends beyond what was taught."""
    return [min(i, 3) / 3 * 0.6 ** max(0, i - 5) for i in range(1, levels - 1)]


def solution(worked: tuple[str, str]) -> str:
    """(steps, answer) as one line that ends with the marked answer."""
    return f"{worked[0]} #### {worked[1]}".strip()


def question(rng: random.Random) -> tuple[Family, Facts, str]:
    """A random question as (family, facts, wording)."""
    kind = family_class(rng.choices(list(FAMILIES), list(FAMILIES.values()))[0])
    weights = level_weights(len(kind.ladder))
    family = kind(level=rng.choices(range(1, len(weights) + 1), weights)[0])
    return family, family.draw(rng), rng.choice(kind.wordings)


def lessons(seed: int) -> Iterator[Lesson]:
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
        family, facts, wording = question(rng)
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
            yield [("user", WRITE_ALIKE + prompt, False), ("assistant", other, True)]
        else:
            spoiled = solution(family.spoil(facts, rng))
            wrong = rng.random() < (0.5 if skill == "judge" else 0.8) and spoiled != right
            head = [("user", prompt, False), ("assistant", spoiled if wrong else right, not wrong)]
            if skill == "judge":
                yield [*head, ("user", IS_RIGHT, False), ("assistant", "no" if wrong else "yes", True)]
            else:
                yield [*head, ("user", CHECK_AGAIN, False), ("assistant", right, True)]
