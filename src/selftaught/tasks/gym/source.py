"""Gym: families of reasoning-gym, in their real prompts."""

import dataclasses
import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Self

from selftaught.answers.numbers import quantity
from selftaught.answers.spelling import canonical
from selftaught.parts import BadInput, convert, nearest, parse_options, part
from selftaught.stages import TaskSource
from selftaught.tasks.gym import expressions, literals
from selftaught.tasks.gym.refusals import REFUSALS
from selftaught.tasks.question import question
from selftaught.tasks.text import make_task, words
from selftaught.types import Split, Task, content_hash

SAMPLE = 24
KEPT = 0.9
# The same numbers or words in another order are the same question.
UNORDERED = frozenset({"chain_sum", "gcd", "group_anagrams", "lcm", "number_sorting", "products", "word_sorting"})
SPLITS: tuple[Split, ...] = ("train", "development", "audit", "held-out")
# Families whose own checker runs an answer as code: their answers are read here instead.
READERS: dict[str, Callable[[str, Mapping[str, Any]], float]] = {
    "binary_matrix": literals.binary_matrix,
    "countdown": expressions.countdown,
    "intermediate_integration": expressions.integral,
    "n_queens": literals.n_queens,
    "polynomial_multiplication": expressions.product,
    "puzzle24": expressions.puzzle24,
    "simple_integration": expressions.integral,
    "spiral_matrix": literals.spiral_matrix,
    "string_insertion": literals.string_insertion,
}


@part
@dataclass(frozen=True, kw_only=True)
class Gym(TaskSource):
    """Tasks of one reasoning-gym family: `gym:chain_sum`, `gym:chain_sum,min_terms=4`.

    Attributes:
        family: name of the family.
        options: fields of its configuration as `name=value` pairs with commas between.
        unsafe: its checkers may hang on an answer: they only run in the checker pool. None runs what an answer says.
    """

    checker = "gold"
    unsafe: ClassVar[bool] = True
    executes: ClassVar[bool] = False
    family: str = "chain_sum"
    options: str = ""

    def __post_init__(self) -> None:
        if self.family in REFUSALS:
            raise BadInput(f"gym:{self.family} is refused: {REFUSALS[self.family]}; choose another family")
        parse_options(self.options)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The source that `gym:NAME,option=value` names; raises BadInput on refused families."""
        family, _, options = text.removeprefix("gym:").partition(",")
        return cls(family=family.strip(), options=options)

    @property
    def scope(self) -> str:
        """Sources of one scope fingerprint alike."""
        return f"gym:{self.family}"

    def text(self) -> str:
        return f"gym:{self.family},{self.options}" if self.options else f"gym:{self.family}"

    def draw(self, key: str, count: int, split: Split) -> list[Task]:
        # reasoning-gym draws item i of seed s as Random(s + i), and some families take no seed beyond 32 bits:
        # each split has its own eighth of them, the last one is for the shared words.
        seed = (SPLITS.index(split) << 29) + int(content_hash(key, self.text()), 16) % (2**29 - count)
        items = items_of(self.family, self.options, seed, count)
        numeric = numeric_answers(self.family)
        return [make_task(item["question"].strip(), self.text(), split, item, self.checker, numeric) for item in items]

    def prepare(self) -> None:
        """Load what grading needs, before its time is taken."""
        dataset_of(self.family, self.options)

    def fingerprint(self, task: Task) -> str:
        shared = shared_words(self.family)
        text = question(task.prompt)
        flat = " ".join(text.split()).casefold()
        left = "" if shared is None else words(text, shared)
        if self.family in UNORDERED:
            left = " ".join(sorted(left.split()))
        return content_hash(self.family, left or flat)

    def check(self, task: Task, answer: str, entry: Mapping[str, Any] | None) -> float:
        if entry is None:
            return float("nan")
        reader = READERS.get(self.family)
        value = reader(answer, entry) if reader else dataset_of(self.family, self.options).score_answer(answer, dict(entry))
        return min(max(float(value), 0.0), 1.0)


def gym_module() -> Any:
    """reasoning_gym; raises BadInput when the extra is missing."""
    try:
        import reasoning_gym
    except ImportError:
        raise BadInput("gym tasks need an extra: pip install 'selftaught[gym]' (its pycosat needs a C compiler)") from None
    return reasoning_gym


def abouts() -> dict[str, str]:
    """What each family that can be had is about, by name; nothing when the extra is missing."""
    try:
        gym_module()
    except BadInput:
        return {}
    from reasoning_gym.factory import DATASETS

    docs = {name: inspect.cleandoc(cls.__doc__ or "").split("\n")[0] for name, (cls, _) in sorted(DATASETS.items())}
    return {name: about or "a family of reasoning-gym" for name, about in docs.items() if name not in REFUSALS}


@lru_cache(maxsize=256)
def settings(family: str, options: str) -> dict[str, Any]:
    """Options as the types the family's configuration asks for; raises BadInput on unknown names and bad values."""
    gym_module()
    from reasoning_gym.factory import DATASETS

    if family not in DATASETS:
        raise BadInput(f"unknown reasoning-gym family '{family}': {nearest(family, set(DATASETS) - set(REFUSALS))}")
    config = DATASETS[family][1]
    hints = typing.get_type_hints(config)
    known = [f.name for f in dataclasses.fields(config) if f.init and f.name not in ("seed", "size")]
    made: dict[str, Any] = {}
    for name, value in parse_options(options).items():
        if name not in known:
            raise BadInput(f"unknown option '{name}' of gym:{family}: {nearest(name, known)}")
        made[name] = setting(value, hints[name], f"gym:{family}.{name}")
    return made


