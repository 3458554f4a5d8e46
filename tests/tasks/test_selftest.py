"""The grader self-test finds graders that are broken, and passes those that are not."""

from dataclasses import dataclass

import pytest

from selftaught.tasks.grading.checkers import CheckerPool
from selftaught.tasks.grading.selftest import self_test
from selftaught.tasks.own import Own, families
from selftaught.tasks.source import parse_source


@dataclass(frozen=True, kw_only=True)
class Broken(Own):
    """An own family whose grader has a bug."""

    bug: str = ""

    def check(self, task, answer, entry):
        right = entry["answer"]
        return {
            "all": 1.0, "none": 0.0, "text": float(bool(answer)), "near": float(answer.isdigit() and abs(int(answer) - int(right)) < 2),
            "pay": 1.0 if answer == right else 0.05, "nan": float("nan"), "spaces": float(answer == f" {right}"),
        }[self.bug] if self.bug != "throw" else 1 / 0  # fmt: skip


def test_every_own_family_passes_at_every_level():
    reads = []
    sources = [parse_source(f"{name}:level={level}") for name, cls in families().items() for level in range(1, len(cls.ladder) + 1)]
    assert self_test(sources, lambda: reads.append(1)) == []
    assert len(reads) == 8 * len(sources)


@pytest.mark.parametrize(
    "bug, says",
    [
        ("all", "empty answer is paid"), ("none", "own answer fails"), ("text", "another task's answer passes"),
        ("near", "off by one passes"),
        ("pay", "empty answer is paid"), ("nan", "own answer fails"), ("throw", "own answer fails"), ("spaces", "own answer fails"),
    ],
)  # fmt: skip
def test_broken_graders_are_found(bug, says):
    problems = self_test([Broken(family="sums", options="level=4", bug=bug)], lambda: None)
    assert any(says in problem and problem.startswith("sums:level=4: ") for problem in problems)
    assert all("\n" not in problem for problem in problems)


def test_rule_graders_may_be_lucky_but_not_blind():
    assert any("another task's" in p for p in self_test([Broken(family="subset", options="level=1", bug="text")], lambda: None))


def test_sources_without_answers_pass(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"prompt": "Hello?"}\n' * 3, encoding="utf-8")
    assert self_test([parse_source(str(tmp_path / "a.jsonl"))], lambda: None) == []


@pytest.mark.gym
def test_gym_graders():
    pytest.importorskip("reasoning_gym")
    with CheckerPool(workers=1) as pool:
        problems = self_test([parse_source("gym:chain_sum"), parse_source("gym:n_queens")], lambda: None, pool)
    assert problems == []
