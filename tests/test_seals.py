"""Seals: an answer is read by the grader alone, for a purpose that was declared, and every reading is counted."""

import ast
import asyncio
import copy
import gc
import json
import math
import pickle
import weakref
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pytest

import selftaught
from selftaught.recipe import get_recipe
from selftaught.run.grader import READABLE
from selftaught.seals import GoldReader, SealBroken, Sealed
from selftaught.stages import Supervise
from selftaught.types import PURPOSES, Task, content_hash

SECRET = "31337"
HOME = Path(selftaught.__file__).parent


def task_of(split="train", checker="equal"):
    return Task(id="x", prompt="?", sealed=Sealed({"answer": SECRET}), checker=checker, split=split, source="sums:level=2")


@pytest.mark.parametrize("reader", [None, lambda: None, "gold", object(), GoldReader])
def test_nothing_but_a_reader_opens_a_seal(reader):
    with pytest.raises(SealBroken, match=r"test_seals.*declare signal = \('gold',\)"):
        task_of().sealed.open(reader)


def test_a_reader_counts_before_it_sees():
    seen = []

    def refuse():
        seen.append(1)
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        task_of().sealed.open(GoldReader("train", refuse))
    entry = task_of().sealed.open(GoldReader("train", lambda: seen.append(2)))
    assert seen == [1, 2] and entry == {"answer": SECRET}


def test_an_opened_entry_is_a_copy():
    sealed, reader = task_of().sealed, GoldReader("audit", lambda: None)
    sealed.open(reader)["answer"] = "mine"
    assert sealed.open(reader) == {"answer": SECRET}


def test_casual_looks_give_nothing():
    task = task_of()
    for text in (repr(task), str(task.sealed), json.dumps(task.sealed, default=str), content_hash(task.sealed), repr(asdict(task))):
        assert SECRET not in text
    assert not hasattr(task.sealed, "__dict__") and not hasattr(task.sealed, "_entry") and type(task.sealed).__slots__ == ("__weakref__",)
    assert all(SECRET not in repr(getattr(task.sealed, name)) for name in dir(task.sealed) if name != "open")
    assert copy.copy(task.sealed) is copy.deepcopy(task.sealed) is task.sealed and replace(task).sealed is task.sealed


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_seals_do_not_travel(protocol):
    with pytest.raises(SealBroken, match="does not travel"):
        pickle.dumps(task_of().sealed, protocol)
    with pytest.raises(SealBroken):
        pickle.dumps(task_of(), protocol)
    assert pickle.loads(pickle.dumps(replace(task_of(), sealed=None), protocol)).id == "x"


def test_entries_go_with_their_seals():
    class Answer:
        """Something that can be watched."""

    answer = Answer()
    sealed, alive = Sealed({"answer": answer}), weakref.ref(answer)
    del answer
    gc.collect()
    assert alive() is not None and sealed is not None
    del sealed
    gc.collect()
    assert alive() is None


def test_only_the_grader_and_the_self_test_hold_readers():
    holders = set()
    for path in HOME.rglob("*.py"):
        names = {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
        if "GoldReader" in names:
            holders.add(str(path.relative_to(HOME)))
    assert holders == {"seals.py", "run/grader.py", "tasks/grading/selftest.py"}


@dataclass(frozen=True, kw_only=True)
class Peeks(Supervise):
    """Reads answers and does not say so."""

    name = "peeks"
    how: str = "train"

    async def read_group(self, run, group):
        if self.how == "open":
            group.task.sealed.open(lambda: None)
        await run.check(group.task, ["1"], self.how, gold=True)
        return group


HOW = {
    "train": "no part of this recipe", "select": "no part of this recipe", "open": "without a reader",
    "evaluate": "may not read answers of train", "audit": "may not read answers of train",
}  # fmt: skip


@pytest.mark.parametrize(("how", "says"), HOW.items())
def test_a_part_that_has_not_declared_it_cannot_read(how, says, opened):
    recipe = get_recipe("ttrl")
    recipe = recipe.with_options(recipe.tiny)
    recipe = replace(recipe, phases=(replace(recipe.phases[0], read=(Peeks(how=how), *recipe.phases[0].read)),))
    run = opened(recipe, sources=("sums:level=3",))

    async def go():
        from selftaught.loop import improve

        await run.save()
        await improve(recipe, run)

    with pytest.raises(SealBroken, match=says) as error:
        asyncio.run(go())
    assert "\n" not in str(error.value) and sum(run.ledger.summary()["gold_read"].values()) == 0


def test_a_part_that_has_declared_it_reads_and_is_counted(opened):
    recipe = get_recipe("star")
    run = opened(recipe.with_options(recipe.tiny))
    grades = asyncio.run(run.check(task_of(), [f"\\boxed{{{SECRET}}}", "no"], "train", gold=True))
    assert grades == [1.0, 0.0] and run.ledger.summary()["gold_read"]["train"] == 1


@pytest.mark.parametrize("purpose", PURPOSES)
def test_each_purpose_reads_its_own_tasks(purpose, opened):
    recipe = get_recipe("star")
    run = opened(recipe.with_options(recipe.tiny))
    for split in ("train", "development", "audit", "held-out"):
        asked = run.check(task_of(split), ["no"], purpose, gold=True)
        if split in READABLE[purpose]:
            assert asyncio.run(asked) == [0.0]
        else:
            with pytest.raises(SealBroken, match=f"'{purpose}' may not read answers of {split} tasks"):
                asyncio.run(asked)
    assert run.ledger.summary()["gold_read"][purpose] == len(READABLE[purpose])


def test_without_gold_nothing_is_read(opened):
    recipe = get_recipe("ttrl")
    run = opened(recipe.with_options(recipe.tiny))
    assert math.isnan(asyncio.run(run.check(task_of(), ["1"]))[0]) and not run.ledger.total("gold", "train")
