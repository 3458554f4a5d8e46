"""Two turns: drafts, then their revisions in the same conversation."""

import asyncio

from selftaught.explore import Even, Retry
from selftaught.prompts import CHECK_AGAIN
from selftaught.recipe import get_recipe


def test_revisions_continue_their_drafts(opened):
    run, part = opened(get_recipe("score-self-correct")), Retry()

    async def made():
        return await part.explore(run, Even(tasks=1, n=3).plan(run, run.pool)[0])

    [group] = asyncio.run(made())
    drafts, revised = group.attempts_G[:3], group.attempts_G[3:]
    assert [a.parents for a in revised] == [(a.id,) for a in drafts] and {a.role for a in revised} == {"reviser"}
    for draft, revision in zip(drafts, revised, strict=True):
        assert (revision.payload.ids[: len(draft.payload)] == draft.payload.ids).all()
        assert revision.messages[-1].content == CHECK_AGAIN
