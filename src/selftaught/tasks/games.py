"""Games: a task source whose tasks are games about to begin."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from selftaught.parts import build, find, part
from selftaught.stages import TaskSource
from selftaught.tasks.text import text_fingerprint
from selftaught.types import Split, Task, content_hash


@part
@dataclass(frozen=True, kw_only=True)
class Games(TaskSource):
    """Games by name, each a task whose `start` says which world it is and where it stands.

    Two draws are two games even when they deal alike; nobody grades them, the world pays.

    Attributes:
        game: name of the world.
    """

    name: ClassVar[str] = "game"
    game: str = "kuhn"

    @classmethod
    def parse(cls, text: str) -> Self:
        """`game:kuhn` as a source; raises BadInput when there is no such world."""
        return cls(game=find("world", text.partition(":")[2]).name)

    def text(self) -> str:
        return f"game:{self.game}"

    def draw(self, key: str, count: int, split: Split) -> list[Task]:
        tasks = []
        for i in range(count):
            world: Any = build(find("world", self.game), {})
            mark = content_hash(key, split, i)
            world.reset(mark)
            start = {"world": self.game, "options": {}, "snapshot": world.snapshot(), "key": mark}
            prompt, source = world.rules, self.text()
            tasks.append(Task(id=content_hash(prompt, mark, source), prompt=prompt, start=start, source=source, split=split))
        return tasks

    def fingerprint(self, task: Task) -> str:
        known = isinstance(task.start, Mapping) and "key" in task.start
        return content_hash(task.source, task.start["key"]) if known else text_fingerprint(task.text)
