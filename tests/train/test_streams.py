"""What credit parts share, against slow twins."""

import numpy as np
import pytest

from selftaught.train.credit.streams import comparable

NAN = float("nan")


def slowly_comparable(group, score, by_view, role=""):
    """`comparable` by arrays over the group."""
    values_G = group.values(score)
    usable_G = ~np.isnan(values_G) & np.array([a.payload.sampled.any() and role in ("", a.role) for a in group.attempts_G], bool)
    views_G = np.array([a.view if by_view else 0 for a in group.attempts_G], np.int32)
    sets = (np.flatnonzero(usable_G & (views_G == view)).astype(np.int32) for view in np.unique(views_G))
    return [indices for indices in sets if len(indices)]


@pytest.mark.parametrize("seed", range(8))
def test_comparable_equals_its_slow_twin(seed, make):
    rng = np.random.default_rng(seed)
    views, roles = rng.integers(0, 3, 9).tolist(), rng.choice(["solver", "judge"], 9).tolist()
    group = make.group(rng.choice([0, 1, NAN], 9).tolist(), views=views, roles=roles, lengths=rng.integers(0, 3, 9).tolist())
    for by_view in (False, True):
        for role in ("", "judge"):
            found, twin = comparable(group, "reward", by_view, role), slowly_comparable(group, "reward", by_view, role)
            assert [f.tolist() for f in found] == [t.tolist() for t in twin] and all(f.dtype == np.int32 for f in found)
