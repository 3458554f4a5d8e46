"""Ticks of the dispatcher by hand, and coroutines that go ahead of the loop."""

import asyncio

import pytest

from selftaught.format import Format
from selftaught.run.dispatch import Dispatcher
from selftaught.run.grader import Grader
from selftaught.run.ledger import Ledger
from selftaught.run.stopwatch import Ahead, Stopwatch
from selftaught.run.waves import divided
from selftaught.stages import PerGroup
from selftaught.types import Task


def test_parts_by_hand():
    class Want:
        def __init__(self, key, n, kind="sample", whole=False, checked=False):
            self.key, self.rows, self.kind, self.whole, self.checked = key, n, kind, whole, checked
            self.request = key

    asked = [Want("c", 3), Want("a", 2), Want("b", 2), Want("d", 9), Want("e", 1), Want("s", 1, "score"), Want("w", 50, whole=True)]
    parts = [[(wave.kind, wave.keys) for wave in part] for part in divided(asked, 5)]
    assert parts == [[("sample", ["a", "b", "w"]), ("score", ["s"])], [("sample", ["c"])], [("sample", ["d"])], [("sample", ["e"])]]
    assert divided([], 5) == []
    # processes check these: while the second half is sampled, those of the first are at work
    halves = divided([Want(f"{i}", 8, checked=True) for i in range(8)], 64)
    assert [[len(wave.keys) for wave in part] for part in halves] == [[4], [4]]


def test_waves_are_halved_only_where_a_recipe_has_processes_check():
    def apart(declared, checker):
        return Grader(Format(), Ledger(), declared).checks_apart(Task(id="t", prompt="q", checker=checker))

    assert apart(True, "gold")
    assert not (apart(False, "gold") or apart(True, "rule") or apart(True, "equal") or apart(True, ""))


def test_what_is_asked_of_the_model_meanwhile_waits_and_an_error_reaches_everyone():
    seen = []

    class Nothing:
        def replay(self, kind, keys):
            return None

        def append(self, kind, keys, replies):
            seen.append((kind, keys))

    class Two:
        wave_rows = 1

    async def echo(requests):
        if "bad" in requests:
            raise ValueError("bad")
        return list(requests)

    async def twice(dispatcher, key):
        await dispatcher.ask("sample", key, key)
        return await dispatcher.ask("score", key, key), await dispatcher.ask("sample", f"{key}+", f"{key}+")

    async def both(*keys):
        dispatcher = Dispatcher(Nothing(), {"sample": echo, "score": echo}, Two())
        return await asyncio.gather(*(twice(dispatcher, key) for key in keys), return_exceptions=True)

    asyncio.run(both("b", "a"))
    assert seen == [("sample", ["a"]), ("sample", ["b"]), ("score", ["a", "b"]), ("sample", ["a+"]), ("sample", ["b+"])]
    found = asyncio.run(both("a", "bad", "c"))
    assert [type(one) for one in found] == [ValueError] * 3


def test_samples_wait_for_scores_so_that_waves_are_larger():
    class Nothing:
        replay, append = staticmethod(lambda kind, keys: None), staticmethod(lambda kind, keys, replies: seen.append((kind, keys)))

    async def echo(requests):
        return list(requests)

    async def one(dispatcher, key, *kinds):
        for i, kind in enumerate(kinds):
            await dispatcher.ask(kind, f"{key}{i}", f"{key}{i}")

    async def play():
        dispatcher = Dispatcher(Nothing(), {"sample": echo, "score": echo})
        await asyncio.gather(
            one(dispatcher, "a", "sample", "score", "sample"), one(dispatcher, "b", "sample", "sample"), one(dispatcher, "c", "score")
        )

    seen = []
    asyncio.run(play())
    assert seen == [("score", ["c0"]), ("sample", ["a0", "b0"]), ("score", ["a1"]), ("sample", ["a2", "b1"])]


def test_rows_and_time_of_what_goes_ahead_are_its_own_stages():
    now = [0.0]
    ledger = Ledger(watch=Stopwatch(lambda: now[0], lambda: 0.0))

    def passes(seconds):
        now[0] += seconds

    async def within():
        ledger.tokens("sampled", 5)

    async def early():
        passes(2)
        ledger.tokens("prompted", 1)
        await asyncio.sleep(0)
        passes(3)
        await asyncio.gather(within(), within())
        with pytest.raises(ValueError, match="told so"):
            await fails()
        return "read"

    async def fails():
        await asyncio.sleep(0)
        raise ValueError("told so")

    async def late():
        passes(10)
        ledger.tokens("prompted", 7)
        await asyncio.sleep(0)
        passes(20)

    async def both():
        return await asyncio.gather(first(), late())

    async def first():
        return await Ahead(ledger.watch, "read", early())

    assert asyncio.run(both())[0] == "read"
    stages = {key[-1]: {key[1]: n} for key, n in ledger.rows.items() if key[1] == "prompted"}
    assert stages == {"read": {"prompted": 1}, "explore": {"prompted": 7}}
    assert ledger.rows["tokens", "sampled", "solver", "train", "read"] == 10 and ledger.stage == "explore"
    assert {stage: wall for stage, (wall, _) in ledger.watch.snapshot().items()} == {"explore": 30, "read": 5}


def test_what_goes_ahead_can_be_cancelled():
    ended = []

    async def waits():
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    async def play():
        async def outer():
            await Ahead(Stopwatch(), "read", waits())

        task = asyncio.create_task(outer())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(play())
    assert ended == [True]


def test_a_reader_of_single_groups_does_not_read_all_of_them():
    with pytest.raises(TypeError, match="make it a Reader"):

        class All(PerGroup):
            async def read(self, run, groups):
                return list(groups)
