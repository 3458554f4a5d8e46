"""Own: the procedural families that ship with the package, as a task source."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from selftaught.format import canonical
from selftaught.parts import BadInput, build, nearest, parse_options, part, shelf, walk
from selftaught.stages import TaskSource
from selftaught.tasks.family import Family
from selftaught.tasks.question import question
from selftaught.tasks.text import make_task, text_fingerprint, words
from selftaught.types import Split, Task, content_hash

LONGEST_PROMPT = 1000
LONGEST_ANSWER = 400


def families() -> dict[str, type[Family]]:
    """The families of this package by name; other packages' are found by `family_class`."""
    walk("selftaught.tasks.families")
    return {cls.name: cls for cls in sorted(Family.__subclasses__(), key=lambda c: c.name)}


def family_class(name: str) -> type[Family]:
    """The family of that name; raises BadInput naming the nearest one."""
    known: dict[str, Any] = {**families()}
    if name not in known:
        # The whole registry is read only when it must be: it imports every stage.
        known |= shelf("family")
    if name not in known:
        raise BadInput(f"unknown task family '{name}': {nearest(name, known)}")
    found: type[Family] = known[name]
    return found


@lru_cache(maxsize=512)
def family_of(name: str, options: str) -> Family:
    """A family at its settings; raises BadInput on unknown names and bad values."""
    made: Family = build(family_class(name), parse_options(options), name)
    return made


@part
@dataclass(frozen=True, kw_only=True)
class Own(TaskSource):
    """Tasks of one own family: `sums`, `sums:level=5`, `sums:terms=6,digits=2`.

    Attributes:
        family: name of the family.
        options: its options as `name=value` pairs with commas between.
    """

    family: str = "sums"
    options: str = ""

    def __post_init__(self) -> None:
        kind = family_of(self.family, self.options)
        object.__setattr__(self, "checker", "rule" if kind.signal == "rule" else "equal")
        object.__setattr__(self, "numeric", kind.numeric)

    @property
    def scope(self) -> str:
        """Sources of one scope fingerprint alike."""
        return f"own:{self.family}"

    def text(self) -> str:
        return f"{self.family}:{self.options}" if self.options else self.family

    def draw(self, key: str, count: int, split: Split) -> list[Task]:
        rng, family = random.Random(content_hash(key, split, self.text())), family_of(self.family, self.options)
        tasks = []
        for _ in range(count):
            facts = family.draw(rng)
            prompt = family.render(facts, rng.randrange(len(family.asked)))
            entry = {"answer": family.work(facts)[1]}
            tasks.append(make_task(prompt, self.text(), split, entry, self.checker, self.numeric, family.reads))
        return tasks

    def fingerprint(self, task: Task) -> str:
        family = family_of(self.family, self.options)
        text = question(task.prompt)
        facts = family.read(text) if len(text) <= LONGEST_PROMPT else None
        if facts is not None:
            return content_hash(self.family, family.identity(facts))
        # Questions of other families are kept apart by their words and numbers, whatever the signs.
        made = task.source.partition(":")[0] in families()
        return content_hash(words(text) or " ".join(text.split())) if made else text_fingerprint(task.prompt)

    def check(self, task: Task, answer: str, entry: Mapping[str, Any] | None) -> float:
        if len(answer) > LONGEST_ANSWER or len(task.text) > LONGEST_PROMPT:
            return 0.0
        if self.checker == "rule":
            family = family_of(self.family, self.options)
            facts = family.read(task.text)
            # A prompt the family cannot read (a model may have written it) cannot be graded.
            return float("nan") if facts is None else float(family.check(facts, answer))
        return float("nan") if entry is None else float(canonical(answer) == canonical(str(entry["answer"])))
