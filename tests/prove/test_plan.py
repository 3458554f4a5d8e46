import json

import pytest

from selftaught.jobs.gate import gate
from selftaught.jobs.job import Job
from selftaught.parts import BadInput
from selftaught.prove.plan import WHOLE, Plan, few, sized
from selftaught.recipe import get_recipe

LARGE = {"prompt": 30.0, "length": 32.0}


def test_the_whole_gate_where_it_fits_and_never_fewer_than_sixty_tasks():
    assert sized(1e9, **LARGE) is WHOLE and (WHOLE.tasks, WHOLE.start, WHOLE.result, WHOLE.looks) == (200, 16, 4, ())
    least = sized(0, **LARGE)
    assert (least.tasks, least.start, least.result, least.looks) == (60, 2, 2, (30, 60))
    assert least.tokens(**LARGE) / 400 < 240, "within four minutes at 400 tokens a second"
    assert sized(0, **LARGE, tasks=20).tasks == 20


@pytest.mark.parametrize("most", [50_000, 60_000, 90_000, 120_000])
def test_a_sized_gate_costs_no_more_than_it_may(most):
    plan = sized(most, **LARGE)
    assert plan.tokens(**LARGE) <= most and plan.tasks >= 60 and plan.looks[-1] == plan.tasks
    assert plan.sees() < few(60, 2).sees() or plan.tasks == 60
    assert Plan.of(json.loads(json.dumps(plan.record()))) == plan


def test_who_has_a_share():
    ttrl = get_recipe("ttrl")
    assert Job(model="theirs").share(ttrl) == 0.25 and Job().share(ttrl) is None and Job(gate_share=0.1).share(ttrl) == 0.1
    assert Job(model="theirs", held_out_count=50).share(ttrl) is None and Job(model="theirs", gate="full").share(ttrl) is None
    for wrong in ({"held_out_count": 0}, {"gate_share": 0}, {"gate_share": 0.2, "held_out_count": 10}, {"gate_share": float("nan")}):
        with pytest.raises(BadInput, match=r"held-out-count|gate-share"):
            Job(**wrong)


def test_few_attempts_in_stages():
    quick = {"tasks": ("sums:level=3",), "held_out_count": 60}
    staged = gate("scripted", "scripted", attempts=2, **quick)
    assert staged["looked"]["looks"] == [30, 60] and staged["attempts"] == 2 and staged["tasks"] in (30, 60)
    with pytest.raises(BadInput, match="held-out-count=0"):
        gate("scripted", "scripted", tasks=("sums:level=3",), held_out_count=0)
    with pytest.raises(BadInput, match="--full"):
        gate("scripted", "scripted", full=True, attempts=2, **quick)
    with pytest.raises(BadInput, match="attempts=-1"):
        gate("scripted", "scripted", attempts=-1, **quick)
