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
    """Games by name, each a task whose `start` says which environment it is and where it stands.

    Two draws are two games even when they deal alike; nobody grades them, the environment pays.

    Attributes:
        game: name of the environment.
    """

    name: ClassVar[str] = "game"
    game: str = "kuhn"

    @classmethod
    def parse(cls, text: str) -> Self:
        """`game:kuhn` as a source; raises BadInput when there is no such game."""
        return cls(game=find("environment", text.partition(":")[2]).name)

    def text(self) -> str:
        return f"game:{self.game}"

    def draw(self, key: str, count: int, split: Split) -> list[Task]:
        tasks = []
        for i in range(count):
            environment: Any = build(find("environment", self.game), {})
            mark = content_hash(key, split, i)
            environment.reset(mark)
            start = {"environment": self.game, "options": {}, "snapshot": environment.snapshot(), "key": mark}
            prompt, source = environment.rules, self.text()
            tasks.append(Task(id=content_hash(prompt, mark, source), prompt=prompt, start=start, source=source, split=split))
        return tasks

    def fingerprint(self, task: Task) -> str:
        known = isinstance(task.start, Mapping) and "key" in task.start
        return content_hash(task.source, task.start["key"]) if known else text_fingerprint(task.text)
