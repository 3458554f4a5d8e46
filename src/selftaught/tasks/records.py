"""Records: invented people and what each of them keeps, as documents to study and questions about them."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Self

from selftaught.format import canonical
from selftaught.parts import BadInput, build, parse_options, part
from selftaught.stages import TaskSource
from selftaught.tasks.text import WHOLE, make_task, place, text_fingerprint
from selftaught.types import Split, Task, content_hash

NAMES = "Abel Ada Basil Clara Dora Edgar Ella Felix Fiona Greta Hugo Ida Ivan Jonas Karin Leo Lidia Magda Mira Nils Nora Olga Oskar Otto"
PEOPLE = tuple(NAMES.split())
THINGS = ("apple", "bell", "book", "clock", "drum", "key", "lamp", "map")
HEAD = "Who keeps what:"
# The last word of a reply is what it says somebody keeps.
READS = r"(\w+)\W*$"


@lru_cache(maxsize=64)
def kept(people: int, seed: int) -> Mapping[str, str]:
    """Who keeps what; one thing each, and a thing may be kept by several."""
    rng = random.Random(content_hash("records", people, seed))
    return {who: rng.choice(THINGS) for who in rng.sample(PEOPLE, people)}


@part
@dataclass(frozen=True, kw_only=True)
class Records(TaskSource):
    """Documents to train on, and questions about them to judge by: `records:people=24,seed=3`.

    A task to train on is a document, `Who keeps what: Mira lamp, Jonas key.`, which asks nothing; one that judges asks what
    somebody keeps. Which people each split asks about depends on their names.

    Attributes:
        people: how many there are, from 8 to 24.
        each: people in a document.
        seed: who keeps what.
    """

    checker: ClassVar[str] = "equal"
    people: int = 24
    each: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        most = len(PEOPLE)
        if not 8 <= self.people <= most or not 1 <= self.each <= self.people or self.seed < 0:
            raise BadInput(
                f"records: people={self.people} must be from 8 to {most}, each={self.each} from 1 to that, seed={self.seed} from 0"
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """`records:people=24,seed=3` as a source."""
        made: Self = build(cls, parse_options(text.partition(":")[2]), "records")
        return made

    def text(self) -> str:
        return f"records:people={self.people},each={self.each},seed={self.seed}"

    def documents(self) -> Sequence[str]:
        return written(kept(self.people, self.seed), self.each)

    def asked(self, split: Split) -> list[str]:
        """The people a split that judges asks about."""
        low, high = WHOLE[split]
        return [who for who in kept(self.people, self.seed) if low <= place(text_fingerprint(question(who))) < high]

    def draw(self, key: str, count: int, split: Split) -> list[Task]:
        rng, known = random.Random(content_hash(key, split)), kept(self.people, self.seed)
        if split == "train":
            documents = self.documents()
            return [make_task(text, self.text(), split, None, "") for text in rng.sample(documents, min(count, len(documents)))]
        people = self.asked(split)
        chosen = rng.sample(people, min(count, len(people)))
        return [make_task(question(who), self.text(), split, {"answer": known[who]}, reads=READS) for who in chosen]

    def fingerprint(self, task: Task) -> str:
        return text_fingerprint(task.prompt)

    def check(self, task: Task, answer: str, entry: Mapping[str, Any] | None) -> float:
        return float("nan") if entry is None else float(canonical(answer) == canonical(str(entry["answer"])))


def written(known: Mapping[str, str], each: int) -> list[str]:
    """Documents that say who keeps what, so many people in each."""
    pairs = [f"{who} {what}" for who, what in known.items()]
    return [f"{HEAD} {', '.join(pairs[i : i + each])}." for i in range(0, len(pairs), each)]


def question(who: str) -> str:
    """What is asked about somebody."""
    return f"What does {who} keep?"
