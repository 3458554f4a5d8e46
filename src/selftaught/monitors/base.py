"""Monitor: what looks at the numbers of a run and says, in plain words, what is wrong."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from selftaught.monitors.series import Steps
from selftaught.parts import Part


@dataclass(frozen=True, kw_only=True)
class Monitor(Part):
    """Watches the numbers of a run.

    Attributes:
        lag: steps before its alarm that the trouble may have begun; what was saved earlier is handed back.
    """

    kind: ClassVar[str] = "monitor"
    lag: ClassVar[int] = 8

    @abstractmethod
    def alarm(self, steps: Steps) -> str:
        """What is wrong, in one sentence; "" when nothing is."""
