"""What every measurement is told, and what it hands back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.speed.pairs import Reply, fastest
from benchmarks.speed.worker import Worker

Found = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Options:
    """Attributes: pairs of each comparison; threads of each side; settings found before, by side, empty to look for them again."""

    rounds: int = 7
    threads: int = 2
    settings: Mapping[str, Any] = field(default_factory=dict)

    def pick(
        self, side: str, settings: Mapping[str, Callable[[], Worker]], unit: Callable[[Worker], Reply], repeats: int = 2
    ) -> tuple[str, Worker, Found]:
        """The fastest setting of a side, its worker (warmed up), and what was tried; the one found before where that is asked."""
        before = self.settings.get(side, {})
        if before.get("used") in settings:
            worker = settings[before["used"]]()
            unit(worker)
            return before["used"], worker, dict(before)
        name, worker, tried = fastest(settings, unit, repeats)
        return name, worker, {"used": name, "tried": tried}


def noted(noise: str) -> str:
    """What is added to a footnote when the machine was not quiet."""
    return f" ({noise})" if noise else ""


def opening(name: str, options: Options, do: str, **given: Any) -> Callable[[], Worker]:
    """A function that starts a side and gives it its first command; the process ends when that fails."""

    def opened() -> Worker:
        worker = Worker(name, options.threads)
        try:
            worker.ask(do, **given)
        except BaseException:
            worker.close()
            raise
        return worker

    return opened
