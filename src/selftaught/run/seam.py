"""The seam: requests of all coroutines gather into deterministic waves, which are journaled as they come back."""

import asyncio
import warnings
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from selftaught.run.journal import Journal

# A coroutine that got its reply needs a few passes of the event loop (two a nested gather) until it asks again.
IDLE_PASSES = 24
DIFFERS = "what was sampled before the stop comes out differently now: this run no longer equals one that was not stopped"

Perform = Callable[[Sequence[Any]], Awaitable[list[Any]]]


class Seam:
    """Holds requests back until no coroutine can go on, then makes one wave of each kind, sorted by key.

    Waves therefore depend on what was asked, not on timing; a logged wave is replayed, any other is performed
    and logged. Replies of all kinds are handed out together, after the last of them arrived.

    A model that says it is `warm` remembers, until it is published, what it computed for the attempts it sampled, to
    continue them. What was replayed it has not sampled: those waves are made once more, in their order, before the
    first request that continues an attempt, so that it computes from the same last bits as if it had never stopped.
    """

    def __init__(self, journal: Journal, performers: dict[str, Perform], model: Any = None) -> None:
        """`model` is asked whether it is `warm`."""
        self.journal, self.performers, self.model = journal, performers, model
        self.replayed: list[tuple[list[Any], list[bytes]]] = []
        self.waiting: dict[tuple[str, str], tuple[Any, asyncio.Future[Any]]] = {}
        self.asked = 0
        self.flusher: asyncio.Task[None] | None = None

    async def ask(self, kind: str, key: str, request: Any) -> Any:
        """The reply to one request; raises RuntimeError when two requests of a wave share a key."""
        if (kind, key) in self.waiting:
            raise RuntimeError(f"two requests are called {key!r}: give each its own tag")
        reply: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.waiting[kind, key] = request, reply
        self.asked += 1
        if self.flusher is None:
            self.flusher = asyncio.create_task(self._flush())
        return await reply

    def forget(self) -> None:
        """The model remembers no attempts: it was published or loaded, or what it remembers will not be continued."""
        self.replayed = []

    async def _remind(self) -> None:
        replayed, self.replayed = self.replayed, []
        for requests, ids in replayed:
            if token_ids(await self.performers["sample"](requests)) != ids:
                warnings.warn(DIFFERS, RuntimeWarning, stacklevel=1)

    async def _flush(self) -> None:
        while self.waiting:
            idle, seen = 0, self.asked
            while idle < IDLE_PASSES:
                await asyncio.sleep(0)
                idle, seen = (idle + 1, seen) if self.asked == seen else (0, self.asked)
            wave, self.waiting = self.waiting, {}
            try:
                done = [pair for kind in sorted({kind for kind, _ in wave}) for pair in await self._perform(kind, wave)]
            except Exception as error:
                self.flusher = None
                for _, future in wave.values():
                    if not future.done():
                        future.set_exception(error)
                        # One of them raises where it was asked for; the others need not be complained about.
                        future.exception()
                return
            for future, reply in done:
                if not future.cancelled():
                    future.set_result(reply)
        self.flusher = None

    async def _perform(self, kind: str, wave: dict[tuple[str, str], Any]) -> list[tuple[asyncio.Future[Any], Any]]:
        keys = sorted(key for k, key in wave if k == kind)
        replies, requests = self.journal.replay(kind, keys), [wave[kind, key][0] for key in keys]
        if replies is None:
            if kind == "sample" and any(getattr(request, "after", None) is not None for request in requests):
                await self._remind()
            replies = await self.performers[kind](requests)
            self.journal.append(kind, keys, replies)
        elif kind == "sample" and getattr(self.model, "warm", False):
            self.replayed.append((requests, token_ids(replies)))
        return [(wave[kind, key][1], reply) for key, reply in zip(keys, replies, strict=True)]


def token_ids(replies: Sequence[Sequence[Any]]) -> list[bytes]:
    """The token ids of every attempt."""
    return [attempt.payload.ids.tobytes() for attempts in replies for attempt in attempts]
