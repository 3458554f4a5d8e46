"""Credits of two roles that write one stream: side by side for different attempts, refused for one."""

import asyncio

import numpy as np
import pytest

from selftaught.parts import BadInput
from selftaught.train import GroupCentred, Joined, Returns, RoleBaseline


def credited(part, groups, run):
    return {e.attempt: float(e.streams["advantage"][-1]) for e in asyncio.run(part.credit(run, groups))}


def test_two_roles_share_a_stream(make):
    """Solvers against their group's mean, (1, 0, 0) - 1/3; the author's return of 0.7 against his running mean of 0.5."""
    part = Joined(parts=(GroupCentred(role="solver"), RoleBaseline(role="proposer", score="reward")))
    assert part.writes == ("advantage", "mask", "sampler_logprobs")
    groups = [make.group([1, 0, 0], key="s"), make.group([0.7], key="p", roles=["proposer"])]
    found = credited(part, groups, make.Run(state={"baseline": {"proposer": 0.5, "solver": 9.0}}))
    assert found == pytest.approx({"s/0": 2 / 3, "s/1": -1 / 3, "s/2": -1 / 3, "p/0": 0.2}, abs=1e-6)


def test_two_credits_of_one_role_are_refused_before_anything_is_spent():
    for other in (RoleBaseline(), RoleBaseline(role="solver")):
        with pytest.raises(BadInput, match="two credits write advantage, mask, sampler_logprobs: take credits"):
            Joined(parts=(GroupCentred(role="solver"), other))


def test_one_attempt_is_not_credited_twice(make):
    """Roles that differ by name, and a group whose attempt both take."""

    class Both(GroupCentred):
        async def credit(self, run, groups):
            return await GroupCentred().credit(run, groups)

    with pytest.raises(BadInput, match="for attempt g/0: take credits"):
        credited(Joined(parts=(GroupCentred(role="solver"), Both(role="proposer"))), [make.group([1, 0])], make.Run())


def test_a_running_mean_of_one_role_leaves_the_others(make):
    """0.95 ** 2 of 0.5 and the rest of the mean return, 0.25."""
    run = make.Run(state={"baseline": {"proposer": 0.5}})
    groups = [make.group([1, 0, 1], key="s"), make.group([0.5, 0.0], key="p", roles=["proposer"] * 2)]
    asyncio.run(Returns(role="proposer", score="reward").update(run, groups))
    assert run.state["baseline"] == {"proposer": pytest.approx(0.95**2 * 0.5 + (1 - 0.95**2) * 0.25)}
    np.testing.assert_array_equal(groups[0].values(), [1, 0, 1])