def setting(value: str, hint: Any, where: str) -> Any:
    """Text as a configuration value; lists and tuples are written `a+b`."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (list, tuple):
        return origin(convert(piece, args[0] if args else str, where) for piece in value.split("+"))
    if hint in (int, float, str, bool) or origin is typing.Union:
        return convert(value, hint, where)
    raise BadInput(f"{where} cannot be set from text: leave it at its default")


def build(family: str, options: str, seed: int, count: int) -> Any:
    """The family's data set; raises BadInput when it does not accept the options."""
    chosen = settings(family, options)
    try:
        return gym_module().create_dataset(family, seed=seed, size=count, **chosen)
    except (AssertionError, ValueError, TypeError) as error:
        raise BadInput(f"gym:{family} does not accept {options or 'its defaults'}: {str(error).splitlines()[:1]}") from None


def items_of(family: str, options: str, seed: int, count: int) -> list[dict[str, Any]]:
    """Items of a data set in order."""
    made = build(family, options, seed, count)
    return [made[index] for index in range(count)]


@lru_cache(maxsize=64)
def dataset_of(family: str, options: str) -> Any:
    """A data set to grade with."""
    return build(family, options, 0, 1)


@lru_cache(maxsize=128)
def sample_of(family: str) -> list[dict[str, Any]]:
    """A few items of a family's defaults, of a seed that no split has."""
    return items_of(family, "", 7 << 29, SAMPLE)


@lru_cache(maxsize=128)
def numeric_answers(family: str) -> bool:
    """Whether a family's answers are numbers, so that a reply without a mark is read for its last one."""
    found = [quantity(canonical(str(item["answer"]))) for item in sample_of(family)]
    return all(number is not None and not number.unit for number in found)


@lru_cache(maxsize=128)
def shared_words(family: str) -> frozenset[str] | None:
    """Words every prompt of a family has, or None where prompts differ in signs rather than words.

    They are read off the family's defaults, so that all settings of a family fingerprint alike.
    """
    prompts = [item["question"] for item in sample_of(family)]
    shared = frozenset.intersection(*(frozenset(w for w in words(p).split() if w.isalpha()) for p in prompts))
    left = {words(p, shared) for p in prompts}
    whole = {" ".join(p.split()).casefold() for p in prompts}
    return shared if len(left) >= KEPT * len(whole) else None
