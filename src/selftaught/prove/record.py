"""What one side of the gate is, how it is written down, and who draws for it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol, Self

import numpy as np

from selftaught.parts import BadInput
from selftaught.types import Floats, Group, SamplerSettings, Task

AS_IS = "{prompt}"
TOKENS = ("prompt_tokens", "sampled_tokens", "best_prompt_tokens", "best_tokens")


class GateSampler(Protocol):
    """Draws attempts and grades them, outside the budget, with every answer read counted under "evaluate".

    A sampler may name what the best decoding is chosen from for it: `temperatures` and `templates`. A group may carry
    scores "prompted" and "sampled", the tokens an attempt cost, where its payload does not show them all.
    """

    async def draw(
        self, tasks: Sequence[Task], n: int, settings: SamplerSettings, weights: str, label: str, template: str = AS_IS
    ) -> list[Group]:
        """One group a task, in any order; a group may have fewer attempts, or be missing.

        Attempt i of a task takes its noise from (evaluation seed, task, i) alone, so that both sides of the
        gate share it. `label` keeps requests apart and must not enter the noise, nor must `template`, the
        wording around the prompt.
        """
        ...

    async def grade(self, groups: Sequence[Group]) -> list[Floats]:
        """f32[G] for each group, in order: a grade in [0, 1] per attempt, NaN where nobody can tell."""
        ...

    def answer(self, text: str, task: Task) -> str | None:
        """The canonical answer in a reply to a task by the run's Format."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Side:
    """What one set of weights did on B held-out tasks; correctness is 0, 1 or NaN (not graded).

    Attributes:
        label: which side it is, "start" or "result".
        tasks_B: ids of the held-out tasks.
        settings: the stated sampler.
        correct_B_n: f32[B,n] at the stated sampler.
        answers_B_n: canonical answers of the same attempts, None where there is none.
        scores_B_n: f32[B,n] mean log-probability of their sampled tokens, in nats; NaN where unknown.
        greedy_B: f32[B] at temperature 0.
        best_settings: the sampler that was best on the development tasks.
        best_B_m: f32[B,m] at the best decoding; m is 1 when that is greedy, n when it is the stated sampler.
        development: accuracy on the development tasks by temperature, with `best_template`.
        best_template: the wording around the prompt that was best on the development tasks.
        prompt_tokens, sampled_tokens: means a request and an attempt at the stated sampler, NaN where unknown.
        best_prompt_tokens, best_tokens: the same at the best decoding.
        families_B: source of each held-out task; empty where unknown.
    """

    label: str
    tasks_B: tuple[str, ...]
    settings: SamplerSettings
    correct_B_n: Floats
    answers_B_n: tuple[tuple[str | None, ...], ...]
    scores_B_n: Floats
    greedy_B: Floats
    best_settings: SamplerSettings
    best_B_m: Floats
    development: Mapping[float, float] = field(default_factory=dict)
    best_template: str = AS_IS
    prompt_tokens: float = float("nan")
    sampled_tokens: float = float("nan")
    best_prompt_tokens: float = float("nan")
    best_tokens: float = float("nan")
    families_B: tuple[str, ...] = ()

    @property
    def decoding(self) -> tuple[SamplerSettings, str]:
        """The best decoding: sampler and wording."""
        return self.best_settings, self.best_template

    def first(self, count: int) -> Self:
        """The same side on its first tasks alone."""
        rows = ("tasks_B", "families_B", "correct_B_n", "answers_B_n", "scores_B_n", "greedy_B", "best_B_m")
        return replace(self, **{name: getattr(self, name)[:count] for name in rows}) if count < len(self.tasks_B) else self

    def joined(self, more: Self) -> Self:
        """The side on its own tasks and those of `more`, which is of the same weights at the same decodings.

        Raises:
            ValueError: the two differ in a decoding or share a task.
        """
        if self.settings != more.settings or self.decoding != more.decoding or {*self.tasks_B} & {*more.tasks_B}:
            raise ValueError("only sides of the same decodings on different tasks can be joined")
        share = len(more.tasks_B) / (len(self.tasks_B) + len(more.tasks_B))
        tables = ("correct_B_n", "scores_B_n", "greedy_B", "best_B_m")
        rows: dict[str, Any] = {name: np.concatenate([getattr(self, name), getattr(more, name)]) for name in tables}
        rows |= {name: getattr(self, name) + getattr(more, name) for name in ("tasks_B", "families_B", "answers_B_n")}
        means = {name: (1 - share) * getattr(self, name) + share * getattr(more, name) for name in TOKENS}
        return replace(self, **rows, **means)

    def record(self) -> dict[str, Any]:
        """JSON-ready and exact; NaN is null."""
        return {
            "label": self.label, "tasks_B": list(self.tasks_B), "families_B": list(self.families_B), "settings": asdict(self.settings),
            "correct_B_n": _rows(self.correct_B_n), "answers_B_n": [list(answers) for answers in self.answers_B_n],
            "scores_B_n": _rows(self.scores_B_n), "greedy_B": _row(self.greedy_B), "best_settings": asdict(self.best_settings),
            "best_B_m": _rows(self.best_B_m), "development": {repr(float(t)): _number(a) for t, a in self.development.items()},
            "best_template": self.best_template, **{name: _number(getattr(self, name)) for name in TOKENS},
        }  # fmt: skip

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Self:
        """The inverse of `record`; raises BadInput for anything else."""
        try:
            tasks = tuple(record["tasks_B"])
            fields: dict[str, Any] = {key: record[key] for key in ("label", "best_template")}
            fields |= {key: _float(record[key]) for key in TOKENS}
            fields |= {key: _table(record[key], len(tasks)) for key in ("correct_B_n", "scores_B_n", "best_B_m")}
            return cls(
                tasks_B=tasks, families_B=tuple(record["families_B"]), **fields,
                settings=_settings(record["settings"]), best_settings=_settings(record["best_settings"]),
                answers_B_n=tuple(tuple(answers) for answers in record["answers_B_n"]),
                greedy_B=np.array([_float(value) for value in record["greedy_B"]], np.float32),
                development={float(t): _float(accuracy) for t, accuracy in record["development"].items()},
            )  # fmt: skip
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadInput(f"this is no side of a gate ({type(error).__name__}: {error}): measure it again") from None


def _settings(fields: Mapping[str, Any]) -> SamplerSettings:
    return SamplerSettings(**{**fields, "stop": tuple(fields["stop"])})


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _float(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _row(values: Floats) -> list[float | None]:
    return [_number(value) for value in values]


def _rows(values_B_n: Floats) -> list[list[float | None]]:
    return [_row(values_n) for values_n in values_B_n]


def _table(rows: Sequence[Sequence[float | None]], count: int) -> Floats:
    """f32[B,n] of a list of rows."""
    table = np.array([[_float(value) for value in row] for row in rows], np.float32).reshape(len(rows), -1)
    if len(table) != count:
        raise ValueError(f"{len(table)} rows for {count} tasks")
    return table
