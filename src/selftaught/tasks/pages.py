"""Pages: an invented town, two short pages a person, with questions of one or two hops about them."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Self

from selftaught.parts import BadInput, build, parse_options, part
from selftaught.tasks.documents import Documents
from selftaught.types import Split, Task, content_hash

ONSETS = tuple(c + v for c in "BDFKLMNPRST" for v in ("ae" if c in "FNP" else "aeo"))
ENDS = ("dor", "lin", "mik", "nor", "pel", "ras", "tun", "vik")
NAMES = tuple(first + last for last in ENDS for first in ONSETS)
VALUES: Mapping[str, tuple[str, ...]] = {
    "home": tuple(f"{first.lower()}{last}" for last in ("ham", "ford") for first in ONSETS),
    "craft": tuple(f"{first.lower()}{last}" for last in ("wright", "smith") for first in ONSETS[:20]),
    "pet": tuple(f"{first.lower()}ling" for first in ONSETS),
}
FRIEND = "friend"
ASKED = re.compile(r"(\w+) of (?:(friend) of )?(\w+) ?\?")
# person -> what is true of him
People = Mapping[str, Mapping[str, str]]


@lru_cache(maxsize=64)
def town(people: int, world: int) -> tuple[People, People]:
    """(those who may be met while training, those who are held out); friends are on the same side."""
    rng = random.Random(content_hash("pages", people, world))
    names = rng.sample(NAMES, people)
    sides = []
    for side in (names[::2], names[1::2]):
        friends = [rng.choice([other for other in side if other != name]) for name in side]
        sides.append({n: {k: rng.choice(v) for k, v in VALUES.items()} | {FRIEND: f} for n, f in zip(side, friends, strict=True)})
    return sides[0], sides[1]


def pages_of(people: People) -> tuple[str, ...]:
    """Two pages a person, person by person."""
    pages = []
    for name, facts in people.items():
        pages += [f"{name} home {facts['home']} craft {facts['craft']}.", f"{name} friend {facts[FRIEND]} pet {facts['pet']}."]
    return tuple(pages)


@part
@dataclass(frozen=True, kw_only=True)
class Pages(Documents):
    """Invented facts: `pages:world=3`, or `pages:people=100,world=3`. Whose friend one is stands beside who one's friend is.

    Half of the people are met in training, the other half only in questions that judge, which ask two hops three times
    in four. Pages of others that name the same person are distractors; a search can leave out the page that is meant.

    Attributes:
        people: how many there are, 8 to 240.
        world: which town, 0 to 1,000,000; each has facts of its own.
    """

    name: ClassVar[str] = "pages"
    people: int = 240
    world: int = 0

    def __post_init__(self) -> None:
        if not 8 <= self.people <= len(NAMES) or not 0 <= self.world <= 10**6:
            raise BadInput(f"pages: people={self.people} must be 8 to {len(NAMES)}, world={self.world} 0 to 1000000")

    @classmethod
    def parse(cls, text: str) -> Self:
        """`pages:world=3` as a source."""
        made: Self = build(cls, parse_options(text.partition(":")[2]), "pages")
        return made

    def text(self) -> str:
        return f"pages:people={self.people},world={self.world}"

    def library(self, split: Split) -> tuple[str, ...]:
        mine, theirs = town(self.people, self.world)
        return pages_of(mine) if split == "train" else pages_of({**mine, **theirs})

    def truth(self, question: str) -> str | None:
        found = ASKED.fullmatch(question.strip())
        people = {**town(self.people, self.world)[0], **town(self.people, self.world)[1]}
        if not found or found[1] not in (*VALUES, FRIEND) or found[3] not in people:
            return None
        return people[people[found[3]][FRIEND] if found[2] else found[3]][found[1]]

    def draw(self, key: str, count: int, split: Split) -> list[Task]:
        rng, side = random.Random(content_hash(key, split, self.text())), town(self.people, self.world)[split != "train"]
        tasks = []
        for _ in range(count):
            name, what = rng.choice(list(side)), rng.choice((*VALUES, FRIEND))
            hops = f"{FRIEND} of " * (rng.random() < 0.75)
            question = f"{what} of {hops}{name}?"
            answer = str(self.truth(question))
            tasks.append(self.sought(answer, split) if split == "train" else self.asked(question, answer, split))
        return tasks
