"""Family: procedural tasks with levels, whose facts can be read back from the prompt."""

import random
import re
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, ClassVar

from selftaught.parts import BadInput, Part

Facts = tuple[Any, ...]
Say = Callable[[int], int]
WORDS = ("terse", "plain")


def exactly(number: int) -> int:
    """Write down a number as it is; a slip writes another one."""
    return number


@dataclass(frozen=True, kw_only=True)
class Family(Part):
    """One kind of procedural question, from easy to beyond reach.

    A question is its `facts`, a hashable tuple that the prompt shows completely: `render` writes them in
    one of several wordings, `read` gets them back. A rule checker therefore decides from the prompt alone.

    Attributes:
        ladder: settings of level 1, 2, ... (each a mapping of field names to values).
        wordings: prompt templates over the named pieces that `show` returns.
        plain: such templates in plain language, for any model, where the others are terse.
        limits: least and most of a field, beyond which it has no question, or none that ends in reasonable time.
        signal: "vote" when one answer is right, "rule" when `check` can tell from the prompt.
        numeric: answers are whole numbers.
        reads: how a reply is read where nobody says otherwise, in the words of `Format.answer`; "" leaves it to the format.
        level: when above 0, the fields take that step of the ladder.
        words: "terse" or "plain", the wordings that are asked; a family with one set asks that.
    """

    kind: ClassVar[str] = "family"
    ladder: ClassVar[tuple[Mapping[str, int], ...]] = ()
    wordings: ClassVar[tuple[str, ...]] = ()
    plain: ClassVar[tuple[str, ...]] = ()
    limits: ClassVar[Mapping[str, tuple[int, int]]] = {}
    signal: ClassVar[str] = "vote"
    numeric: ClassVar[bool] = False
    reads: ClassVar[str] = ""
    level: int = 0
    words: str = "terse"

    def __post_init__(self) -> None:
        if not 0 <= self.level <= len(self.ladder):
            raise BadInput(f"{self.name}: level={self.level} is outside 1 to {len(self.ladder)}: give one within")
        if self.words not in WORDS:
            raise BadInput(f"{self.name}: words={self.words} is unknown: write {' or '.join(WORDS)}")
        defaults = {field.name: field.default for field in fields(self)}
        for key, value in self.ladder[self.level - 1].items() if self.level else ():
            if getattr(self, key) not in (defaults[key], value):
                raise BadInput(f"{self.name}: level={self.level} sets {key}={value}: leave out {key}={getattr(self, key)} or the level")
            object.__setattr__(self, key, value)
        for key in defaults:
            least, most = self.limits.get(key, (0, None))
            if isinstance(value := getattr(self, key), int) and (value < least or (most is not None and value > most)):
                span = f"outside {least} to {most}" if most is not None else "negative"
                raise BadInput(f"{self.name}: {key}={value} is {span}: give another value")

    @property
    def asked(self) -> tuple[str, ...]:
        """The wordings that questions are asked in."""
        return self.plain if self.words == "plain" and self.plain else self.wordings

    @abstractmethod
    def draw(self, rng: random.Random) -> Facts:
        """Facts of one question at this family's settings."""

    @abstractmethod
    def show(self, facts: Facts) -> dict[str, str]:
        """Facts as the named pieces of the wordings."""

    @abstractmethod
    def parse(self, pieces: Mapping[str, str]) -> Facts:
        """The inverse of `show`; raises ValueError on anything else."""

    @abstractmethod
    def work(self, facts: Facts, say: Say = exactly) -> tuple[str, str]:
        """A worked solution: (steps, answer). Every computed number passes through `say`."""

    def check(self, facts: Facts, answer: str) -> bool:
        """Whether an answer is right, from the facts alone (only where `signal` is "rule")."""
        raise NotImplementedError(f"{self.name} has no rule: compare with the answer instead")

    def vary(self, facts: Facts, rng: random.Random) -> Facts:
        """Other facts with the same answer (reordered terms, say); the same facts by default."""
        return facts

    def identity(self, facts: Facts) -> Facts:
        """Facts that are equal for one question in any order its terms may take; the facts by default."""
        return facts

    def spoil(self, facts: Facts, rng: random.Random) -> tuple[str, str]:
        """A worked solution with one slip in it: (steps, wrong answer)."""
        calls = 0

        def count(number: int) -> int:
            nonlocal calls
            calls += 1
            return number

        self.work(facts, count)
        left = rng.randrange(max(calls, 1))

        def slip(number: int) -> int:
            nonlocal left
            left -= 1
            return number + rng.choice((-10, -2, -1, 1, 2, 10)) if left == -1 else number

        return self.work(facts, slip)

    def render(self, facts: Facts, wording: int = 0) -> str:
        """The prompt that shows these facts in one of the wordings that are asked."""
        return self.asked[wording % len(self.asked)].format(**self.show(facts))

    @classmethod
    def read(cls, prompt: str) -> Facts | None:
        """The facts a prompt shows, whatever its wording; None when it is not of this family."""
        kind: Any = cls
        return read_as(kind, prompt.strip())


# Attempts at one question are looked at one after the other.
@lru_cache(maxsize=1024)
def read_as(cls: Any, prompt: str) -> Facts | None:
    """See `Family.read`."""
    for wording in (*cls.wordings, *cls.plain):
        if found := pattern_of(wording).fullmatch(prompt):
            try:
                facts: Facts = cls().parse(found.groupdict())
                return facts
            except (ValueError, IndexError):
                continue
    return None


@lru_cache(maxsize=1024)
def pattern_of(wording: str) -> re.Pattern[str]:
    """Matches what `render` makes of a wording, its pieces as named groups."""
    pieces = re.split(r"\{(\w+)\}", wording)
    return re.compile("".join(f"(?P<{piece}>.+?)" if i % 2 else re.escape(piece) for i, piece in enumerate(pieces)))


def integers(text: str, sep: str) -> tuple[int, ...]:
    """`3, 14, 15` as integers; raises ValueError on anything else, also on absurd lengths."""
    if len(text) > 400:
        raise ValueError("too long")
    return tuple(int(piece) for piece in text.split(sep))


def listed(items: Iterable[Any], last: str = "and") -> str:
    """`3, 14 and 15`, as one says it."""
    *head, tail = map(str, items)
    return f"{', '.join(head)} {last} {tail}" if head else tail


def unlisted(text: str, last: str = "and") -> list[str]:
    """The inverse of `listed`."""
    return text.replace(f" {last} ", ", ", 1).split(", ")
