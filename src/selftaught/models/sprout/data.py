"""Procedural lessons for sprout: solving, judging, revising, rewording and writing tasks."""

import random
from collections.abc import Iterator

from selftaught.models.sprout.gym_skills import WORKED, draws
from selftaught.parts import shelf
from selftaught.tasks.family import Facts, Family

Turn = tuple[str, str]
Lesson = list[Turn]

JUDGE = "Is that right? Answer yes or no."
REVISE = "Check that and answer again."
REWORD = "Say this in other words: "
WRITE = "Write another task like this: "
SKILLS = {"solve": 64, "gym": 14, "judge": 9, "revise": 7, "reword": 4, "write": 2}
FALL = 0.8


def solution(worked: tuple[str, str]) -> str:
    """(steps, answer) as one line that ends with the marked answer."""
    return f"{worked[0]} #### {worked[1]}".strip()


def question(rng: random.Random, families: list[type[Family]]) -> tuple[Family, Facts, str]:
    """A random question as (family, facts, wording); each level is asked 0.8 times as often as the one below, the top two never."""
    kind = rng.choice(families)
    levels = range(1, len(kind.ladder) - 1)
    family = kind(level=rng.choices(levels, weights=[FALL**level for level in levels])[0])
    facts = family.draw(rng)
    wording = rng.choice(kind.wordings)
    return family, facts, wording


def lessons(seed: int) -> Iterator[Lesson]:
    """An endless stream of conversations; the learner is graded on each conversation's last turn."""
    rng = random.Random(seed)
    families = list(shelf("family").values())
    names, weights = list(SKILLS), list(SKILLS.values())
    gym: list[tuple[str, str]] = []
    while True:
        skill = rng.choices(names, weights)[0]
        if skill == "gym":
            gym = gym or draws(rng.choice(list(WORKED)), rng, 64)
            prompt, worked = gym.pop()
            yield [("user", prompt), ("assistant", worked)]
            continue
        family, facts, wording = question(rng, families)
        prompt = family.render(facts, family.wordings.index(wording))
        right = solution(family.work(facts))
        if skill == "solve":
            yield [("user", prompt), ("assistant", right)]
        elif skill == "reword":  # another wording, and another order where order does not matter
            shift = rng.randrange(1, len(family.wordings))
            other = family.render(family.vary(facts, rng), family.wordings.index(wording) + shift)
            yield [("user", REWORD + prompt), ("assistant", other)]
        elif skill == "write":
            yield [("user", WRITE + prompt), ("assistant", family.render(family.draw(rng), rng.randrange(8)))]
        else:
            spoiled = solution(family.spoil(facts, rng))
            wrong = rng.random() < (0.5 if skill == "judge" else 0.8) and spoiled != right
            head = [("user", prompt), ("assistant", spoiled if wrong else right)]
            if skill == "judge":
                yield [*head, ("user", JUDGE), ("assistant", "no" if wrong else "yes")]
            else:
                yield [*head, ("user", REVISE), ("assistant", right)]
