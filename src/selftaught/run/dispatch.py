"""The dispatcher: requests of all coroutines gather into deterministic waves, which are journaled as they come back."""

import asyncio
import warnings
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import takewhile
from typing import Any

from selftaught.run.journal import Journal
from selftaught.run.stopwatch import AHEAD, Stopwatch
from selftaught.run.waves import Waiting, Wave, divided, waves_of

# A coroutine that got its reply needs a few passes of the event loop (two a nested gather) until it asks again.
IDLE_PASSES = 24
# Kinds that do not need the model: they are performed beside what it does.
BESIDE = ("check", "call")
# Kinds that others wait for: who is answered will ask for more of those, and waves get larger.
QUICK = ("score",)
# Attempts of one wave, where the model does not say (`wave_rows`).
ROWS = 512
DIFFERS = "what was sampled before the stop comes out differently now: this run no longer equals one that was not stopped"

Perform = Callable[[Sequence[Any]], Awaitable[list[Any]]]


class Dispatcher:
    """Holds requests back until no coroutine can go on, then makes one wave of each kind, sorted by key: a tick.

    Waves therefore depend on what was asked, not on timing; a logged wave is replayed, any other is performed and
    logged. The replies of a tick are handed out together, after the last of them arrived. Checks are performed beside
    what the model does. Samples wait while there is anything to be scored.

    Sample requests for more than `wave_rows` attempts, or half as many where processes check them, make several waves,
    in the order of their keys, one a tick.
    What is asked of the model meanwhile waits until the last of them is done, so that it is not divided further; checks
    do not wait, and so those of one wave's attempts are made while the next wave is sampled.

    A model that says it is `warm` remembers, until it is published, what it computed for the attempts it sampled, to
    continue them. What was replayed it has not sampled: those waves are made once more, in their order, before the
    first request that comes back to an attempt, so that it computes from the same last bits as if it had never stopped.
    """

    def __init__(self, journal: Journal, performers: dict[str, Perform], model: Any = None, watch: Stopwatch | None = None) -> None:
        """`model` is asked for its `wave_rows` and whether it is `warm`; a wave's time goes to the stage that asked for it."""
        self.journal, self.performers, self.model, self.watch = journal, performers, model, watch or Stopwatch()
        self.waiting: dict[tuple[str, str], Waiting] = {}
        self.parts: deque[list[Wave]] = deque()
        self.replayed: list[tuple[list[Any], list[bytes]]] = []
        self.asked = 0
        self.flusher: asyncio.Task[None] | None = None

    async def ask(self, kind: str, key: str, request: Any, whole: bool = False, checked: bool = False) -> Any:
        """The reply to one request; raises RuntimeError when two requests of a wave share a key."""
        if (kind, key) in self.waiting:
            raise RuntimeError(f"two requests are called {key!r}: give each its own tag")
        reply: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.waiting[kind, key] = Waiting(kind, key, request, reply, whole, checked, AHEAD.get())
        self.asked += 1
        if self.flusher is None:
            self.flusher = asyncio.create_task(self._flush())
        return await reply

    def forget(self) -> None:
        """The model remembers no attempts: it was published or loaded, or what it remembers will not be continued."""
        self.replayed = []

    async def _flush(self) -> None:
        waves: list[Wave] = []
        try:
            while self.waiting or self.parts:
                idle, seen = 0, self.asked
                while idle < IDLE_PASSES:
                    await asyncio.sleep(0)
                    idle, seen = (idle + 1, seen) if self.asked == seen else (0, self.asked)
                beside, model = self._tick()
                waves = [*beside, *model]
                with self.watch.lent({asked.stage for wave in model or beside for asked in wave.asked}):
                    await self._perform(beside, model)
                for wave in waves:
                    for asked, reply in zip(wave.asked, wave.replies or (), strict=True):
                        if not asked.reply.cancelled():
                            asked.reply.set_result(reply)
        except Exception as error:
            left = [asked for wave in (*waves, *(wave for part in self.parts for wave in part)) for asked in wave.asked]
            for asked in (*left, *self.waiting.values()):
                if not asked.reply.done():
                    asked.reply.set_exception(error)
                    # One of them raises where it was asked for; the others need not be complained about.
                    asked.reply.exception()
            self.waiting, self.parts = {}, deque()
        finally:
            self.flusher = None

    def _tick(self) -> tuple[list[Wave], list[Wave]]:
        """What is performed next: beside the model, and by it."""
        beside = [asked for asked in self.waiting.values() if asked.kind in BESIDE]
        others = {pair: asked for pair, asked in self.waiting.items() if asked.kind not in BESIDE}
        if not self.parts:
            quick = {pair: asked for pair, asked in others.items() if asked.kind in QUICK} or others
            self.parts = deque(divided(quick.values(), getattr(self.model, "wave_rows", ROWS)))
            others = {pair: asked for pair, asked in others.items() if pair not in quick}
        self.waiting = others
        return waves_of(beside), self.parts.popleft() if self.parts else []

    async def _perform(self, beside: list[Wave], model: list[Wave]) -> None:
        aside = asyncio.ensure_future(self._make(beside))
        if beside:
            # It starts before the model does, which may well not let go of the event loop until it is done.
            await asyncio.sleep(0)
        try:
            await self._make(model)
        finally:
            await asyncio.gather(aside, return_exceptions=True)
            # In this order, up to the first that was not completed: a journal does not tell what was slow, or stopped.
            for wave in takewhile(lambda wave: wave.replies is not None, (*beside, *model)):
                if wave.fresh:
                    self.journal.append(wave.kind, wave.keys, wave.replies or [])
        aside.result()

    async def _make(self, waves: list[Wave]) -> None:
        for wave in waves:
            wave.replies = self.journal.replay(wave.kind, wave.keys)
            wave.fresh = wave.replies is None
            if wave.replies is None:
                if any(getattr(request, "after", None) or getattr(request, "attempt", "") for request in wave.requests):
                    await self._remind()
                wave.replies = await self.performers[wave.kind](wave.requests)
            elif wave.kind == "sample" and getattr(self.model, "warm", False):
                self.replayed.append((wave.requests, token_ids(wave.replies)))

    async def _remind(self) -> None:
        replayed, self.replayed = self.replayed, []
        for requests, ids in replayed:
            if token_ids(await self.performers["sample"](requests)) != ids:
                warnings.warn(DIFFERS, RuntimeWarning, stacklevel=1)


def token_ids(replies: Sequence[Sequence[Any]]) -> list[bytes]:
    """The token ids of every attempt."""
    return [attempt.payload.ids.tobytes() for attempts in replies for attempt in attempts]
