"""The seam: requests of all coroutines gather into deterministic waves, which are journaled as they come back."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from selftaught.run.journal import Journal

# A coroutine that got its reply needs a few passes of the event loop (two a nested gather) until it asks again.
IDLE_PASSES = 24

Perform = Callable[[Sequence[Any]], Awaitable[list[Any]]]


class Seam:
    """Holds requests back until no coroutine can go on, then makes one wave of each kind, sorted by key.

    Waves therefore depend on what was asked, not on timing; a logged wave is replayed, any other is performed
    and logged. Replies of all kinds are handed out together, after the last of them arrived.
    """

    def __init__(self, journal: Journal, performers: dict[str, Perform]) -> None:
        self.journal, self.performers = journal, performers
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
        replies = self.journal.replay(kind, keys)
        if replies is None:
            replies = await self.performers[kind]([wave[kind, key][0] for key in keys])
            self.journal.append(kind, keys, replies)
        return [(wave[kind, key][1], reply) for key, reply in zip(keys, replies, strict=True)]
